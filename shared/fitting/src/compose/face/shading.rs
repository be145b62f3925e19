//! The shading transfer: the photo's fine detail in the template's light.
//!
//! Colours are logarithms, l = ln(RGB + 8). A face's shading, its low frequencies L, is the mean of the skin around a
//! sample. The photo's shading is exchanged for the template's, luma and chroma separately. Luma is the mean of the
//! three logarithms, chroma is each logarithm minus luma.

use crate::compose::raster::blur::{gaussian, weighted_mean};
use crate::compose::raster::logarithm::{LOG_OFFSET, ln};
use crate::compose::raster::plane::Plane;

/// The two widths (σ) of shading, in eye distances. The first is wider than an eye socket and narrower than a cheek,
/// so that light and shadow across the face follow the template, and its features follow the photo. Where little skin
/// lies within the first width, the mean within the second, much wider one is used.
pub(crate) const SHADING: [f32; 2] = [0.30, 0.75];
/// As [`SHADING`], for the paint over the template's features and for the skin of both faces at the edge of alpha.
/// Paint in the colours of [`SHADING`] alone is too bright beside a rim that lies in shadow (.07 and .03 dE more seam
/// on the tuned and the held-out pairs, in the median). Widths of .06 and .15 leave .01 to .04 more.
pub(crate) const CLOSE_BY: [f32; 2] = [0.10, 0.30];
/// Below this coverage by skin the second width is mixed in.
const COVERAGE_MIN: f32 = 0.15;

/// Returns the mean logarithmic colour of the skin around every sample, within the first σ and, where little skin is
/// there, within the second. Both are in samples.
pub(crate) fn low_frequencies(logs: &[Plane; 3], skin: &Plane, [sigma, wide]: [f32; 2]) -> [Plane; 3] {
    // A trace of weight everywhere keeps the mean defined where there is no skin at all.
    let skin = skin.clone().map(|w| w + 1e-4);
    let (near_weight, wide_weight) = (gaussian(&skin, sigma), gaussian(&skin, wide));
    logs.each_ref().map(|plane| {
        let near = weighted_mean(plane, &skin, &near_weight, sigma);
        let far = weighted_mean(plane, &skin, &wide_weight, wide);
        let mut mixed = near;
        for ((v, &f), &w) in mixed.rows_mut().flatten().zip(far.data()).zip(near_weight.data()) {
            let share = (w / COVERAGE_MIN).clamp(0.0, 1.0);
            *v = *v * share + f * (1.0 - share);
        }
        mixed
    })
}

/// Returns the mean of three planes; of logarithms this is luma.
pub(crate) fn luma([a, b, c]: &[Plane; 3]) -> Plane {
    a.clone().zip(b, |a, b| a + b).zip(c, |ab, c| (ab + c) / 3.0)
}

/// Returns the logarithms of 8-bit colours.
pub(crate) fn logarithms(colours: [Plane; 3]) -> [Plane; 3] {
    colours.map(|plane| plane.map(|v| ln(v.max(0.0) + LOG_OFFSET)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shading_follows_the_light_on_skin_and_ignores_other_samples() {
        let skin = Plane::from_fn(120, 120, |x, y| if (50..70).contains(&x) && y > 60 { 0.0 } else { 1.0 });
        let logs: [Plane; 3] =
            std::array::from_fn(|c| {
                Plane::from_fn(120, 120, |x, y| {
                    if skin.row(y)[x] > 0.0 { c as f32 + 0.005 * x as f32 } else { -9.0 }
                })
            });
        let low = low_frequencies(&logs, &skin, SHADING.map(|sigma| sigma * 40.0));
        for (c, low) in low.iter().enumerate() {
            for (x, y) in [(40, 60), (60, 40), (60, 90), (80, 60)] {
                let expected = c as f32 + 0.005 * x as f32;
                assert!((low.row(y)[x] - expected).abs() < 0.03, "{c} {x},{y}: {}", low.row(y)[x]);
            }
        }
    }
}
