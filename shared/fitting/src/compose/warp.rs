//! The two maps of the fit, from the target back to the template and to the photo, and the sampling.
//!
//! Inside the face both follow the triangles of the mesh (piecewise affine). Around it the template moves
//! with the rim and comes to rest [`FALLOFF`] away, so that hair, ears and collar bend instead of tearing.
//! Maps live on the coarse raster; between its samples they are interpolated, which rounds off the kinks
//! at the triangles' edges.

use std::ops::Range;

use super::frame::{Frame, nodes};
use super::grid::Grid;
use super::plane::{Plane, Upsampler};
use super::raster::Coverage;
use super::shape::smoothstep;
use super::texture::Texture;
use crate::topology::OVAL;

/// Where the template comes to rest outside the face, in eye distances: wide enough that a jaw wider by
/// the largest shift folds nothing, narrow enough that the shoulders stay.
pub(super) const FALLOFF: f32 = 0.40;
/// Inside the rim the mesh takes over from the outer field over this width, in eye distances.
const HANDOVER: f32 = 0.04;
/// Keeps the inverse distances finite, in squared eye distances.
const SOFTENING: f32 = 1e-3;

/// How far each target sample's origin in the template lies from it, in template pixels (x, y).
pub(super) fn template_shift(
    target: &[[f32; 2]],
    template: &[[f32; 2]],
    coverage: &Coverage,
    rim: &Plane,
    frame: &Frame,
    step: usize,
) -> [Plane; 2] {
    let shifts: Vec<[f32; 2]> = target
        .iter()
        .zip(template)
        .map(|(g, t)| [(t[0] - g[0]) * step as f32, (t[1] - g[1]) * step as f32])
        .collect();
    let outside = rim_field(target, &shifts, frame.unit, rim);
    let inside = coverage.interpolate(target, &shifts);
    let mut shift = outside;
    for (plane, inside) in shift.iter_mut().zip(&inside) {
        for ((v, &i), &d) in plane_samples(plane).zip(inside.data()).zip(rim.data()) {
            let rest = smoothstep((1.0 + d / FALLOFF).clamp(0.0, 1.0));
            let within = (d / HANDOVER).clamp(0.0, 1.0);
            *v = *v * rest * (1.0 - within) + i * within;
        }
    }
    shift
}

fn plane_samples(plane: &mut Plane) -> impl Iterator<Item = &mut f32> {
    plane.rows_mut().flatten()
}

/// The rim's shifts spread over the plane by Shepard interpolation (1968) with inverse fourth powers.
fn rim_field(target: &[[f32; 2]], shifts: &[[f32; 2]], unit: f32, like: &Plane) -> [Plane; 2] {
    let (width, height) = (like.width(), like.height());
    [0, 1].map(|axis| {
        let spread = nodes(width, height, |x, y| {
            let (mut sum, mut total) = (0.0, 0.0);
            for i in OVAL {
                let (dx, dy) = ((x - target[i][0]) / unit, (y - target[i][1]) / unit);
                let near = dx * dx + dy * dy + SOFTENING;
                let weight = 1.0 / (near * near);
                sum += weight * shifts[i][axis];
                total += weight;
            }
            sum / total
        });
        spread.enlarged(4, width, height)
    })
}

/// The template at the fine raster of the grid, moved by `shift`: red, green, blue and its mask.
///
/// `origin` is where the texture's first pixel lies in the template.
pub(super) fn sample_template(
    texture: &Texture,
    origin: [usize; 2],
    shift: &[Plane; 2],
    grid: &Grid,
) -> [Plane; 4] {
    let base = [grid.left as f32 - origin[0] as f32, grid.top as f32 - origin[1] as f32];
    let all = vec![0..grid.fine_width(); grid.fine_height()];
    sample(texture, shift, grid, &all, |x, y, [dx, dy]| [x + base[0] + dx, y + base[1] + dy])
}

/// The photo at the fine raster of the grid; `place` are photo pixels, `spans` the columns of each row.
pub(super) fn sample_photo(
    texture: &Texture,
    place: &[Plane; 2],
    grid: &Grid,
    spans: &[Range<usize>],
) -> [Plane; 3] {
    sample(texture, place, grid, spans, |_, _, place| place)
}

/// Samples the first `N` channels of a texture where `locate` puts a fine pixel, given its place in the grid
/// and the map's value there.
fn sample<const N: usize>(
    texture: &Texture,
    map: &[Plane; 2],
    grid: &Grid,
    spans: &[Range<usize>],
    locate: impl Fn(f32, f32, [f32; 2]) -> [f32; 2],
) -> [Plane; N] {
    let width = grid.fine_width();
    let mut planes: [Plane; N] = std::array::from_fn(|_| Plane::new(width, grid.fine_height()));
    let mut upsampler = Upsampler::new(grid.step, grid.width);
    let (mut xs, mut ys) = (vec![0.0; width], vec![0.0; width]);
    for (y, span) in spans.iter().enumerate() {
        upsampler.row(&map[0], y, span.clone(), &mut xs);
        upsampler.row(&map[1], y, span.clone(), &mut ys);
        let mut rows = planes.each_mut().map(|plane| &mut plane.row_mut(y)[span.clone()]);
        for (i, (&u, &v)) in xs[span.clone()].iter().zip(&ys[span.clone()]).enumerate() {
            let [u, v] = locate((span.start + i) as f32, y as f32, [u, v]);
            for (row, value) in rows.iter_mut().zip(texture.sample(u, v)) {
                row[i] = value;
            }
        }
    }
    planes
}
