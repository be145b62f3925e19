//! How bright the skin is: median luma and the share that is burnt out, over cheeks and nose.

use super::patch::{View, for_each_inside};
use crate::mesh::Mesh;

/// Median luma, 0 to 255: below it a work shows more of the sensor's noise than of the face. Dark skin in
/// ordinary light lies above 40.
pub(crate) const MEDIAN_MIN: f32 = 28.0;

/// Share of skin that has lost its detail to white: what is gone cannot be re-lit, and from about a quarter on its
/// places show as flat patches.
pub(crate) const CLIPPED_MAX: f32 = 0.25;

/// A pixel is burnt out when its green, the best exposed channel, is at least this.
const CLIPPED_FROM: u8 = 250;

/// What the skin's light is like.
pub(super) struct Light {
    pub(super) median: f32,
    pub(super) clipped: f32,
}

impl Light {
    /// Measures the pixels inside the given patches of the mesh (each a convex ring of points); `None` if none is seen.
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
