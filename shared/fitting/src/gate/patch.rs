//! Patches of the face: the pixels inside a ring of mesh points.

use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};

/// Mask samples from this value on keep the template in front, so that the face there is not visible.
const HIDDEN_FROM: u8 = 128;

/// A raster with a face, and the mask that hides parts of it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) picture: &'a RgbImage,
    /// A template's mask, as large as the picture.
    pub(crate) mask: Option<&'a GreyImage>,
}

impl View<'_> {
    /// Whether the template's mask is in front of a pixel.
    pub(super) fn is_hidden(&self, x: usize, y: usize) -> bool {
        self.mask.is_some_and(|mask| mask.data()[y * mask.width() + x] >= HIDDEN_FROM)
    }
}

/// Visits the pixels whose centres lie inside a polygon of mesh points (even-odd rule) and that are not hidden.
pub(super) fn for_each_inside(view: View<'_>, mesh: &Mesh, ring: &[usize], mut visit: impl FnMut([u8; 3])) {
    let points: Vec<[f32; 2]> = ring.iter().map(|&point| mesh.xy(point)).collect();
    for_each_place(&points, [view.picture.width(), view.picture.height()], |x, y| {
        if !view.is_hidden(x, y) {
            visit(view.picture.pixel(x, y));
        }
    });
}

/// Visits the pixels of a raster whose centres lie inside a polygon (even-odd rule).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates are clamped to the raster before they become indices"
)]
pub(super) fn for_each_place(
    points: &[[f32; 2]],
    [width, height]: [usize; 2],
    mut visit: impl FnMut(usize, usize),
) {
    let low = points.iter().map(|p| p[1]).fold(f32::INFINITY, f32::min);
    let high = points.iter().map(|p| p[1]).fold(f32::NEG_INFINITY, f32::max);
    let rows = low.ceil().max(0.0) as usize..=(high.floor().max(0.0) as usize).min(height - 1);
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
            let last = (pair[1].floor().max(0.0) as usize).min(width - 1);
            for column in first..=last {
                visit(column, row);
            }
        }
    }
}
