//! Finds which samples look like this face's skin, by a robust model in logarithmic colour.
//!
//! The model has three features of ln(RGB + 8): the mean, ln R - ln G and ln G - ln B. A change of light shifts the
//! first and hardly moves the others. Median and spread come from cheeks and nose; likeness falls with the distance
//! in spreads.

use zeroize::Zeroizing;

use crate::compose::raster::blur::gaussian;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;

/// The least spread of each feature: the model of smooth skin must still accept freckles and shadow.
const SPREAD_MIN: [f32; 3] = [0.16, 0.07, 0.09];
/// Differences towards brighter count by this factor: brighter than the median is mostly light, darker mostly hair.
const BRIGHT_FACTOR: f32 = 0.6;
/// Likeness is 0 beyond this many spreads, and 1 up to one spread less.
const DISTANCE_MAX: f32 = 3.6;
/// The width (σ) of the blur before measuring, in eye distances: a strand of hair is darker than skin, a single hair
/// need not be.
const SMOOTHING: f32 = 0.015;
/// 1.4826 · MAD estimates the standard deviation of a Gaussian.
const MAD_TO_SIGMA: f32 = 1.4826;

/// Median and spread of the three features.
pub(crate) struct SkinModel {
    median: [f32; 3],
    spread: [f32; 3],
}

/// The three features of a face on the coarse raster.
pub(crate) struct SkinFeatures([Plane; 3]);

impl SkinFeatures {
    /// Computes the features from the logarithms of red, green and blue.
    pub(crate) fn new(logs: &[Plane; 3], unit: f32) -> Self {
        let [red, green, blue] = logs.each_ref().map(|plane| gaussian(plane, (SMOOTHING * unit).max(0.8)));
        let mean = red.clone().zip(&green, |r, g| r + g).zip(&blue, |rg, b| (rg + b) / 3.0);
        let red_green = red.zip(&green, |r, g| r - g);
        let green_blue = green.zip(&blue, |g, b| g - b);
        Self([mean, red_green, green_blue])
    }

    /// Returns the likeness to skin, 0..1, at every sample.
    pub(crate) fn likeness(&self, model: &SkinModel) -> Plane {
        let mut sum = Plane::new(self.0[0].width(), self.0[0].height());
        for (channel, plane) in self.0.iter().enumerate() {
            let (median, spread) = (model.median[channel], model.spread[channel].max(SPREAD_MIN[channel]));
            let bright = if channel == 0 { BRIGHT_FACTOR } else { 1.0 };
            sum = sum.zip(plane, |s, v| {
                let z = (v - median) / spread;
                let z = if z > 0.0 { z * bright } else { z };
                s + z * z
            });
        }
        sum.map(|s| (DISTANCE_MAX - s.sqrt()).clamp(0.0, 1.0))
    }

    /// Returns the distance from skin in the two chroma features alone, in spreads.
    pub(crate) fn hue_distance(&self, model: &SkinModel) -> Plane {
        let z = |channel: usize| {
            let (median, spread) = (model.median[channel], model.spread[channel].max(SPREAD_MIN[channel]));
            move |v: f32| (v - median) / spread
        };
        let (first, second) = (z(1), z(2));
        self.0[1].clone().zip(&self.0[2], |a, b| first(a).hypot(second(b)))
    }
}

impl SkinModel {
    /// Measures the model on the samples where `patch` is above one half.
    pub(crate) fn measure(features: &SkinFeatures, patch: &Plane) -> Self {
        let mut model = Self { median: [0.0; 3], spread: [0.0; 3] };
        for (channel, plane) in features.0.iter().enumerate() {
            let chosen = plane.data().iter().zip(patch.data()).filter(|&(_, &p)| p > 0.5);
            let mut values: Wiped<f32> = Zeroizing::new(chosen.map(|(&v, _)| v).collect());
            let centre = median(&mut values);
            values.iter_mut().for_each(|v| *v = (*v - centre).abs());
            model.median[channel] = centre;
            model.spread[channel] = MAD_TO_SIGMA * median(&mut values);
        }
        model
    }
}

/// Returns the median; 0 for no values.
fn median(values: &mut [f32]) -> f32 {
    quantile(values, 0.5)
}

/// Returns the value below which `share` (0..1) of the values lie; 0 for no values.
pub(crate) fn quantile(values: &mut [f32], share: f32) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let rank = crate::compose::raster::grid::index((share * last as f32).round());
    *values.select_nth_unstable_by(rank, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::face::shading::logarithms;

    /// Returns the likeness for skin on the left, in light that falls off downwards, and `other` on the right.
    fn likeness(other: [f32; 3]) -> Plane {
        let skin = [200.0, 150.0, 120.0];
        let colours =
            [0, 1, 2].map(|c| {
                Plane::from_fn(60, 40, |x, y| {
                    if x < 40 { skin[c] * (1.0 - 0.3 * y as f32 / 40.0) } else { other[c] }
                })
            });
        let features = SkinFeatures::new(&logarithms(colours), 60.0);
        let patch = Plane::from_fn(60, 40, |x, _| if (5..30).contains(&x) { 1.0 } else { 0.0 });
        features.likeness(&SkinModel::measure(&features, &patch))
    }

    #[test]
    fn skin_is_recognised_in_light_and_shade_and_hair_is_not() {
        let likeness = likeness([60.0, 40.0, 25.0]);
        assert!((0..40).all(|y| likeness.row(y)[20] == 1.0));
        assert_eq!(likeness.row(20)[55], 0.0);
    }

    #[test]
    fn a_wall_as_bright_as_skin_is_not_skin() {
        assert_eq!(likeness([150.0, 160.0, 170.0]).row(20)[55], 0.0);
    }

    #[test]
    fn a_quantile_of_nothing_is_zero() {
        assert_eq!(quantile(&mut [], 0.5), 0.0);
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), 2.0);
    }
}
