//! Closing and shrinking of coarse masks by discs, on exact distance maps.

use crate::compose::raster::grid::index;
use crate::compose::raster::plane::Plane;

/// Closes gaps narrower than twice `close` in what is above one half, then shrinks it by `shrink` (both in samples).
/// The result is 1 inside and 0 outside, with one sample of slope.
///
/// Closing by a disc is growing, then shrinking; shrinking by two discs in turn is shrinking by the sum of their
/// radii. Two distance maps are therefore enough.
pub(crate) fn closed_and_shrunk(mask: &Plane, close: f32, shrink: f32) -> Plane {
    let to_mask = distance(mask, |v| v > 0.5, close + 1.0);
    let depth = close + shrink;
    distance(&to_mask, |d| d > close, depth + 1.0).map(|d| (d - depth).clamp(0.0, 1.0))
}

/// Returns the distance of each sample from the nearest one that `is_inside`, at most `reach`.
fn distance(plane: &Plane, is_inside: impl Fn(f32) -> bool, reach: f32) -> Plane {
    let radius = index(reach.ceil());
    let cap = reach * reach;
    let mut along = plane.clone();
    for row in along.rows_mut() {
        row.iter_mut().for_each(|v| *v = if is_inside(*v) { 0.0 } else { reach });
        for x in 1..row.len() {
            row[x] = row[x].min(row[x - 1] + 1.0);
        }
        for x in (1..row.len()).rev() {
            row[x - 1] = row[x - 1].min(row[x] + 1.0);
        }
        row.iter_mut().for_each(|v| *v *= *v);
    }
    let mut nearest = Plane::new(plane.width(), plane.height());
    for y in 0..plane.height() {
        let out = nearest.row_mut(y);
        out.fill(cap);
        let rows = y.saturating_sub(radius)..=(y + radius).min(plane.height() - 1);
        for other in rows {
            let across = (other.abs_diff(y) * other.abs_diff(y)) as f32;
            for (v, &along) in out.iter_mut().zip(along.row(other)) {
                *v = v.min(along + across);
            }
        }
        out.iter_mut().for_each(|v| *v = v.sqrt());
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_gap_is_closed_and_a_wide_one_is_not() {
        let gaps =
            Plane::from_fn(
                60,
                20,
                |x, _| if (10..13).contains(&x) || (30..42).contains(&x) { 0.0 } else { 1.0 },
            );
        let closed = closed_and_shrunk(&gaps, 3.0, 0.0);
        assert_eq!(closed.row(10)[11], 1.0);
        assert_eq!(closed.row(10)[36], 0.0);
    }

    #[test]
    fn shrinking_takes_the_given_width_off_a_disc() {
        let disc =
            Plane::from_fn(
                41,
                41,
                |x, y| {
                    if (x as f32 - 20.0).hypot(y as f32 - 20.0) < 12.0 { 1.0 } else { 0.0 }
                },
            );
        let shrunk = closed_and_shrunk(&disc, 2.0, 4.0);
        let area: f32 = shrunk.data().iter().sum();
        let radius = (area / std::f32::consts::PI).sqrt();
        assert!((radius - 8.0).abs() < 0.8, "{radius}");
    }
}
