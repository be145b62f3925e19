//! Polygons on the coarse raster: signed distance, convex hulls and soft-edged filling.
//!
//! Points are in coarse coordinates. A shape is grown by adding to its distance. This replaces binary dilation, and
//! the edge is anti-aliased at no extra cost.

use zeroize::Zeroizing;

use crate::compose::raster::grid::index;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;

/// A closed ring of points.
pub(crate) struct Polygon {
    points: Wiped<[f32; 2]>,
}

impl Polygon {
    /// Builds the polygon from its points in the given order.
    pub(crate) fn ring(points: impl IntoIterator<Item = [f32; 2]>) -> Self {
        Self { points: Zeroizing::new(points.into_iter().collect()) }
    }

    /// Builds the convex hull of the points (Andrew's monotone chain).
    pub(crate) fn hull(points: impl IntoIterator<Item = [f32; 2]>) -> Self {
        let mut sorted: Wiped<_> = Zeroizing::new(points.into_iter().collect());
        sorted.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        // A chain must not outgrow its allocation: reallocating would leave an unwiped copy behind.
        let most = 2 * sorted.len() + 1;
        let half = |points: &mut dyn Iterator<Item = [f32; 2]>| {
            let mut chain: Wiped<[f32; 2]> = Zeroizing::new(Vec::with_capacity(most));
            for p in points {
                while let [.., a, b] = chain[..] {
                    if (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0.0 {
                        break;
                    }
                    chain.pop();
                }
                chain.push(p);
            }
            chain.pop();
            chain
        };
        let mut points = half(&mut sorted.iter().copied());
        points.extend_from_slice(&half(&mut sorted.iter().rev().copied()));
        Self { points }
    }

    /// Returns the distance from (x, y) to the ring, positive inside (even-odd rule), in coarse samples.
    pub(crate) fn distance(&self, x: f32, y: f32) -> f32 {
        let mut nearest = f32::INFINITY;
        let mut inside = false;
        let mut a = self.points[self.points.len() - 1];
        for &b in self.points.iter() {
            let (ex, ey) = (b[0] - a[0], b[1] - a[1]);
            let (px, py) = (x - a[0], y - a[1]);
            let t = ((px * ex + py * ey) / (ex * ex + ey * ey).max(1e-12)).clamp(0.0, 1.0);
            let (dx, dy) = (px - t * ex, py - t * ey);
            nearest = nearest.min(dx * dx + dy * dy);
            if (a[1] > y) != (b[1] > y) && x < a[0] + ex * (y - a[1]) / ey {
                inside = !inside;
            }
            a = b;
        }
        if inside { nearest.sqrt() } else { -nearest.sqrt() }
    }

    /// Adds the shape, grown by `grow` samples, to `mask`: 1 inside, 0 outside, with one sample of slope.
    pub(crate) fn paint(&self, mask: &mut Plane, grow: f32) {
        let reach = grow + 1.0;
        let low = |axis: usize| self.points.iter().map(|p| p[axis]).fold(f32::INFINITY, f32::min) - reach;
        let high =
            |axis: usize| self.points.iter().map(|p| p[axis]).fold(f32::NEG_INFINITY, f32::max) + reach;
        if high(0) < 0.0 || high(1) < 0.0 {
            return;
        }
        let (left, right) = (index(low(0)), index(high(0)).min(mask.width() - 1));
        let (top, bottom) = (index(low(1)), index(high(1)).min(mask.height() - 1));
        for y in top..=bottom {
            for (x, v) in mask.row_mut(y).iter_mut().enumerate().take(right + 1).skip(left) {
                *v = v.max((self.distance(x as f32, y as f32) + grow + 0.5).clamp(0.0, 1.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> Polygon {
        Polygon::ring([[2.0, 2.0], [10.0, 2.0], [10.0, 10.0], [2.0, 10.0]])
    }

    #[test]
    fn distance_is_positive_inside_and_negative_outside() {
        assert_eq!(square().distance(6.0, 5.0), 3.0);
        assert_eq!(square().distance(6.0, 0.0), -2.0);
        assert_eq!(square().distance(13.0, 14.0), -5.0);
    }

    #[test]
    fn the_hull_leaves_inner_points_out() {
        let hull =
            Polygon::hull([[2.0, 2.0], [6.0, 6.0], [10.0, 2.0], [10.0, 10.0], [5.0, 4.0], [2.0, 10.0]]);
        assert_eq!(hull.points.len(), 4);
        assert_eq!(hull.distance(6.0, 5.0), 3.0);
    }

    #[test]
    fn growing_widens_the_painted_shape_on_every_side() {
        let mut mask = Plane::new(16, 16);
        square().paint(&mut mask, 0.0);
        let area: f32 = mask.data().iter().sum();
        assert!((area - 64.0).abs() < 2.0, "{area}");
        square().paint(&mut mask, 1.0);
        assert_eq!(mask.row(6)[11], 0.5);
        assert_eq!(mask.row(1)[6], 0.5);
    }

    #[test]
    fn a_shape_outside_the_plane_paints_nothing() {
        let mut mask = Plane::new(8, 8);
        Polygon::ring([[-9.0, -9.0], [-4.0, -9.0], [-4.0, -4.0]]).paint(&mut mask, 1.0);
        Polygon::ring([[20.0, 20.0], [24.0, 20.0], [24.0, 24.0]]).paint(&mut mask, 1.0);
        assert!(mask.data().iter().all(|&v| v == 0.0));
    }
}
