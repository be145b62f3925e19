//! The two maps of the fit, from the target back to the template and to the photo, and the sampling.
//!
//! Inside the face both follow the triangles of the mesh (piecewise affine). Around it the template moves
//! with the rim and comes to rest [`FALLOFF`] away, so that hair, ears and collar bend instead of tearing.
//! Maps live on the coarse raster; between its samples they are interpolated, which rounds off the kinks
//! at the triangles' edges.

use super::frame::{Frame, nodes};
use super::grid::{Grid, index};
use super::plane::Plane;
use super::raster::Coverage;
use super::shape::smoothstep;
use super::texture::Texture;
use crate::pixels::RgbImage;
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

/// Planes that lie on the grid `own`, as they lie on `grid` after the template was moved by `shift` (template
/// pixels): bilinear, the border continued by its last sample.
pub(super) fn carried<const N: usize>(
    planes: [&Plane; N],
    own: &Grid,
    shift: &[Plane; 2],
    grid: &Grid,
) -> [Plane; N] {
    let [left, top] = own.offset_of(grid).map(|n| n as f32);
    let (right, bottom) = ((own.width - 1) as f32, (own.height - 1) as f32);
    let scale = 1.0 / grid.step as f32;
    let mut carried = std::array::from_fn(|_| Plane::new(grid.width, grid.height));
    for y in 0..grid.height {
        let mut rows = carried.each_mut().map(|plane| plane.row_mut(y));
        for (x, (&dx, &dy)) in shift[0].row(y).iter().zip(shift[1].row(y)).enumerate() {
            let u = (x as f32 + left + dx * scale).clamp(0.0, right);
            let v = (y as f32 + top + dy * scale).clamp(0.0, bottom);
            let (column, line) = (index(u), index(v));
            let (across, down) = (u - column as f32, v - line as f32);
            let next = (column + 1).min(own.width - 1);
            for (row, plane) in rows.iter_mut().zip(planes) {
                let (upper, lower) = (plane.row(line), plane.row((line + 1).min(own.height - 1)));
                let above = upper[column] + (upper[next] - upper[column]) * across;
                let below = lower[column] + (lower[next] - lower[column]) * across;
                row[x] = above + (below - above) * down;
            }
        }
    }
    carried
}

/// The photo's colours (8-bit levels) at the coarse samples that lie inside the rim or close to it, 0 elsewhere.
///
/// `place` are photo pixels; `means` is the photo reduced by blocks of `block` × `block` pixels.
pub(super) fn sample_means(means: &RgbImage, block: usize, place: &[Plane; 2], rim: &Plane) -> [Plane; 3] {
    /// Blurs look this far beyond the rim, in eye distances.
    const MARGIN: f32 = 0.05;
    let texture = Texture::of(means);
    let (scale, half) = (1.0 / block as f32, (block - 1) as f32 / 2.0);
    let mut colours: [Plane; 3] = std::array::from_fn(|_| Plane::new(rim.width(), rim.height()));
    for y in 0..rim.height() {
        let mut rows = colours.each_mut().map(|plane| plane.row_mut(y));
        let places = place[0].row(y).iter().zip(place[1].row(y));
        for (x, ((&u, &v), &distance)) in places.zip(rim.row(y)).enumerate() {
            if distance > -MARGIN {
                let colour = texture.sample((u - half) * scale, (v - half) * scale);
                rows.iter_mut().zip(colour).for_each(|(row, value)| row[x] = value);
            }
        }
    }
    colours
}
