//! Finds the mesh triangle under each coarse sample, and interpolates values of the mesh points there.

use zeroize::Zeroizing;

use crate::compose::raster::grid::index;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;
use crate::topology::{self, OVAL};

/// Marks a sample under no triangle.
const NONE: u16 = u16::MAX;

/// How far beyond its rim the mesh is continued, in coarse samples. Bilinear interpolation onto the fine raster and
/// the small blurs read this far out.
const SKIRT: f32 = 4.0;

/// The frontmost triangle under every coarse sample.
pub(crate) struct Coverage {
    width: usize,
    height: usize,
    triangles: Vec<u16>,
}

impl Coverage {
    /// Paints the triangles over `points` (coarse coordinates), the farthest first by `depth` (z, larger is farther).
    /// Before them it paints a skirt of [`SKIRT`] samples that continues the triangles along the rim.
    pub(crate) fn new(points: &[[f32; 2]], depth: &[f32], width: usize, height: usize) -> Self {
        let mut coverage = Self { width, height, triangles: vec![NONE; width * height] };
        let triangles: Vec<[usize; 3]> = topology::triangles().collect();
        coverage.paint_skirt(points, &triangles);
        let far = |t: u16| triangles[usize::from(t)].iter().map(|&v| depth[v]).sum::<f32>();
        let mut order: Vec<u16> = (0..).take(triangles.len()).collect();
        order.sort_by(|&a, &b| far(b).total_cmp(&far(a)));
        for t in order {
            coverage.paint(triangles[usize::from(t)].map(|v| points[v]), t);
        }
        coverage
    }

    /// Interpolates `values`, given at the points of the mesh, over the samples; 0 where there is no triangle.
    pub(crate) fn interpolate<const N: usize>(&self, points: &[[f32; 2]], values: &[[f32; N]]) -> [Plane; N] {
        let maps = topology::triangles().map(|t| affine(t.map(|v| points[v]), t.map(|v| values[v])));
        let maps: Wiped<[[f32; 3]; N]> = Zeroizing::new(maps.collect());
        let mut planes = std::array::from_fn(|_| Plane::new(self.width, self.height));
        for (y, ids) in self.triangles.chunks_exact(self.width).enumerate() {
            for (channel, plane) in planes.iter_mut().enumerate() {
                for (x, (v, &id)) in plane.row_mut(y).iter_mut().zip(ids).enumerate() {
                    if id != NONE {
                        let [base, dx, dy] = maps[usize::from(id)][channel];
                        *v = base + dx * x as f32 + dy * y as f32;
                    }
                }
            }
        }
        planes
    }

    /// Paints one quadrilateral outwards from every edge of the rim; it continues the triangle inside that edge.
    fn paint_skirt(&mut self, points: &[[f32; 2]], triangles: &[[usize; 3]]) {
        let centre = points[topology::NOSE_ROOT];
        let outward = |p: [f32; 2]| {
            let (dx, dy) = (p[0] - centre[0], p[1] - centre[1]);
            let stretch = 1.0 + SKIRT / dx.hypot(dy).max(1.0);
            [centre[0] + dx * stretch, centre[1] + dy * stretch]
        };
        for (i, &a) in OVAL.iter().enumerate() {
            let b = OVAL[(i + 1) % OVAL.len()];
            let inner = (0..).zip(triangles).find(|(_, t)| t.contains(&a) && t.contains(&b));
            if let Some((id, _)) = inner {
                let (pa, pb) = (points[a], points[b]);
                self.paint([pa, pb, outward(pb)], id);
                self.paint([pa, outward(pb), outward(pa)], id);
            }
        }
    }

    /// Marks all samples inside a triangle or on its edges.
    fn paint(&mut self, corners: [[f32; 2]; 3], id: u16) {
        let [a, b, c] = corners;
        let area = cross(a, b, c);
        if area == 0.0 {
            return;
        }
        let low = |axis: usize| a[axis].min(b[axis]).min(c[axis]);
        let high = |axis: usize| a[axis].max(b[axis]).max(c[axis]);
        if high(0) < 0.0 || high(1) < 0.0 {
            return;
        }
        let (left, right) = (index(low(0).ceil()), index(high(0)).min(self.width - 1));
        let (top, bottom) = (index(low(1).ceil()), index(high(1)).min(self.height - 1));
        let side = area.signum();
        for y in top..=bottom {
            for x in left..=right {
                let p = [x as f32, y as f32];
                if cross(a, b, p) * side >= 0.0
                    && cross(b, c, p) * side >= 0.0
                    && cross(c, a, p) * side >= 0.0
                {
                    self.triangles[y * self.width + x] = id;
                }
            }
        }
    }
}

/// Returns twice the signed area of the triangle a, b, c.
fn cross(a: [f32; 2], b: [f32; 2], c: [f32; 2]) -> f32 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Returns base and slopes in x and y of the affine functions with the given values at the corners.
fn affine<const N: usize>(corners: [[f32; 2]; 3], values: [[f32; N]; 3]) -> [[f32; 3]; N] {
    let [a, b, c] = corners;
    let area = cross(a, b, c);
    // A triangle seen edge-on covers almost nothing; the value of any of its corners is good enough.
    let scale = if area.abs() < 1e-4 { 0.0 } else { 1.0 / area };
    std::array::from_fn(|channel| {
        let [va, vb, vc] = values.map(|v| v[channel]);
        let dx = ((vb - va) * (c[1] - a[1]) - (vc - va) * (b[1] - a[1])) * scale;
        let dy = ((vc - va) * (b[0] - a[0]) - (vb - va) * (c[0] - a[0])) * scale;
        [va - dx * a[0] - dy * a[1], dx, dy]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::SURFACE_POINTS;

    /// Returns points on a disc: the rim on a circle, the others spread inside by relaxation over the triangles.
    fn disc(radius: f32, centre: f32) -> Vec<[f32; 2]> {
        let mut points = vec![[centre; 2]; SURFACE_POINTS];
        for (i, &p) in OVAL.iter().enumerate() {
            let angle = i as f32 / OVAL.len() as f32 * std::f32::consts::TAU;
            points[p] = [centre + radius * angle.sin(), centre - radius * angle.cos()];
        }
        for _ in 0..400 {
            let mut sums = vec![[0.0; 3]; SURFACE_POINTS];
            for [a, b, c] in topology::triangles() {
                for (p, q) in [(a, b), (b, c), (c, a), (b, a), (c, b), (a, c)] {
                    sums[p] = [sums[p][0] + points[q][0], sums[p][1] + points[q][1], sums[p][2] + 1.0];
                }
            }
            for p in (0..SURFACE_POINTS).filter(|p| !OVAL.contains(p)) {
                points[p] = [sums[p][0] / sums[p][2], sums[p][1] / sums[p][2]];
            }
        }
        points
    }

    #[test]
    fn the_mesh_covers_its_disc_without_holes() {
        let points = disc(40.0, 50.0);
        let coverage = Coverage::new(&points, &[0.0; SURFACE_POINTS], 100, 100);
        for y in 0..100 {
            for x in 0..100 {
                let r = (x as f32 - 50.0).hypot(y as f32 - 50.0);
                if r < 43.0 {
                    assert_ne!(coverage.triangles[y * 100 + x], NONE, "{x},{y}");
                }
                if r > 45.0 {
                    assert_eq!(coverage.triangles[y * 100 + x], NONE, "{x},{y}");
                }
            }
        }
    }

    #[test]
    fn a_linear_function_of_the_points_is_interpolated_exactly() {
        let points = disc(40.0, 50.0);
        let coverage = Coverage::new(&points, &[0.0; SURFACE_POINTS], 100, 100);
        let values: Vec<[f32; 2]> = points.iter().map(|[x, y]| [2.0 * x - y, 30.0 + 0.5 * y]).collect();
        let [first, second] = coverage.interpolate(&points, &values);
        for (x, y) in [(50, 50), (30, 61), (70, 44), (50, 91)] {
            let (fx, fy) = (x as f32, y as f32);
            assert!((first.row(y)[x] - (2.0 * fx - fy)).abs() < 0.05, "{x},{y}");
            assert!((second.row(y)[x] - (30.0 + 0.5 * fy)).abs() < 0.05, "{x},{y}");
        }
    }
}
