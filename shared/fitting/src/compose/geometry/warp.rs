//! The two maps of a fit, from the target back to the template and to the photo, and sampling by them.
//!
//! Inside the face both maps follow the triangles of the mesh (piecewise affine). Around the face the template moves
//! with the rim, and the movement ends [`FALLOFF`] away, so that hair, ears and collar bend instead of tearing. Maps
//! lie on the coarse raster. Interpolation between its samples rounds off the kinks at the triangles' edges.

use zeroize::Zeroizing;

use crate::compose::geometry::coverage::Coverage;
use crate::compose::geometry::face_frame::{FaceFrame, nodes};
use crate::compose::geometry::shape::smoothstep;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::grid::{Grid, index};
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;
use crate::compose::raster::texture::Texture;
use crate::pixels::RgbImage;
use crate::topology::OVAL;

/// The template does not move farther than this from the face, in eye distances. It is wide enough that nothing folds
/// when the jaw grows by the largest shift, and narrow enough that the shoulders stay.
pub(crate) const FALLOFF: f32 = 0.40;
/// Inside the rim the mesh takes over from the outer field over this width, in eye distances.
const HANDOVER: f32 = 0.04;
/// The mesh counts as folded where its map jumps by this many times the usual step between two samples, for a face of
/// the same size.
const FOLD: f32 = 3.0;
/// The width (σ) over which a fold is smoothed, in samples: the narrowest that interpolation keeps smooth. What is
/// squeezed into that width looks like a shadow, which it is: of a nostril or the edge of a nose.
const FOLD_SIGMA: f32 = 1.2;
/// The smoothed map is used fully within about four samples of the fold, and blends into the unsmoothed map around
/// it.
const FOLD_REACH: f32 = 2.0;
const FOLD_FULL: f32 = 0.17;
/// Keeps the inverse distances finite, in squared eye distances.
const SOFTENING: f32 = 1e-3;

/// Computes the offset from each target sample to its origin in the template, in template pixels (x, y).
pub(crate) fn template_shift(
    target: &[[f32; 2]],
    template_points: &[[f32; 2]],
    coverage: &Coverage,
    rim: &Plane,
    frame: &FaceFrame,
    step: usize,
) -> [Plane; 2] {
    let moved = |(g, t): (&[f32; 2], &[f32; 2])| [0, 1].map(|axis| (t[axis] - g[axis]) * step as f32);
    let shifts: Wiped<[f32; 2]> = Zeroizing::new(target.iter().zip(template_points).map(moved).collect());
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

/// Spreads the rim's shifts over the plane by Shepard interpolation (1968) with inverse fourth powers.
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

/// Warps planes from the grid `own` to `grid`, after the template was moved by `shift` (template pixels).
/// Interpolation is bilinear; beyond the border the last sample is repeated.
pub(crate) fn warped<const N: usize>(
    planes: [&Plane; N],
    own: &Grid,
    shift: &[Plane; 2],
    grid: &Grid,
) -> [Plane; N] {
    let [left, top] = own.offset_of(grid).map(|n| n as f32);
    let (right, bottom) = ((own.width - 1) as f32, (own.height - 1) as f32);
    let scale = 1.0 / grid.step as f32;
    let mut warped = std::array::from_fn(|_| Plane::new(grid.width, grid.height));
    for y in 0..grid.height {
        let mut rows = warped.each_mut().map(|plane| plane.row_mut(y));
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
    warped
}

/// Softens the folds of the map into the photo. Where the fitted face hides part of itself, as a turned nose does,
/// the map jumps. The part of the photo that it skips would be squeezed between two samples into a jagged line.
///
/// `scale` is the photo's pixels per sample.
pub(crate) fn soften_folds(photo_coords: [Plane; 2], rim: &Plane, scale: f32) -> [Plane; 2] {
    let mut folds = Plane::new(rim.width(), rim.height());
    let mut none = true;
    for y in 0..rim.height() - 1 {
        for x in (0..rim.width() - 1).filter(|&x| rim.row(y)[x] > 0.0) {
            let jumps = |[x1, y1]: [usize; 2]| {
                let [dx, dy] = photo_coords.each_ref().map(|plane| plane.row(y1)[x1] - plane.row(y)[x]);
                dx.hypot(dy) > FOLD * scale
            };
            if [[x + 1, y], [x, y + 1]].into_iter().any(jumps) {
                folds.row_mut(y)[x] = 1.0;
                none = false;
            }
        }
    }
    if none {
        return photo_coords;
    }
    let share = gaussian(&folds, FOLD_REACH).map(|v| (v / FOLD_FULL).min(1.0));
    photo_coords.map(|plane| {
        let soft = gaussian(&plane, FOLD_SIGMA);
        let change = soft.zip(&plane, |soft, v| soft - v).zip(&share, |change, share| change * share);
        plane.zip(&change, |v, change| v + change)
    })
}

/// Samples the photo's colours (8-bit levels) at the coarse samples that lie inside the rim or close to it; 0
/// elsewhere.
///
/// `photo_coords` are in photo pixels; `means` is the photo reduced by blocks of `block` × `block` pixels.
pub(crate) fn sample_means(
    means: &RgbImage,
    block: usize,
    photo_coords: &[Plane; 2],
    rim: &Plane,
) -> [Plane; 3] {
    /// Blurs read this far beyond the rim, in eye distances.
    const MARGIN: f32 = 0.05;
    let texture = Texture::of(means);
    let (scale, half) = (1.0 / block as f32, (block - 1) as f32 / 2.0);
    let mut colours: [Plane; 3] = std::array::from_fn(|_| Plane::new(rim.width(), rim.height()));
    for y in 0..rim.height() {
        let mut rows = colours.each_mut().map(|plane| plane.row_mut(y));
        let positions = photo_coords[0].row(y).iter().zip(photo_coords[1].row(y));
        for (x, ((&u, &v), &distance)) in positions.zip(rim.row(y)).enumerate() {
            if distance > -MARGIN {
                let colour = texture.sample((u - half) * scale, (v - half) * scale);
                rows.iter_mut().zip(colour).for_each(|(row, value)| row[x] = value);
            }
        }
    }
    colours
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 40;

    /// Returns a map that advances by 2 photo pixels a sample, except for a jump of 30 at the slanted line x + y / 2
    /// = 30.
    fn folded() -> [Plane; 2] {
        let jumps = |x: usize, y: usize| if 2 * x + y >= 60 { 30.0 } else { 0.0 };
        [
            Plane::from_fn(SIZE, SIZE, |x, y| 2.0 * x as f32 + jumps(x, y)),
            Plane::from_fn(SIZE, SIZE, |_, y| 2.0 * y as f32),
        ]
    }

    #[test]
    fn a_fold_is_spread_over_a_few_samples_and_nothing_else_moves() {
        let (sharp, inside) = (folded(), Plane::new(SIZE, SIZE).map(|_| 1.0));
        let soft = soften_folds(folded(), &inside, 2.0);
        let row = soft[0].row(20);
        let steepest = row.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f32::max);
        assert!(steepest < 13.0, "the steepest step is still {steepest} of 32");
        assert!(row.is_sorted());
        for (soft, sharp) in row.iter().zip(sharp[0].row(20)).take(12) {
            assert!((soft - sharp).abs() < 0.02, "{soft} {sharp}");
        }
        for (soft, sharp) in soft[1].data().iter().zip(sharp[1].data()) {
            assert!((soft - sharp).abs() < 1.5, "{soft} {sharp}");
        }
    }

    #[test]
    fn a_map_without_folds_stays_as_it_is() {
        let inside = Plane::new(SIZE, SIZE).map(|_| 1.0);
        let even = soften_folds(folded(), &inside, 20.0);
        assert!(even.iter().zip(&folded()).all(|(a, b)| a.data() == b.data()));
        let outside = soften_folds(folded(), &Plane::new(SIZE, SIZE), 2.0);
        assert!(outside.iter().zip(&folded()).all(|(a, b)| a.data() == b.data()));
    }
}
