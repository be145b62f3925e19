//! Finds what the photo's camera did not see, the far side of a turned head, and fills it from the near side.
//!
//! A triangle that the template shows from the front and the photo only at a grazing angle has hardly any texture in
//! the photo. Pixels that should show what lies behind a turned nose show the nose instead. In both places the
//! photo's other half is used, mirrored and re-lit to the light of its new side.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::compose::geometry::coverage::Coverage;
use crate::compose::geometry::face_frame::{self, FaceFrame};
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::logarithm::LOG_OFFSET;
use crate::compose::raster::logarithm::exp;
use crate::compose::raster::plane::{Plane, Upsampler};
use crate::compose::raster::points::{Wiped, flat};
use crate::compose::raster::texture::Texture;
use crate::topology::{self, LEFT_EYE, RIGHT_EYE, SURFACE_POINTS};

/// A triangle begins to count as hidden at this cosine of its angle to the camera (65°).
const GRAZING: f32 = 0.42;
/// It counts fully as hidden at a cosine smaller by this (83°).
const GRAZING_RANGE: f32 = 0.30;
/// Triangles that face the template's camera with a smaller cosine are hidden in the template; they need no texture.
const TEMPLATE_FACING: f32 = 0.2;
/// A triangle begins to count as turned away when its cosine in the photo is smaller than in the template by this.
const TURNED: f32 = 0.1;
/// It counts fully as turned away when the difference is larger by this.
const TURNED_RANGE: f32 = 0.2;
/// A point begins to count as covered when it lies this far behind another part of the face, in eye distances of
/// depth.
const BEHIND: f32 = 0.07;
/// It counts fully as covered this much further behind: the wings of a nose lie .1 to .2 in front of the cheek.
const BEHIND_RANGE: f32 = 0.10;
/// A covering part counts as wider by this, in eye distances: the nose's outline is a dark edge that must not stay on
/// the cheek.
const OUTLINE: f32 = 0.06;
/// Nearer to the midline than this, grazing triangles are kept: both halves of the face show the same there.
const MIDDLE: f32 = 0.16;
/// Grazing triangles are replaced fully this much further out.
const MIDDLE_RANGE: f32 = 0.20;
/// Triangles that are turned away are replaced nearer to the midline, up to the ridge of the nose.
const RIDGE: f32 = 0.02;
const RIDGE_RANGE: f32 = 0.10;
/// Samples that are hidden by less than this count as seen: every photo has a few grazing triangles at the rim.
pub(crate) const HIDDEN: f32 = 0.3;

/// Returns how much of every point of the mesh the photo does not show, 0..1, as two values. The first counts what
/// the photo sees only at a grazing angle. The second counts what is turned away: what the photo sees worse than the
/// template does. `template_covered` is [`covered`] of the template's points.
pub(crate) fn at_points(
    photo_points: &[[f32; 3]],
    template_points: &[[f32; 3]],
    template_covered: &[f32],
) -> Wiped<[f32; 2]> {
    let mut sums = [[0.0_f32; 3]; SURFACE_POINTS];
    for triangle in topology::triangles() {
        let (in_photo, in_template) = (facing(photo_points, triangle), facing(template_points, triangle));
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
    let covered = covered(photo_points);
    let points = sums.iter().zip(&*covered).zip(template_covered);
    let hidden = points.map(|(([hidden, turned, count], in_photo), in_template)| {
        let count = count.max(1.0);
        [hidden / count, (turned / count).max(in_photo - in_template)]
    });
    Zeroizing::new(hidden.collect())
}

/// Returns how much of every point of the mesh lies behind another part of the face (the nose) as seen by the camera,
/// 0..1.
pub(crate) fn covered(points: &[[f32; 3]]) -> Wiped<f32> {
    let flat = flat(points);
    let (right, left) = (face_frame::mean(&flat, &RIGHT_EYE), face_frame::mean(&flat, &LEFT_EYE));
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
        // A point that is not behind the nearest corner is not behind the triangle.
        let behind = corners.map(|c| c[2]).into_iter().fold(f32::INFINITY, f32::min) + BEHIND * unit;
        for (depth, p) in depths.iter_mut().zip(points) {
            if p[2] > behind && across.contains(&p[0]) && down.contains(&p[1]) {
                let around = [[0.0, 0.0], [reach, 0.0], [-reach, 0.0], [0.0, reach], [0.0, -reach]];
                let front =
                    around.into_iter().filter_map(|[dx, dy]| triangle_depth(corners, [p[0] + dx, p[1] + dy]));
                *depth = front.map(|z| (p[2] - z) / unit).fold(*depth, f32::max);
            }
        }
    }
    depths.iter_mut().for_each(|depth| *depth = ((*depth - BEHIND) / BEHIND_RANGE).clamp(0.0, 1.0));
    depths
}

/// Returns the depth of a triangle at an image position; `None` if the triangle does not cover it.
fn triangle_depth([a, b, c]: [[f32; 3]; 3], [x, y]: [f32; 2]) -> Option<f32> {
    let area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    let u = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area;
    let v = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area;
    (u >= 0.0 && v >= 0.0 && u + v <= 1.0).then(|| a[2] + u * (b[2] - a[2]) + v * (c[2] - a[2]))
}

/// Returns the cosine between a triangle's normal and the direction to the camera.
fn facing(points: &[[f32; 3]], [a, b, c]: [usize; 3]) -> f32 {
    let edge = |to: usize| [0, 1, 2].map(|axis| points[to][axis] - points[a][axis]);
    let (u, v) = (edge(b), edge(c));
    let normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    let length = normal.iter().map(|n| n * n).sum::<f32>().sqrt();
    // Triangles run clockwise in an image whose z points away from the camera.
    -normal[2] / length.max(1e-6)
}

/// Computes the occlusion at every coarse sample. It is smooth and fades towards the midline, where both halves are
/// seen.
pub(crate) fn occlusion(
    at_points: &[[f32; 2]],
    target: &[[f32; 2]],
    coverage: &Coverage,
    frame: &FaceFrame,
) -> Plane {
    let planes = coverage.interpolate(target, at_points);
    let [mut smooth, turned] = planes.map(|plane| gaussian(&plane, 0.05 * frame.unit));
    for (y, row) in smooth.rows_mut().enumerate() {
        for (x, (v, turned)) in row.iter_mut().zip(turned.row(y)).enumerate() {
            let midline_distance = frame.midline_distance(x as f32, y as f32);
            let grazing = v.clamp(0.0, 1.0) * ((midline_distance - MIDDLE) / MIDDLE_RANGE).clamp(0.0, 1.0);
            *v = grazing
                .max(turned.clamp(0.0, 1.0) * ((midline_distance - RIDGE) / RIDGE_RANGE).clamp(0.0, 1.0));
        }
    }
    smooth
}

/// Returns whether anything is hidden enough to be filled.
pub(crate) fn needs_fill(occlusion: &Plane) -> bool {
    occlusion.data().iter().any(|&o| o > HIDDEN)
}

/// Returns the photo's points with the two halves of the face exchanged.
pub(crate) fn mirrored(points: &[[f32; 2]]) -> Wiped<[f32; 2]> {
    Zeroizing::new((0..points.len()).map(|i| points[topology::mirror(i)]).collect())
}

/// Scratch rows of a filling: two coordinates, the share, three colours and three rows of light.
pub(crate) const FILLING_ROWS: usize = 9;

/// The photo's mirrored half, used where its camera did not see the face; coarse planes.
pub(crate) struct Filling {
    /// Where the mirrored sample lies in the photo, in photo pixels.
    pub(crate) photo_coords: [Plane; 2],
    /// The share of the mirrored half that shows.
    pub(crate) share: Plane,
    /// The difference between the shading of the two sides, in logarithms.
    pub(crate) relight: [Plane; 3],
}

/// Mixes the filling into the columns `span` of a row of the photo (8-bit levels). The scratch rows are as long as
/// the fine raster is wide.
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
    upsampler.row(&filling.photo_coords[0], y, part.clone(), xs);
    upsampler.row(&filling.photo_coords[1], y, part.clone(), ys);
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

    /// Returns the portrait's head turned by an angle about the vertical axis.
    fn turned(degrees: f32) -> Vec<[f32; 3]> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let mesh = mesh("obama.jpg");
        mesh.points()[..SURFACE_POINTS]
            .iter()
            .map(|[x, y, z]| [cos * x + sin * z, *y, cos * z - sin * x])
            .collect()
    }

    /// Returns what a photo turned by one angle hides of a template turned by the other.
    fn hidden(photo_angle: f32, template_angle: f32) -> Wiped<[f32; 2]> {
        at_points(&turned(photo_angle), &turned(template_angle), &covered(&turned(template_angle)))
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
