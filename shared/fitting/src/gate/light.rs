//! Measures how bright the skin is: median luma and the overexposed share, over cheeks and nose.

use super::patch::{View, for_each_inside};
use crate::mesh::Mesh;

/// Least median luma, 0 to 255. Below it a work shows more sensor noise than face. Dark skin in ordinary light lies
/// above 40.
pub(crate) const MEDIAN_MIN: f32 = 28.0;

/// Largest share of overexposed skin. Its detail is lost and cannot be relit; from about a quarter, flat patches
/// become visible.
pub(crate) const CLIPPED_MAX: f32 = 0.25;

/// A pixel is overexposed if its green, the best exposed channel, is at least this.
const CLIPPED_FROM: u8 = 250;

/// Brightness of the skin.
pub(super) struct Light {
    pub(super) median: f32,
    pub(super) clipped: f32,
}

impl Light {
    /// Measures the pixels inside the given patches of the mesh (each a convex ring of points); `None` if none of
    /// them is visible.
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    pub(super) fn on_skin(view: View<'_>, mesh: &Mesh, patches: &[&[usize]]) -> Option<Self> {
        let mut counts = [0_usize; 256];
        let mut clipped = 0;
        for ring in patches {
            for_each_inside(view, mesh, ring, |[r, g, b]| {
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
            seen > 0 && seen * 2 >= total
        });
        Some(Self { median: median? as f32, clipped: clipped as f32 / total as f32 })
    }
}
