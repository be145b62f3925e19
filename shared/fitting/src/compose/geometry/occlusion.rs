//! What the photo's camera did not see: the far side of a turned head, and its filling from the near one.
//!
//! A triangle that the template shows from the front and the photo only at a grazing angle has hardly any
//! texture, and what lies behind the turned nose has the nose's. There the photo's other half is used, mirrored
//! and re-lit to the light of its own side.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::compose::face::shading::LOG_OFFSET;
use crate::compose::geometry::coverage::Coverage;
use crate::compose::geometry::frame::{self, Frame};
use crate::compose::geometry::points::{Wiped, flat};
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::logarithm::exp;
use crate::compose::raster::plane::{Plane, Upsampler};
use crate::compose::raster::texture::Texture;
use crate::topology::{self, LEFT_EYE, RIGHT_EYE, SURFACE_POINTS};

/// Cosine of the angle to the camera at which a triangle begins to count as hidden (65°) ...
const GRAZING: f32 = 0.42;
/// ... and how much less it takes to count fully (83°).
const GRAZING_RANGE: f32 = 0.30;
/// Triangles that the template itself hides need no texture.
const TEMPLATE_FACING: f32 = 0.2;
/// A triangle that the photo sees worse than the template does by this much more (in cosines) is turned away ...
const TURNED: f32 = 0.1;
/// ... and by so much more surely is.
const TURNED_RANGE: f32 = 0.2;
/// A point this far behind another part of the face begins to be covered by it, in eye distances of depth ...
const BEHIND: f32 = 0.07;
/// ... and is covered when it lies so much further behind: the wings of a nose stand .1 to .2 before the cheek.
const BEHIND_RANGE: f32 = 0.10;
/// What covers counts as this much wider, in eye distances: the nose's outline is a dark edge that must not stay on
/// the cheek.
const OUTLINE: f32 = 0.06;
/// How far from the midline both halves show the same: what only grazes is kept from here ...
const MIDDLE: f32 = 0.16;
/// ... and given up fully this much further out.
const MIDDLE_RANGE: f32 = 0.20;
/// What is turned away is given up nearer to the midline, up to the ridge of the nose.
const RIDGE: f32 = 0.02;
const RIDGE_RANGE: f32 = 0.10;
/// What is hidden by less than this counts as seen: a few grazing triangles at the rim are in every photo.
pub(crate) const HIDDEN: f32 = 0.3;

/// How much of every point of the mesh the photo does not show, 0..1: what it sees only at a grazing angle, and
/// what it has turned away, that is, sees worse than the template does. `template_covered` is [`covered`] of the
/// template's points.
pub(crate) fn at_points(
    photo: &[[f32; 3]],
    template: &[[f32; 3]],
    template_covered: &[f32],
) -> Wiped<[f32; 2]> {
    let mut sums = [[0.0_f32; 3]; SURFACE_POINTS];
    for triangle in topology::triangles() {
        let (in_photo, in_template) = (facing(photo, triangle), facing(template, triangle));
        let hidden = if in_template > TEMPLATE_FACING {
            ((GRAZING - in_photo) / GRAZING_RANGE).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let turned = hidden * ((in_template - in_photo - TURNED) / TURNED_RANGE).clamp(0.0, 1.0);
        for v in triangle {
            sums[v] = [sums[v][0] + hidden, sums[v][1] + turned, sums[v][2] + 1.0];
        }
    }
    let covered = covered(photo);
    let points = sums.iter().zip(&*covered).zip(template_covered);
    let hidden = points.map(|(([hidden, turned, count], photo), template)| {
        let count = count.max(1.0);
        [hidden / count, (turned / count).max(photo - template)]
    });
    Zeroizing::new(hidden.collect())
}

/// How much of every point of the mesh lies behind another part of the face (the nose) as the camera sees it, 0..1.
pub(crate) fn covered(points: &[[f32; 3]]) -> Wiped<f32> {
    let flat = flat(points);
    let (right, left) = (frame::mean(&flat, &RIGHT_EYE), frame::mean(&flat, &LEFT_EYE));
    let unit = (left[0] - right[0]).hypot(left[1] - right[1]).max(1.0);
    let reach = OUTLINE * unit;
    let mut depths = Zeroizing::new(vec![0.0_f32; points.len()]);
    for triangle in topology::triangles() {
        let corners = triangle.map(|v| points[v]);
        let span = |axis: usize| {
            let values = corners.map(|c| c[axis]);
            values.into_iter().fold(f32::INFINITY, f32::min) - reach
                ..values.into_iter().fold(f32::NEG_INFINITY, f32::max) + reach
        };
        let (across, down) = (span(0), span(1));
        // What is not behind the nearest corner is not behind the triangle.
        let behind = corners.map(|c| c[2]).into_iter().fold(f32::INFINITY, f32::min) + BEHIND * unit;
        for (depth, p) in depths.iter_mut().zip(points) {
            if p[2] > behind && across.contains(&p[0]) && down.contains(&p[1]) {
                let around = [[0.0, 0.0], [reach, 0.0], [-reach, 0.0], [0.0, reach], [0.0, -reach]];
                let front =
                    around.into_iter().filter_map(|[dx, dy]| plane_depth(corners, [p[0] + dx, p[1] + dy]));
                *depth = front.map(|z| (p[2] - z) / unit).fold(*depth, f32::max);
            }
        }
    }
    depths.iter_mut().for_each(|depth| *depth = ((*depth - BEHIND) / BEHIND_RANGE).clamp(0.0, 1.0));
    depths
}

/// The depth of a triangle at a place it covers in the picture.
fn plane_depth([a, b, c]: [[f32; 3]; 3], [x, y]: [f32; 2]) -> Option<f32> {
    let area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    let u = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area;
    let v = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area;
    (u >= 0.0 && v >= 0.0 && u + v <= 1.0).then(|| a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2]))
}

/// The cosine between a triangle's normal and the direction to the camera.
fn facing(points: &[[f32; 3]], [a, b, c]: [usize; 3]) -> f32 {
    let edge = |to: usize| [0, 1, 2].map(|axis| points[to][axis] - points[a][axis]);
    let (u, v) = (edge(b), edge(c));
    let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let length = normal.iter().map(|n| n * n).sum::<f32>().sqrt();
    // Triangles run clockwise in a picture whose z points away from the camera.
    -normal[2] / length.max(1e-6)
}

/// Occlusion at every coarse sample, smooth, and fading towards the midline, where both halves are seen.
pub(crate) fn occlusion(
    at_points: &[[f32; 2]],
    target: &[[f32; 2]],
    coverage: &Coverage,
    frame: &Frame,
) -> Plane {
    let planes = coverage.interpolate(target, at_points);
    let [mut smooth, turned] = planes.map(|plane| gaussian(&plane, 0.05 * frame.unit));
    for (y, row) in smooth.rows_mut().enumerate() {
        for (x, (v, turned)) in row.iter_mut().zip(turned.row(y)).enumerate() {
            let aside = frame.aside(x as f32, y as f32);
            let grazing = v.clamp(0.0, 1.0) * ((aside - MIDDLE) / MIDDLE_RANGE).clamp(0.0, 1.0);
            *v = grazing.max(turned.clamp(0.0, 1.0) * ((aside - RIDGE) / RIDGE_RANGE).clamp(0.0, 1.0));
        }
    }
    smooth
}

/// Whether anything is hidden enough to be filled.
pub(crate) fn needs_fill(occlusion: &Plane) -> bool {
    occlusion.data().iter().any(|&o| o > HIDDEN)
}

/// The photo's points with the halves exchanged.
pub(crate) fn mirrored(points: &[[f32; 2]]) -> Wiped<[f32; 2]> {
    Zeroizing::new((0..points.len()).map(|i| points[topology::mirror(i)]).collect())
}

/// Scratch rows of a filling: two maps, the share, three colours and their light.
pub(crate) const FILLING_ROWS: usize = 9;

/// The photo's other half, for what its camera did not see; coarse planes.
pub(crate) struct Filling {
    /// Where the mirrored sample lies in the photo.
    pub(crate) place: [Plane; 2],
    /// How much of it shows, 0..1.
    pub(crate) share: Plane,
    /// The difference of both sides' shading in logarithms.
    pub(crate) relight: [Plane; 3],
}

/// Mixes the filling into the columns `span` of a row of the photo (8-bit levels). The scratch rows are as long
/// as the fine raster is wide.
pub(crate) fn fill_row(
    filling: &Filling,
    photo: &Texture<'_>,
    upsampler: &mut Upsampler,
    y: usize,
    span: &Range<usize>,
    [xs, ys, shares, red, green, blue, light @ ..]: [&mut [f32]; FILLING_ROWS],
    colours: &mut [&mut [f32]; 3],
) {
    upsampler.row(&filling.share, y, span.clone(), shares);
    let shown = |x: &usize| shares[*x] > 0.0;
    let (Some(first), Some(last)) = (span.clone().find(shown), span.clone().rfind(shown)) else { return };
    let part = first..last + 1;
    upsampler.row(&filling.place[0], y, part.clone(), xs);
    upsampler.row(&filling.place[1], y, part.clone(), ys);
    let others = [red, green, blue].map(|row| &mut row[part.clone()]);
    let [red, green, blue] = others;
    photo.sample_row(&xs[part.clone()], &ys[part.clone()], [&mut *red, &mut *green, &mut *blue]);
    let others = [red, green, blue];
    for (((own, other), light), relight) in colours.iter_mut().zip(others).zip(light).zip(&filling.relight) {
        upsampler.row(relight, y, part.clone(), light);
        let own = own[first - span.start..].iter_mut().zip(&*other);
        for ((v, &other), (&light, &share)) in own.zip(light[part.clone()].iter().zip(&shares[part.clone()]))
        {
            *v += ((other + LOG_OFFSET) * exp(light) - LOG_OFFSET - *v) * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::golden::mesh;

    /// The portrait's head turned by an angle about the vertical axis.
    fn turned(degrees: f32) -> Vec<[f32; 3]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mesh = mesh("obama.jpg");
        mesh.points()[..SURFACE_POINTS]
            .iter()
            .map(|[x, y, z]| [cos * x + sin * z, *y, cos * z - sin * x])
            .collect()
    }

    /// What a photo turned by one angle hides of a template turned by the other.
    fn hidden(photo: f32, template: f32) -> Wiped<[f32; 2]> {
        at_points(&turned(photo), &turned(template), &covered(&turned(template)))
    }

    #[test]
    fn a_face_hides_nothing_of_itself_from_the_same_side() {
        let hidden = hidden(0.0, 0.0);
        assert!(hidden.iter().filter(|[grazing, _]| *grazing > 0.5).count() < 20);
        assert!(hidden.iter().all(|[_, turned]| *turned == 0.0));
    }

    #[test]
    fn a_turned_head_hides_one_cheek_and_not_the_other() {
        /// Below the outer corners of the eyes.
        const CHEEKS: [usize; 2] = [123, 352];
        let hidden = hidden(40.0, 0.0);
        let [one, other] = CHEEKS.map(|i| hidden[i][0]);
        assert!(one.max(other) > 0.6 && one.min(other) < 0.1, "{one} {other}");
    }

    #[test]
    fn a_turned_nose_hides_the_cheek_behind_it() {
        /// Beside the wings of the nose.
        const FOLDS: [usize; 2] = [203, 423];
        let hidden = hidden(35.0, 0.0);
        let [one, other] = FOLDS.map(|i| hidden[i][1]);
        assert!(one.max(other) > 0.6 && one.min(other) < 0.1, "{one} {other}");
    }

    #[test]
    fn mirrored_points_change_sides() {
        let points: Vec<[f32; 2]> = turned(0.0).iter().map(|&[x, y, _]| [x, y]).collect();
        assert_eq!(mirrored(&points)[33], points[263]);
    }
}
