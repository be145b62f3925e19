//! One face on the coarse raster: its colours, its skin and its shading.

use zeroize::Zeroizing;

use crate::compose::face::features::Features;
use crate::compose::face::shading::{self, CLOSE_BY, SHADING, luma};
use crate::compose::face::skin::{SkinFeatures, SkinModel, quantile};
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;

/// Natural lips differ from the hue of their skin by up to this; painted lips differ more.
const LIP_HUE_MAX: f32 = 0.12;

/// The dark of an eye is its darkest tenth.
const BLACK_QUANTILE: f32 = 0.1;

/// Coarse planes of one face: the template's, or the photo's warped to the target.
pub(crate) struct Surface {
    /// ln(RGB + 8).
    pub(crate) logs: [Plane; 3],
    /// Likeness to this face's skin, 0..1.
    pub(crate) skin: Plane,
    /// The weight of a sample in the shading: its likeness to skin where skin may be measured.
    pub(crate) weight: Plane,
    /// The shading: the mean logarithm of the skin around the sample.
    pub(crate) low: [Plane; 3],
    /// Distance from the skin's hue, in spreads.
    pub(crate) hue_distance: Plane,
}

impl Surface {
    /// Reads a face from its `colours` (8-bit levels). The skin is learned where `patch` is above one half, and
    /// counts for the shading as far as `measurable` (0..1) allows. `unit` is the distance of the eyes.
    pub(crate) fn read(colours: [Plane; 3], patch: &Plane, measurable: &Plane, unit: f32) -> Self {
        let logs = shading::logarithms(colours);
        let features = SkinFeatures::new(&logs, unit);
        let model = SkinModel::measure(&features, patch);
        let skin = features.likeness(&model);
        let weight = skin.clone().zip(measurable, |k, m| k * m);
        let low = shading::low_frequencies(&logs, &weight, SHADING.map(|sigma| sigma * unit));
        Self { hue_distance: features.hue_distance(&model), logs, skin, weight, low }
    }

    /// Replaces the shading by the mean close by, counting all samples as skin that `measurable` (0..1) allows.
    pub(crate) fn use_nearby_shading(&mut self, measurable: &Plane, unit: f32) {
        self.low = shading::low_frequencies(&self.logs, measurable, CLOSE_BY.map(|sigma| sigma * unit));
    }

    /// Returns what is finer than the shading.
    pub(crate) fn detail(&self) -> [Plane; 3] {
        std::array::from_fn(|c| self.logs[c].clone().zip(&self.low[c], |l, low| l - low))
    }

    /// Copies the mirrored face where this one is hidden, re-lit to this one's light.
    pub(crate) fn fill_hidden(&mut self, mirrored: &Self, hidden: &Plane) {
        for ((log, low), (other, other_low)) in
            self.logs.iter_mut().zip(&self.low).zip(mirrored.logs.iter().zip(&mirrored.low))
        {
            let relit = other.clone().zip(other_low, |l, low| l - low).zip(low, |detail, low| detail + low);
            mix(log, &relit, hidden);
        }
        mix(&mut self.skin, &mirrored.skin, hidden);
    }

    /// Returns how the lips' hue differs from that of the skin around them, as logarithms of red and green less the
    /// mean of all three; no more than [`LIP_HUE_MAX`] each.
    pub(crate) fn lip_hue(&self, features: &Features) -> [f32; 2] {
        let detail = self.detail();
        let light = luma(&detail);
        let lips =
            || features.lips.data().iter().enumerate().filter(|&(_, &lips)| lips > 0.5).map(|(i, _)| i);
        let count = lips().count().max(1) as f32;
        [0, 1].map(|c| {
            let mean = lips().map(|i| detail[c].data()[i] - light.data()[i]).sum::<f32>() / count;
            mean.clamp(-LIP_HUE_MAX, LIP_HUE_MAX)
        })
    }

    /// Returns the dark of the eyes, as luma detail.
    pub(crate) fn black(&self, features: &Features) -> f32 {
        let detail = luma(&self.detail());
        let eyes = detail.data().iter().zip(features.eyes.data()).filter(|&(_, &e)| e > 0.5);
        let mut values: Wiped<f32> = Zeroizing::new(eyes.map(|(&v, _)| v).collect());
        quantile(&mut values, BLACK_QUANTILE)
    }
}

/// Moves `plane` towards `other` by `share`.
pub(crate) fn mix(plane: &mut Plane, other: &Plane, share: &Plane) {
    for ((v, &o), &s) in plane.rows_mut().flatten().zip(other.data()).zip(share.data()) {
        *v += (o - *v) * s;
    }
}
