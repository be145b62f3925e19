//! How bright the skin is: median luma and the share that is burnt out, over cheeks and nose.

use crate::mesh::Mesh;
use crate::pixels::RgbImage;

/// Median luma, 0 to 255: below it a work shows more of the sensor's noise than of the face. Dark skin in
/// ordinary light lies above 40.
pub(super) const MEDIAN_MIN: f32 = 22.0;

/// Share of skin that has lost its detail to white: what is gone cannot be re-lit.
pub(super) const CLIPPED_MAX: f32 = 0.35;

/// A pixel is burnt out when its green, the best exposed channel, is at least this.
const CLIPPED_FROM: u8 = 250;

/// What the skin's light is like.
pub(super) struct Light {
    pub(super) median: f32,
    pub(super) clipped: f32,
}

impl Light {
    /// Measures the pixels inside the given patches of the mesh (each a convex ring of points).
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    pub(super) fn on_skin(crop: &RgbImage, mesh: &Mesh, patches: &[&[usize]]) -> Self {
        let mut counts = [0_usize; 256];
        let mut clipped = 0;
        for ring in patches {
            for_each_inside(crop, mesh, ring, |[r, g, b]| {
                // Rec. 601 luma in eight-bit fixed point.
                let luma = (77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) >> 8;
                counts[luma.min(255) as usize] += 1;
                clipped += usize::from(g >= CLIPPED_FROM);
            });
        }
        let total: usize = counts.iter().sum();
        let mut seen = 0;
        let median = counts.iter().position(|&n| {
            seen += n;
            seen * 2 >= total.max(1)
        });
        Self { median: median.unwrap_or(0) as f32, clipped: clipped as f32 / total.max(1) as f32 }
    }
}

/// Visits the crop's pixels whose centres lie inside a polygon of mesh points (even-odd rule).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates are clamped to the raster before they become indices"
)]
fn for_each_inside(crop: &RgbImage, mesh: &Mesh, ring: &[usize], mut visit: impl FnMut([u8; 3])) {
    let points: Vec<[f32; 2]> = ring.iter().map(|&point| mesh.xy(point)).collect();
    let low = points.iter().map(|p| p[1]).fold(f32::INFINITY, f32::min);
    let high = points.iter().map(|p| p[1]).fold(f32::NEG_INFINITY, f32::max);
    let rows = low.ceil().max(0.0) as usize..=(high.floor().max(0.0) as usize).min(crop.height() - 1);
    for row in rows {
        let y = row as f32;
        let mut crossings: Vec<f32> = (0..points.len())
            .filter_map(|k| {
                let ([x0, y0], [x1, y1]) = (points[k], points[(k + 1) % points.len()]);
                ((y0 <= y) != (y1 <= y)).then(|| x0 + (y - y0) / (y1 - y0) * (x1 - x0))
            })
            .collect();
        crossings.sort_by(f32::total_cmp);
        for pair in crossings.chunks_exact(2) {
            let first = pair[0].ceil().max(0.0) as usize;
            let last = (pair[1].floor().max(0.0) as usize).min(crop.width() - 1);
            for column in first..=last {
                visit(crop.pixel(column, row));
            }
        }
    }
}
