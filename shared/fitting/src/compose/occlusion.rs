//! What the photo's camera did not see: the far side of a turned head, and its filling from the near one.
//!
//! A triangle that the template shows from the front and the photo only at a grazing angle has hardly any
//! texture. There the photo's other half is used, mirrored and re-lit to the light of its own side.

use std::ops::Range;

use super::blur::gaussian;
use super::frame::Frame;
use super::logarithm::exp;
use super::plane::{Plane, Upsampler};
use super::raster::Coverage;
use super::shading::LOG_OFFSET;
use super::texture::Texture;
use crate::topology::{self, SURFACE_POINTS};

/// Cosine of the angle to the camera at which a triangle begins to count as hidden (65°) ...
const GRAZING: f32 = 0.42;
/// ... and how much less it takes to count fully (83°).
const GRAZING_RANGE: f32 = 0.30;
/// Triangles that the template itself hides need no texture.
const TEMPLATE_FACING: f32 = 0.2;
/// Below this nothing is filled: a few grazing triangles at the rim are in every photo.
const FILL_MIN: f32 = 0.3;

/// Occlusion of every point of the mesh, 0..1: the mean of the triangles around it.
pub(super) fn at_points(photo: &[[f32; 3]], template: &[[f32; 3]]) -> Vec<[f32; 1]> {
    let mut sums = [[0.0_f32; 2]; SURFACE_POINTS];
    for triangle in topology::triangles() {
        let hidden = if facing(template, triangle) > TEMPLATE_FACING {
            ((GRAZING - facing(photo, triangle)) / GRAZING_RANGE).clamp(0.0, 1.0)
        } else {
            0.0
        };
        for v in triangle {
            sums[v] = [sums[v][0] + hidden, sums[v][1] + 1.0];
        }
    }
    sums.iter().map(|[sum, count]| [sum / count.max(1.0)]).collect()
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

/// Occlusion at every coarse sample, smooth and away from the midline, where both halves are seen.
pub(super) fn occlusion(
    at_points: &[[f32; 1]],
    target: &[[f32; 2]],
    coverage: &Coverage,
    frame: &Frame,
) -> Plane {
    let [plane] = coverage.interpolate(target, at_points);
    let mut smooth = gaussian(&plane, 0.05 * frame.unit);
    for (y, row) in smooth.rows_mut().enumerate() {
        for (x, v) in row.iter_mut().enumerate() {
            *v = v.clamp(0.0, 1.0) * ((frame.aside(x as f32, y as f32) - 0.16) / 0.2).clamp(0.0, 1.0);
        }
    }
    smooth
}

/// Whether anything is hidden enough to be filled.
pub(super) fn needs_fill(occlusion: &Plane) -> bool {
    occlusion.data().iter().any(|&o| o > FILL_MIN)
}

/// The photo's points with the halves exchanged.
pub(super) fn mirrored(points: &[[f32; 2]]) -> Vec<[f32; 2]> {
    (0..points.len()).map(|i| points[topology::mirror(i)]).collect()
}

/// Scratch rows of a filling: two maps, the share, three colours and their light.
pub(super) const FILLING_ROWS: usize = 9;

/// The photo's other half, for what its camera did not see; coarse planes.
pub(super) struct Filling {
    /// Where the mirrored sample lies in the photo.
    pub(super) place: [Plane; 2],
    /// How much of it shows, 0..1.
    pub(super) share: Plane,
    /// The difference of both sides' shading in logarithms.
    pub(super) relight: [Plane; 3],
}

/// Mixes the filling into the columns `span` of a row of the photo (8-bit levels). The scratch rows are as long
/// as the fine raster is wide.
pub(super) fn fill_row(
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

    #[test]
    fn a_face_hides_nothing_of_itself_from_the_same_side() {
        let hidden = at_points(&turned(0.0), &turned(0.0));
        assert!(hidden.iter().filter(|[h]| *h > 0.5).count() < 20);
    }

    #[test]
    fn a_turned_head_hides_one_cheek_and_not_the_other() {
        /// Below the outer corners of the eyes.
        const CHEEKS: [usize; 2] = [123, 352];
        let hidden = at_points(&turned(40.0), &turned(0.0));
        let [one, other] = CHEEKS.map(|i| hidden[i][0]);
        assert!(one.max(other) > 0.6 && one.min(other) < 0.1, "{one} {other}");
    }

    #[test]
    fn mirrored_points_change_sides() {
        let points: Vec<[f32; 2]> = turned(0.0).iter().map(|&[x, y, _]| [x, y]).collect();
        assert_eq!(mirrored(&points)[33], points[263]);
    }
}
