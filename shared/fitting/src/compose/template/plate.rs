//! The clean plate: the template without its own eyes and brows, for where the photo's do not cover them.
//!
//! The mesh puts the template's features exactly under the photo's. The template's brows may still be longer and its
//! lids darker; what sticks out would look like a second brow or a smear beside the eye. Skin is painted there, in
//! the colour of the template's bare skin nearby and without detail, so that the edge of the paint matches its
//! surroundings. The ends of a pair of glasses are painted over as well. All lengths are in eye distances.

use std::ops::Range;

use crate::compose::face::shading::{CLOSE_BY, low_frequencies};
use crate::compose::face::surface::Surface;
use crate::compose::geometry::face_frame::{self, FaceFrame};
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::logarithm::LOG_OFFSET;
use crate::compose::raster::logarithm::exp;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::polygon::Polygon;
use crate::topology::{LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE};

/// How far lashes, make-up and shadow reach around an eye, and hairs around a brow.
const EYE_GROW: f32 = 0.13;
const BROW_GROW: f32 = 0.08;
/// Brows reach beyond the mesh's points: their outer end is this many times as far from their inner end.
const BROW_LENGTH: f32 = 1.18;
/// Hair that hangs down from above this height over the brow line is kept: it is a fringe.
const FRINGE_HEIGHT: f32 = 0.28;
/// A fringe that hangs lower fades out between these heights over the brow line.
const CUT: Range<f32> = 0.11..0.19;
/// Heights at which a temple beside a fringe is bare, and a temple under long hair is not.
const BELOW_EYES: Range<f32> = -0.70..-0.35;
/// The least share of skin of a bare temple: .9 and more beside fringes, .7 and less beside long hair.
const BARE: f32 = 0.8;
/// The width (σ) of the soft edge of what is painted.
const EDGE: f32 = 0.03;
/// Temples begin this far from the midline, and are measured at these distances from the rim.
const TEMPLE: f32 = 0.55;
const BESIDE: Range<f32> = 0.03..0.22;
/// Heights over the brow line at which glasses reach the rim, and of the strips above and below them that must be
/// skin.
const GLASSES: Range<f32> = -0.55..0.08;
const ABOVE_GLASSES: Range<f32> = 0.12..0.30;
const BELOW_GLASSES: Range<f32> = -0.85..-0.62;
/// The least share of skin in those strips: bare temples have .9 and more, temples under hair .5 and less.
const SKIN_AROUND: f32 = 0.6;
/// A pair of glasses is thin where it leaves the face; a sideburn is not. The least share of skin in the outermost
/// strip at the height of glasses.
const OUTERMOST: Range<f32> = 0.0..0.10;
const SKIN_BETWEEN: f32 = 0.5;
/// The bridge of a pair of glasses lies nearer to the midline than this, between these heights. At most this share of
/// a row across it is skin: .11 and less behind three pairs of glasses, .85 and more on bare faces.
const BRIDGE: f32 = 0.10;
const AT_BRIDGE: Range<f32> = -0.45..-0.05;
const SKIN_AT_BRIDGE: f32 = 0.5;
/// Within this distance from the rim the template stays as it is, and hair there is not a fringe.
const RIM: f32 = 0.06;

/// Returns the share of painted skin at every coarse sample.
pub(crate) fn share(points: &[[f32; 2]], frame: &FaceFrame, rim: &Plane, surface: &Surface) -> Plane {
    let mut features = Plane::new(rim.width(), rim.height());
    for (eye, brow) in [(RIGHT_EYE, RIGHT_BROW), (LEFT_EYE, LEFT_BROW)] {
        Polygon::hull(eye.map(|i| points[i])).paint(&mut features, EYE_GROW * frame.unit);
        Polygon::hull(with_tail(brow.map(|i| points[i]))).paint(&mut features, BROW_GROW * frame.unit);
    }
    let fringe = gaussian(&fringe(&surface.skin, frame, rim), 0.02 * frame.unit);
    let cut = cut(frame, rim, &surface.skin);
    let features = gaussian(&features, EDGE * frame.unit)
        .zip(&fringe, |m, fringe| m * (1.0 - 2.0 * fringe).max(0.0))
        .zip(&cut.zip(&fringe, |cut, fringe| cut * (2.0 * fringe).min(1.0)), f32::max)
        .zip(rim, |m, d| m * ((d - 0.5 * RIM) / RIM).clamp(0.0, 1.0));
    glasses(frame, rim, &surface.skin)
        .map_or_else(|| features.clone(), |glasses| glasses.zip(&features, f32::max))
}

/// Returns the ends of a pair of glasses beside the eyes, 0..1, if the face of this `skin` wears any.
pub(crate) fn glasses(frame: &FaceFrame, rim: &Plane, skin: &Plane) -> Option<Plane> {
    let mut glasses = Plane::new(rim.width(), rim.height());
    let worn = [-1.0, 1.0].map(|side| {
        let worn = wears_glasses(side, frame, rim, skin);
        if worn {
            mark_glasses(&mut glasses, side, frame, rim, skin);
        }
        worn
    });
    // The blur lowers a thin frame; raising it again covers all of it.
    let covered = |m: f32, d: f32| (3.0 * m).min(1.0) * (d / RIM).clamp(0.0, 1.0);
    (worn != [false, false]).then(|| gaussian(&glasses, EDGE * frame.unit).zip(rim, covered))
}

/// Moves a brow's points away from its inner end, which is between the fifth and the sixth point.
fn with_tail<const N: usize>(brow: [[f32; 2]; N]) -> [[f32; 2]; N] {
    let inner = face_frame::mean(&brow, &[4, 5]);
    let stretched = |p: [f32; 2]| [0, 1].map(|axis| inner[axis] + (p[axis] - inner[axis]) * BROW_LENGTH);
    brow.map(stretched)
}

/// Returns the colour of the paint, as logarithms: the mean of the skin nearby that is not painted over itself.
pub(crate) fn paint(surface: &Surface, share: &Plane, unit: f32) -> [Plane; 3] {
    let bare = surface.skin.clone().zip(share, |skin, painted| skin * (1.0 - painted));
    low_frequencies(&surface.logs, &bare, CLOSE_BY.map(|sigma| sigma * unit))
}

/// Returns whether something other than hair ends beside an eye, with skin above and below it. Hair that covers a
/// temple reaches further up or down. `side` is -1 for the face's right, 1 for its left.
fn wears_glasses(side: f32, frame: &FaceFrame, rim: &Plane, skin: &Plane) -> bool {
    let strips = [
        (ABOVE_GLASSES, BESIDE, SKIN_AROUND),
        (BELOW_GLASSES, BESIDE, SKIN_AROUND),
        (GLASSES, OUTERMOST, SKIN_BETWEEN),
    ];
    strips
        .into_iter()
        .all(|(heights, distances, share)| skin_beside(side, &heights, &distances, frame, rim, skin) > share)
}

/// Returns the share of skin in a strip beside the features, between these heights and distances from the rim; 0 for
/// an empty strip.
fn skin_beside(
    side: f32,
    heights: &Range<f32>,
    distances: &Range<f32>,
    frame: &FaceFrame,
    rim: &Plane,
    skin: &Plane,
) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (y, row) in skin.rows().enumerate() {
        for (x, (&k, d)) in row.iter().zip(rim.row(y)).enumerate() {
            // The cheapest test comes first, because this loop visits the whole raster several times in each fit.
            let beside = distances.contains(d) && frame.midline_offset(x as f32, y as f32) * side > TEMPLE;
            if beside && heights.contains(&frame.above_brows(x as f32, y as f32)) {
                (sum, count) = (sum + k, count + 1.0);
            }
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Returns whether something other than skin crosses the root of the nose. Without it, dark samples beside the eyes
/// are hair and not glasses.
pub(crate) fn has_bridge(frame: &FaceFrame, skin: &Plane) -> bool {
    let share = |(y, row): (usize, &[f32])| {
        let (mut sum, mut count) = (0.0, 0.0);
        for (x, &k) in row.iter().enumerate() {
            let (x, y) = (x as f32, y as f32);
            if frame.midline_distance(x, y) < BRIDGE && AT_BRIDGE.contains(&frame.above_brows(x, y)) {
                (sum, count) = (sum + k, count + 1.0);
            }
        }
        if count > 0.0 { sum / count } else { 1.0 }
    };
    skin.rows().enumerate().map(share).fold(1.0, f32::min) < SKIN_AT_BRIDGE
}

/// Marks what is not skin beside an eye.
fn mark_glasses(mask: &mut Plane, side: f32, frame: &FaceFrame, rim: &Plane, skin: &Plane) {
    for (y, row) in mask.rows_mut().enumerate() {
        for (x, (v, (&k, &d))) in row.iter_mut().zip(skin.row(y).iter().zip(rim.row(y))).enumerate() {
            let beside = d > 0.0 && frame.midline_offset(x as f32, y as f32) * side > TEMPLE;
            if beside && k < 0.7 && GLASSES.contains(&frame.above_brows(x as f32, y as f32)) {
                *v = 1.0;
            }
        }
    }
}

/// Returns where hair that hangs down from above is cut off, 0..1. Where it reaches an eye or brow it would be a dark
/// spot around the photo's. Hair that hangs down beside the face stays whole.
fn cut(frame: &FaceFrame, rim: &Plane, skin: &Plane) -> Plane {
    let bare = [-1.0, 1.0].map(|side| has_bare_temple(side, frame, rim, skin));
    Plane::from_fn(rim.width(), rim.height(), |x, y| {
        let (x, y) = (x as f32, y as f32);
        let below = ((CUT.end - frame.above_brows(x, y)) / (CUT.end - CUT.start)).clamp(0.0, 1.0);
        if bare[usize::from(frame.midline_offset(x, y) > 0.0)] { below } else { 0.0 }
    })
}

/// Returns whether there is skin beside and below an eye, so that hair above it is a fringe. `side` is -1 for the
/// face's right, 1 for its left.
pub(crate) fn has_bare_temple(side: f32, frame: &FaceFrame, rim: &Plane, skin: &Plane) -> bool {
    skin_beside(side, &BELOW_EYES, &BESIDE, frame, rim, skin) > BARE
}

/// Marks what is not skin and is connected to something above [`FRINGE_HEIGHT`].
fn fringe(skin: &Plane, frame: &FaceFrame, rim: &Plane) -> Plane {
    let (width, height) = (skin.width(), skin.height());
    let hair = |x: usize, y: usize| skin.row(y)[x] < 0.5 && rim.row(y)[x] > RIM;
    let mut fringe = Plane::new(width, height);
    let mut open = Vec::new();
    for y in 0..height {
        for x in 0..width {
            if frame.above_brows(x as f32, y as f32) > FRINGE_HEIGHT && hair(x, y) {
                fringe.row_mut(y)[x] = 1.0;
                open.push((x, y));
            }
        }
    }
    while let Some((x, y)) = open.pop() {
        let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)].into_iter();
        for (x, y) in neighbours.filter(|&(x, y)| x < width && y < height) {
            if fringe.row(y)[x] == 0.0 && hair(x, y) {
                fringe.row_mut(y)[x] = 1.0;
                open.push((x, y));
            }
        }
    }
    fringe
}

/// Paints over a row of one of the template's colours (8-bit levels), as far as `shares` says. The paint is the
/// colour `paint` (logarithms) with grain of the given deviation.
pub(crate) fn paint_row(colour: &mut [f32], shares: &[f32], paint: &[f32], grain: &[f32], deviation: f32) {
    for ((v, &share), (&paint, &grain)) in colour.iter_mut().zip(shares).zip(paint.iter().zip(grain)) {
        *v += (exp(paint) - LOG_OFFSET + deviation * grain - *v) * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::geometry::face_frame::rim_distance;
    use crate::compose::golden::mesh;
    use crate::topology::SURFACE_POINTS;

    const SIZE: usize = 220;

    /// Returns a portrait's face in the middle of a small raster, its eyes 60 samples apart.
    fn face() -> (FaceFrame, Plane) {
        let mesh = mesh("obama.jpg");
        let points: Vec<[f32; 2]> = mesh.points()[..SURFACE_POINTS]
            .iter()
            .map(|[x, y, _]| [(x - 492.0) * 0.59 + 110.0, (y - 274.0) * 0.59 + 110.0])
            .collect();
        let frame = FaceFrame::new(&points, 60.0);
        let rim = rim_distance(&points, frame.unit, SIZE, SIZE);
        (frame, rim)
    }

    fn skin_but(frame: &FaceFrame, hair: impl Fn(f32, f32) -> bool) -> Plane {
        Plane::from_fn(SIZE, SIZE, |x, y| {
            let (x, y) = (x as f32, y as f32);
            if hair(frame.midline_offset(x, y), frame.above_brows(x, y)) { 0.0 } else { 1.0 }
        })
    }

    #[test]
    fn an_arm_of_glasses_is_told_from_hair_at_the_temple() {
        let (frame, rim) = face();
        let arm = skin_but(&frame, |across, height| across > 0.6 && (-0.25..-0.1).contains(&height));
        assert!(wears_glasses(1.0, &frame, &rim, &arm));
        let sideburn = skin_but(&frame, |across, height| across > 0.9 && height > -0.5);
        assert!(!wears_glasses(1.0, &frame, &rim, &sideburn));
    }

    #[test]
    fn a_fringe_hangs_from_above_and_a_brow_does_not() {
        let (frame, rim) = face();
        let skin = skin_but(&frame, |across, height| {
            let fringe = (0.2..0.4).contains(&across) && height > -0.1;
            let brow = (-0.6..-0.2).contains(&across) && (-0.1..0.0).contains(&height);
            fringe || brow
        });
        let fringe = fringe(&skin, &frame, &rim);
        let at = |across: f32, height: f32| {
            let marked = |(x, y): &(usize, usize)| {
                let (fx, fy) = (*x as f32, *y as f32);
                (frame.midline_offset(fx, fy) - across).abs() < 0.02
                    && (frame.above_brows(fx, fy) - height).abs() < 0.02
            };
            let sample = (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y))).find(marked);
            sample.map(|(x, y)| fringe.row(y)[x])
        };
        assert_eq!(at(0.3, 0.0), Some(1.0));
        assert_eq!(at(-0.4, -0.05), Some(0.0));
    }

    #[test]
    fn a_bridge_is_told_from_hair_beside_the_eyes() {
        let (frame, _) = face();
        let glasses = skin_but(&frame, |_, height| (-0.2..-0.12).contains(&height));
        assert!(has_bridge(&frame, &glasses));
        let hair = skin_but(&frame, |across, _| across.abs() > 0.6);
        assert!(!has_bridge(&frame, &hair));
    }
}
