//! How much of the photo shows at each sample: a product of shares, one for each reason to keep the template.
//!
//! Lengths are in eye distances; heights count upwards from the brow line.

use crate::compose::face::features::{Features, eye_guards, near_middle};
use crate::compose::geometry::face_frame::FaceFrame;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::morphology::closed_and_shrunk;
use crate::compose::raster::plane::Plane;
use crate::compose::template::plate::{glasses, has_bridge};

/// Strands and shadows narrower than twice `SKIN_CLOSE` stay skin. The skin is then shrunk by `SKIN_SHRINK`, because
/// skin next to hair has its shadow and colour.
const SKIN_CLOSE: f32 = 0.05;
const SKIN_SHRINK: f32 = 0.035;
/// The width (σ) of the soft edge of the whole product.
const EDGE: f32 = 0.03;

/// Above the brow line the edge is softer, fully so from this height on. Where a fringe was cut off, bare skin of
/// both faces meets there, and a line would be visible at once. The soft edge lowers the seam by .03 and .08 dE on
/// the tuned and the held-out pairs (medians). Twice as soft changes nothing more.
const FOREHEAD: f32 = 0.1;
const FOREHEAD_EDGE: f32 = 0.06;
/// What remains of alpha in the middle of a straight edge. Alpha is 1 from 1.3 σ inside.
const FOREHEAD_REST: f32 = 0.2;

/// Alpha above this becomes 1: the rest would be less than half a level, and the template need not be sampled.
const NEARLY_ALL: f32 = 0.998;

/// The inputs of alpha, all on the coarse raster.
pub(crate) struct AlphaInputs<'a> {
    pub(crate) points: &'a [[f32; 2]],
    pub(crate) frame: &'a FaceFrame,
    pub(crate) rim: &'a Plane,
    pub(crate) features: &'a Features,
    /// Likeness to the photo's skin and to the template's skin.
    pub(crate) photo_skin: &'a Plane,
    pub(crate) template_skin: &'a Plane,
    /// 1 where the photo has pixels for this sample.
    pub(crate) in_photo: &'a Plane,
    /// How much of the sample the photo's camera did not see, and whether the mirrored half replaces it.
    pub(crate) occlusion: &'a Plane,
    pub(crate) filled: bool,
}

/// Returns alpha on the coarse raster, 0..1.
pub(crate) fn alpha(inputs: &AlphaInputs<'_>) -> Plane {
    let AlphaInputs { frame, rim, features, in_photo, .. } = *inputs;
    let unit = frame.unit;
    let photo_skin = closed_and_shrunk(inputs.photo_skin, SKIN_CLOSE * unit, SKIN_SHRINK * unit);
    let template_skin = closed_and_shrunk(inputs.template_skin, SKIN_CLOSE * unit, SKIN_SHRINK * unit);
    let mut alpha = Plane::new(rim.width(), rim.height());
    for (y, row) in alpha.rows_mut().enumerate() {
        let masks = rim.row(y).iter().zip(features.core.row(y)).zip(in_photo.row(y));
        let skins = photo_skin.row(y).iter().zip(template_skin.row(y));
        let hidden = inputs.occlusion.row(y);
        for (x, ((v, ((&d, &core), &inside)), (&photo, &template))) in
            row.iter_mut().zip(masks).zip(skins).enumerate()
        {
            if d <= 0.0 {
                continue;
            }
            let height = frame.above_brows(x as f32, y as f32);
            *v = inside
                * rim_share(d)
                * forehead_share(height)
                * (1.0 - photo_hair_reach(height, d) * (1.0 - photo.max(core)))
                * (1.0 - template_hair_reach(height) * (1.0 - template.max(core)))
                * (1.0 - hidden_share(hidden[x], d, inputs.filled) * (1.0 - core));
        }
    }
    let alpha = gaussian(&alpha, EDGE * unit).zip(rim, |a, d| a * ((d - 0.01) / 0.06).clamp(0.0, 1.0));
    let mut alpha = soften_forehead(alpha, frame);
    for guard in eye_guards(inputs.points, unit, rim.width(), rim.height()) {
        alpha = show_whole_eye(alpha, &guard, inputs, &photo_skin);
    }
    let worn = has_bridge(frame, inputs.photo_skin);
    if let Some(glasses) = glasses(frame, rim, inputs.photo_skin).filter(|_| worn) {
        // Glasses end where the template's hair hangs in front of them, and where the photo ends.
        let free = template_skin.zip(in_photo, |skin, inside| skin * inside);
        alpha = alpha.zip(&glasses.zip(&free, |glasses, free| glasses * free), f32::max);
    }
    alpha.map(|a| if a > NEARLY_ALL { 1.0 } else { a })
}

/// Lowers alpha towards its edge on the forehead.
fn soften_forehead(mut alpha: Plane, frame: &FaceFrame) -> Plane {
    let around = gaussian(&alpha, FOREHEAD_EDGE * frame.unit);
    for (y, row) in alpha.rows_mut().enumerate() {
        for (x, (v, &around)) in row.iter_mut().zip(around.row(y)).enumerate() {
            let share = (frame.above_brows(x as f32, y as f32) / FOREHEAD).clamp(0.0, 1.0);
            let most = (2.0 * around - 1.0 + FOREHEAD_REST).clamp(0.0, 1.0);
            *v = v.min(1.0 - share * (1.0 - most));
        }
    }
    alpha
}

/// Returns the share of the photo above the brows: it falls to 0 within .35. Foreheads differ little, hairlines
/// differ much.
fn forehead_share(height: f32) -> f32 {
    ((0.35 - height) / 0.22).clamp(0.0, 1.0)
}

/// Returns how much of the template's hair stays where it hangs into the face, from the height of the mouth upwards.
/// Below, what is not skin is the template's beard, which is covered.
fn template_hair_reach(height: f32) -> f32 {
    ((height + 0.9) / 0.3).clamp(0.0, 1.0)
}

/// Returns the share of the photo near the rim, where the outline is the template's. Two ramps make a soft shoulder.
fn rim_share(distance: f32) -> f32 {
    ((distance - 0.03) / 0.14).clamp(0.0, 1.0) * ((distance - 0.02) / 0.15).clamp(0.0, 1.0)
}

/// Returns where the photo's hair may hang into its face: above the cheek bones, and along the sides down to the jaw.
/// The lower middle of the face is never taken for hair, so that beards stay.
fn photo_hair_reach(height: f32, distance: f32) -> f32 {
    let upper = ((height + 0.75) / 0.3).clamp(0.0, 1.0);
    let side = ((0.42 - distance) / 0.12).clamp(0.0, 1.0) * ((height + 1.55) / 0.25).clamp(0.0, 1.0);
    upper.max(side)
}

/// Returns how much the template replaces what the photo does not show. When the mirrored half is filled in, it does
/// so only near the rim, where the mirrored hair begins.
fn hidden_share(occlusion: f32, distance: f32, filled: bool) -> f32 {
    let hidden = (1.3 * occlusion).clamp(0.0, 1.0);
    if filled { hidden * ((0.40 - distance) / 0.15).clamp(0.0, 1.0) } else { hidden }
}

/// Raises alpha so that an eye is shown whole: only the rim and the photo's own border take precedence over its
/// guard.
fn show_whole_eye(mut alpha: Plane, guard: &Plane, inputs: &AlphaInputs<'_>, photo_skin: &Plane) -> Plane {
    for (y, row) in alpha.rows_mut().enumerate() {
        for (x, v) in row.iter_mut().enumerate() {
            let guard = guard.row(y)[x];
            if guard <= 0.0 {
                continue;
            }
            let midline_distance = inputs.frame.midline_distance(x as f32, y as f32);
            let d = inputs.rim.row(y)[x];
            let far = (1.0 - near_middle(midline_distance, d)) * (1.0 - photo_skin.row(y)[x]);
            let rim = (d / 0.05).clamp(0.0, 1.0);
            *v = v.max(guard * (1.0 - far) * rim * inputs.in_photo.row(y)[x]);
        }
    }
    alpha
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::golden::mesh;

    #[test]
    fn the_photo_ends_at_the_rim_and_below_the_hairline() {
        assert_eq!((rim_share(0.02), rim_share(0.3)), (0.0, 1.0));
        assert_eq!((forehead_share(0.4), forehead_share(0.1)), (0.0, 1.0));
    }

    #[test]
    fn a_beard_is_not_taken_for_hanging_hair() {
        assert_eq!(photo_hair_reach(-1.3, 0.5), 0.0);
        assert_eq!(photo_hair_reach(-0.2, 0.5), 1.0);
        assert_eq!(template_hair_reach(-1.0), 0.0);
    }

    #[test]
    fn the_edge_is_softer_on_the_forehead_and_nowhere_else() {
        let points: Vec<[f32; 2]> = mesh("obama.jpg").points().iter().map(|&[x, y, _]| [x, y]).collect();
        let (width, height) = (1024, 400);
        let frame = FaceFrame::new(&points, 60.0);
        let hard = Plane::from_fn(width, height, |x, _| if x < width / 2 { 1.0 } else { 0.0 });
        let soft = soften_forehead(hard.clone(), &frame);
        let (inside, edge) = (width / 2 - 8, width / 2 - 1);
        for y in (0..height).step_by(20) {
            let above = frame.above_brows(edge as f32, y as f32);
            let (before, after) = (hard.row(y), soft.row(y));
            if above < 0.0 {
                assert_eq!(after, before, "{above} above the brows");
            } else if above > FOREHEAD {
                assert!((after[edge] - FOREHEAD_REST).abs() < 0.15 && after[inside] > 0.99, "{above}");
            }
        }
    }

    #[test]
    fn a_filled_half_is_shown_inside_and_an_unfilled_one_is_not() {
        assert_eq!(hidden_share(1.0, 0.5, true), 0.0);
        assert_eq!(hidden_share(1.0, 0.1, true), 1.0);
        assert_eq!(hidden_share(1.0, 0.5, false), 1.0);
    }
}
