//! Corrects the photo's light where it differs from the template's by an uncommon amount.
//!
//! The shading transfer works on logarithms of 8-bit levels. This suits ordinary differences of light. A dim photo
//! has more contrast in these logarithms than a bright one, and a lamp in one colour leaves two channels near black.
//! Such a photo gives a harsh face with glowing lips and teeth. This module first removes the part of the difference
//! that is uncommon, on linear light with one gain for each channel, as another lamp would do (von Kries, 1902).
//! Ordinary photos stay as they are.

use zeroize::Zeroizing;

use crate::compose::face::skin::quantile;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::grid::index;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::Wiped;
use crate::pixels::RgbImage;
use crate::topology::{LIPS, SKIN_PATCHES};

/// The largest ordinary difference between two skins' brightness (mean logarithm of linear light).
const BRIGHTNESS: f32 = 1.15;
/// The largest ordinary difference between their hues: the length of the three logarithms without their mean.
const HUE: f32 = 1.25;
/// Beyond the ordinary by this much, the whole difference is corrected here and none is left to the shading transfer.
const RANGE: f32 = 0.4;
/// The least linear light that can be told from black: below this level 8 bits hold only noise.
const BLACK: f32 = 0.0012;
/// The largest gain: a larger one would show the steps of 8 bits.
const GAIN_MAX: f32 = 24.0;

/// A photo begins to show its noise when its light is raised by more than this (logarithm of linear light).
const NOISY: f32 = 0.4;
/// It is smoothed fully when its light is raised by this much more.
const NOISY_RANGE: f32 = 0.8;
/// The width (σ) of the smoothing of luma and of chroma, in eye distances. An iris is .15 wide.
const LUMA_SMOOTHING: f32 = 0.010;
const CHROMA_SMOOTHING: f32 = 0.035;

/// A photo has no colour when its hues (logarithms of the ratio of two colours) deviate by less than this over skin
/// and lips. In black-and-white photos they differ by what the coding leaves, .00 to .02; in colour photos by .1 and
/// more.
const COLOURLESS: f32 = 0.03;
const COLOURLESS_RANGE: f32 = 0.03;

/// Positions on a patch, as shares of the way from its middle to each of its corners.
const ALONG: [f32; 3] = [0.3, 0.6, 0.85];

/// Returns the median colour of a face's cheeks and nose, as linear light.
pub(crate) fn skin_light(image: &RgbImage, points: &[[f32; 3]]) -> [f32; 3] {
    let samples: Vec<_> = SKIN_PATCHES.iter().flat_map(|patch| samples(image, points, patch)).collect();
    [0, 1, 2].map(|c| {
        let mut values: Wiped<f32> = Zeroizing::new(samples.iter().map(|sample| sample[c]).collect());
        quantile(&mut values, 0.5)
    })
}

/// Returns the share of its own colours that a photo keeps: 0 for a black-and-white one, 1 for a photo in colour.
pub(crate) fn colour(photo: &RgbImage, points: &[[f32; 3]]) -> f32 {
    let rings = SKIN_PATCHES.iter().copied().chain([&LIPS[..]]);
    let samples: Vec<_> = rings.flat_map(|ring| samples(photo, points, ring)).collect();
    let deviation = |hue: &dyn Fn(&[f32; 3]) -> f32| {
        let count = samples.len() as f32;
        let mean = samples.iter().map(hue).sum::<f32>() / count;
        (samples.iter().map(|sample| (hue(sample) - mean).powi(2)).sum::<f32>() / count).sqrt()
    };
    let log = |light: f32| (light + 8.0 * BLACK).ln();
    let red = deviation(&|[red, green, _]| log(*red) - log(*green));
    let blue = deviation(&|[_, green, blue]| log(*green) - log(*blue));
    ((red.max(blue) - COLOURLESS) / COLOURLESS_RANGE).clamp(0.0, 1.0)
}

/// Returns the linear light at positions spread over a ring of points.
fn samples(image: &RgbImage, points: &[[f32; 3]], ring: &[usize]) -> Vec<[f32; 3]> {
    let middle = [0, 1].map(|axis| ring.iter().map(|&i| points[i][axis]).sum::<f32>() / ring.len() as f32);
    let position = |corner: usize, share: f32| {
        [0, 1].map(|axis| middle[axis] + share * (points[corner][axis] - middle[axis]))
    };
    let positions = ring.iter().flat_map(|&corner| ALONG.map(|share| position(corner, share)));
    positions.map(|position| mean_around(image, position)).collect()
}

/// Returns the mean linear light of three by three pixels; outside the image its border counts.
fn mean_around(image: &RgbImage, [x, y]: [f32; 2]) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for (dx, dy) in [-1.0, 0.0, 1.0].into_iter().flat_map(|dy| [-1.0, 0.0, 1.0].map(|dx| (dx, dy))) {
        let [x, y] = [index(x + dx).min(image.width() - 1), index(y + dy).min(image.height() - 1)];
        for (sum, level) in sum.iter_mut().zip(image.pixel(x, y)) {
            *sum += linear(f32::from(level)) / 9.0;
        }
    }
    sum
}

/// Returns the photo with its light corrected towards `wanted`, the template's [`skin_light`]; `None` if the
/// difference is ordinary. `points` and `unit` are the photo's mesh and the distance of its eyes.
pub(crate) fn balance(
    photo: &RgbImage,
    points: &[[f32; 3]],
    unit: f32,
    wanted: [f32; 3],
) -> Option<RgbImage> {
    let gains = uncommon_gains(skin_light(photo, points), wanted)?;
    let tables = gains.map(|gain| table(gain.exp().min(GAIN_MAX)));
    let mut balanced = RgbImage::new(photo.width(), photo.height());
    let pixels = balanced.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(photo.data().as_chunks::<3>().0);
    for (to, from) in pixels {
        *to = [0, 1, 2].map(|c| tables[c][usize::from(from[c])]);
    }
    let most = gains.into_iter().fold(0.0, f32::max);
    let noise = ((most - NOISY) / NOISY_RANGE).clamp(0.0, 1.0);
    if noise > 0.0 {
        smooth(&mut balanced, noise * unit);
    }
    Some(balanced)
}

/// Returns the uncommon part of the difference between two lights, as logarithms; `None` if there is none.
fn uncommon_gains(own: [f32; 3], wanted: [f32; 3]) -> Option<[f32; 3]> {
    let logs: [f32; 3] = std::array::from_fn(|c| (wanted[c].max(BLACK) / own[c].max(BLACK)).ln());
    let brightness = logs.iter().sum::<f32>() / 3.0;
    let hue = logs.map(|log| log - brightness);
    let length = hue.iter().map(|v| v * v).sum::<f32>().sqrt();
    let beyond = |v: f32, ordinary: f32| ((v - ordinary) / RANGE).clamp(0.0, 1.0);
    let shares = [beyond(brightness.abs(), BRIGHTNESS), beyond(length, HUE)];
    (shares != [0.0, 0.0]).then(|| hue.map(|hue| hue * shares[1] + brightness * shares[0]))
}

/// Returns the new value of each level when its linear light is multiplied by `gain`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn table(gain: f32) -> Vec<u8> {
    (0..=255_u8).map(|level| (level_of(linear(f32::from(level)) * gain) + 0.5) as u8).collect()
}

/// Returns the linear light of an sRGB level (IEC 61966-2-1), 0..1.
fn linear(level: f32) -> f32 {
    let v = level / 255.0;
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// Returns the sRGB level of linear light.
fn level_of(light: f32) -> f32 {
    255.0 * if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// Removes noise from an image: a little of its luma's finest detail, more of its chroma's. `scale` is the unit of
/// both widths in pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn smooth(image: &mut RgbImage, scale: f32) {
    let (width, height) = (image.width(), image.height());
    let pixel = |x: usize, y: usize| image.pixel(x, y).map(f32::from);
    let mean = |x: usize, y: usize| pixel(x, y).iter().sum::<f32>() / 3.0;
    let luma = Plane::from_fn(width, height, mean);
    let soft = gaussian(&luma, LUMA_SMOOTHING * scale);
    let chroma: [Plane; 3] = std::array::from_fn(|c| {
        let own = Plane::from_fn(width, height, |x, y| pixel(x, y)[c]).zip(&luma, |v, luma| v - luma);
        gaussian(&own, CHROMA_SMOOTHING * scale)
    });
    for y in 0..height {
        for x in 0..width {
            let value = |c: usize| (soft.row(y)[x] + chroma[c].row(y)[x] + 0.5) as u8;
            image.set_pixel(x, y, [0, 1, 2].map(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_differences_of_light_are_left_to_the_shading() {
        let skin = [0.40_f32, 0.24, 0.16];
        for wanted in [skin, skin.map(|v| 0.4 * v), skin.map(|v| 1.9 * v), [0.30, 0.24, 0.22]] {
            assert_eq!(uncommon_gains(skin, wanted), None, "{wanted:?}");
        }
    }

    #[test]
    fn a_coloured_lamp_and_dim_light_are_corrected() {
        let skin = [0.40_f32, 0.24, 0.16];
        for lamp in [[1.0, 0.08, 0.05], [0.08, 0.08, 0.08], [0.2, 0.1, 1.0]] {
            let own: [f32; 3] = std::array::from_fn(|c| (skin[c] * lamp[c]).max(BLACK));
            let gains = uncommon_gains(own, skin).unwrap();
            for c in 0..3 {
                let missing = (skin[c] / own[c]).ln() - gains[c];
                assert!(missing.abs() < 1.2, "{lamp:?}: {missing} of the difference is left");
            }
        }
    }

    #[test]
    fn the_table_keeps_black_and_never_decreases() {
        for gain in [0.1, 1.0, 5.0] {
            let table = table(gain);
            assert!(table[0] == 0 && table.is_sorted(), "{gain}");
        }
        assert!((0..=255_u8).zip(table(1.0)).all(|(level, same)| level == same));
    }

    #[test]
    fn noise_is_smoothed_and_edges_stay() {
        let mut image = RgbImage::new(80, 40);
        for (x, y) in (0..40).flat_map(|y| (0..80).map(move |x| (x, y))) {
            let noise = u8::try_from((x * 31 + y * 17 + x * y * 7) % 23).unwrap();
            image.set_pixel(x, y, if x < 40 { [60 + noise, 60, 60] } else { [180, 180, 160 + noise] });
        }
        smooth(&mut image, 120.0);
        let reds: Vec<u8> = (5..30).map(|x| image.pixel(x, 20)[0]).collect();
        assert!(reds.iter().max().unwrap() - reds.iter().min().unwrap() < 10, "{reds:?}");
        assert!(image.pixel(36, 20)[1] < 75 && image.pixel(44, 20)[1] > 165);
    }
}
