//! Patches of the face: the pixels inside a ring of mesh points.

use crate::mesh::Mesh;
use crate::pixels::RgbImage;

/// Visits the crop's pixels whose centres lie inside a polygon of mesh points (even-odd rule).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates are clamped to the raster before they become indices"
)]
pub(super) fn for_each_inside(crop: &RgbImage, mesh: &Mesh, ring: &[usize], mut visit: impl FnMut([u8; 3])) {
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
