//! The two maps of the fit, from the target back to the template and to the photo, and the sampling.
//!
//! Inside the face both follow the triangles of the mesh (piecewise affine). Around it the template moves
//! with the rim and comes to rest [`FALLOFF`] away, so that hair, ears and collar bend instead of tearing.
//! Maps live on the coarse raster; between its samples they are interpolated, which rounds off the kinks
//! at the triangles' edges.

use zeroize::Zeroizing;

use crate::compose::geometry::coverage::Coverage;
use crate::compose::geometry::frame::{Frame, nodes};
use crate::compose::geometry::points::Wiped;
use crate::compose::geometry::shape::smoothstep;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::grid::{Grid, index};
use crate::compose::raster::plane::Plane;
use crate::compose::raster::texture::Texture;
use crate::pixels::RgbImage;
use crate::topology::OVAL;

/// Where the template comes to rest outside the face, in eye distances: wide enough that a jaw wider by
/// the largest shift folds nothing, narrow enough that the shoulders stay.
pub(crate) const FALLOFF: f32 = 0.40;
/// Inside the rim the mesh takes over from the outer field over this width, in eye distances.
const HANDOVER: f32 = 0.04;
/// The mesh folds where its map leaps by this many times what it does between two samples of a face of the same size.
const FOLD: f32 = 3.0;
/// The width (σ) of the crease that a fold becomes, in samples: the narrowest that interpolation keeps smooth. What is
/// squeezed into it looks like the shadow it is: a nostril, the edge of a nose.
const CREASE: f32 = 1.2;
/// The crease is seen in full within about four samples of the fold, and goes over into the map around it.
const CREASE_REACH: f32 = 2.0;
const CREASE_FULL: f32 = 0.17;
/// Keeps the inverse distances finite, in squared eye distances.
const SOFTENING: f32 = 1e-3;

/// How far each target sample's origin in the template lies from it, in template pixels (x, y).
pub(crate) fn template_shift(
    target: &[[f32; 2]],
    template: &[[f32; 2]],
    coverage: &Coverage,
    rim: &Plane,
    frame: &Frame,
    step: usize,
) -> [Plane; 2] {
    let moved = |(g, t): (&[f32; 2], &[f32; 2])| [0, 1].map(|axis| (t[axis] - g[axis]) * step as f32);
    let shifts: Wiped<[f32; 2]> = Zeroizing::new(target.iter().zip(template).map(moved).collect());
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
pub(crate) fn carried<const N: usize>(
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

/// The map into the photo with its folds softened: where the fitted face hides part of itself, as a turned nose does,
/// the map leaps, and what it leaves out would be squeezed between two samples into a jagged line.
///
/// `scale` is the photo's pixels per sample.
pub(crate) fn creased(place: [Plane; 2], rim: &Plane, scale: f32) -> [Plane; 2] {
    let mut folds = Plane::new(rim.width(), rim.height());
    let mut none = true;
    for y in 0..rim.height() - 1 {
        for x in (0..rim.width() - 1).filter(|&x| rim.row(y)[x] > 0.0) {
            let leaps = |[x1, y1]: [usize; 2]| {
                let [dx, dy] = place.each_ref().map(|plane| plane.row(y1)[x1] - plane.row(y)[x]);
                dx.hypot(dy) > FOLD * scale
            };
            if [[x + 1, y], [x, y + 1]].into_iter().any(leaps) {
                folds.row_mut(y)[x] = 1.0;
                none = false;
            }
        }
    }
    if none {
        return place;
    }
    let share = gaussian(&folds, CREASE_REACH).map(|v| (v / CREASE_FULL).min(1.0));
    place.map(|plane| {
        let soft = gaussian(&plane, CREASE);
        let change = soft.zip(&plane, |soft, v| soft - v).zip(&share, |change, share| change * share);
        plane.zip(&change, |v, change| v + change)
    })
}

/// The photo's colours (8-bit levels) at the coarse samples that lie inside the rim or close to it, 0 elsewhere.
///
/// `place` are photo pixels; `means` is the photo reduced by blocks of `block` × `block` pixels.
pub(crate) fn sample_means(means: &RgbImage, block: usize, place: &[Plane; 2], rim: &Plane) -> [Plane; 3] {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 40;

    /// A map that goes on by 2 photo pixels a sample, but for a leap of 30 at the slanted line x + y / 2 = 30.
    fn folded() -> [Plane; 2] {
        let leap = |x: usize, y: usize| if 2 * x + y >= 60 { 30.0 } else { 0.0 };
        [
            Plane::from_fn(SIZE, SIZE, |x, y| 2.0 * x as f32 + leap(x, y)),
            Plane::from_fn(SIZE, SIZE, |_, y| 2.0 * y as f32),
        ]
    }

    #[test]
    fn a_fold_is_spread_over_a_few_samples_and_nothing_else_moves() {
        let (sharp, inside) = (folded(), Plane::new(SIZE, SIZE).map(|_| 1.0));
        let soft = creased(folded(), &inside, 2.0);
        let row = soft[0].row(20);
        let steepest = row.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f32::max);
        assert!(steepest < 13.0, "of 32 in one step {steepest} remain");
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
        let even = creased(folded(), &inside, 20.0);
        assert!(even.iter().zip(&folded()).all(|(a, b)| a.data() == b.data()));
        let outside = creased(folded(), &Plane::new(SIZE, SIZE), 2.0);
        assert!(outside.iter().zip(&folded()).all(|(a, b)| a.data() == b.data()));
    }
}
