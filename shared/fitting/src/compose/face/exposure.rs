//! The photo under a light that the template's is not far from.
//!
//! The shading transfer works on logarithms of 8-bit levels. That is good for ordinary differences of light. A dim photo
//! has more contrast in these logarithms than a bright one, and a lamp in one colour leaves two channels near black: such
//! a photo gives a harsh face with glowing lips and teeth. Here the part of the difference that is out of the ordinary is
//! made up for first, on linear light and one gain a channel, as another lamp would do it (von Kries, 1902). Ordinary
//! photos stay as they are.

use zeroize::Zeroizing;

use crate::compose::face::skin::quantile;
use crate::compose::geometry::points::Wiped;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::grid::index;
use crate::compose::raster::plane::Plane;
use crate::pixels::RgbImage;
use crate::topology::{LIPS, SKIN_PATCHES};

/// How far two skins' brightness (mean logarithm of linear light) may lie apart to be ordinary.
const BRIGHTNESS: f32 = 1.15;
/// The same of their hues: the length of what remains of the three logarithms.
const HUE: f32 = 1.25;
/// So much further apart nothing of the difference is left to the shading transfer.
const RANGE: f32 = 0.4;
/// The least linear light that is told from black: below this level 8 bits hold noise only.
const BLACK: f32 = 0.0012;
/// No gain exceeds this: more would show the steps of 8 bits.
const GAIN_MAX: f32 = 24.0;

/// A photo that gains more than this (logarithm of linear light) shows its noise ...
const NOISY: f32 = 0.4;
/// ... and by so much more is smoothed fully.
const NOISY_RANGE: f32 = 0.8;
/// The width (σ) of that in eye distances, of luma and of chroma. An iris is .15 wide.
const LUMA_SMOOTHING: f32 = 0.010;
const CHROMA_SMOOTHING: f32 = 0.035;

/// Hues (logarithms of two colours' ratio) that deviate by less than this over skin and lips are no colour: in
/// black-and-white photos they differ by what coding leaves, .00 to .02, in colour photos by .1 and more.
const COLOURLESS: f32 = 0.03;
const COLOURLESS_RANGE: f32 = 0.03;

/// Places on a patch from its middle to each of its corners.
const ALONG: [f32; 3] = [0.3, 0.6, 0.85];

/// The median colour of a face's cheeks and nose, as linear light.
pub(crate) fn skin_light(picture: &RgbImage, points: &[[f32; 3]]) -> [f32; 3] {
    let samples: Vec<_> = SKIN_PATCHES.iter().flat_map(|patch| samples(picture, points, patch)).collect();
    [0, 1, 2].map(|c| {
        let mut values: Wiped<f32> = Zeroizing::new(samples.iter().map(|sample| sample[c]).collect());
        quantile(&mut values, 0.5)
    })
}

/// The share of its own colours that a photo is worth: 0 of a black-and-white one, 1 of any other.
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

/// The light at places all over a ring of points.
fn samples(picture: &RgbImage, points: &[[f32; 3]], ring: &[usize]) -> Vec<[f32; 3]> {
    let middle = [0, 1].map(|axis| ring.iter().map(|&i| points[i][axis]).sum::<f32>() / ring.len() as f32);
    let place = |corner: usize, share: f32| {
        [0, 1].map(|axis| middle[axis] + share * (points[corner][axis] - middle[axis]))
    };
    let places = ring.iter().flat_map(|&corner| ALONG.map(|share| place(corner, share)));
    places.map(|place| mean_around(picture, place)).collect()
}

/// The mean linear light of three by three pixels; outside the picture its border counts.
fn mean_around(picture: &RgbImage, [x, y]: [f32; 2]) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for (dx, dy) in [-1.0, 0.0, 1.0].into_iter().flat_map(|dy| [-1.0, 0.0, 1.0].map(|dx| (dx, dy))) {
        let [x, y] = [index(x + dx).min(picture.width() - 1), index(y + dy).min(picture.height() - 1)];
        for (sum, level) in sum.iter_mut().zip(picture.pixel(x, y)) {
            *sum += linear(f32::from(level)) / 9.0;
        }
    }
    sum
}

/// The photo in a light that `wanted`, the template's [`skin_light`], is not out of the ordinary beside; `None` if it is
/// so already. `points` and `unit` are its mesh and the distance of its eyes.
pub(crate) fn balanced(
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

/// The part of the way from one light to another that is out of the ordinary, as logarithms.
fn uncommon_gains(own: [f32; 3], wanted: [f32; 3]) -> Option<[f32; 3]> {
    let logs: [f32; 3] = std::array::from_fn(|c| (wanted[c].max(BLACK) / own[c].max(BLACK)).ln());
    let brightness = logs.iter().sum::<f32>() / 3.0;
    let hue = logs.map(|log| log - brightness);
    let length = hue.iter().map(|v| v * v).sum::<f32>().sqrt();
    let beyond = |v: f32, ordinary: f32| ((v - ordinary) / RANGE).clamp(0.0, 1.0);
    let shares = [beyond(brightness.abs(), BRIGHTNESS), beyond(length, HUE)];
    (shares != [0.0, 0.0]).then(|| hue.map(|hue| hue * shares[1] + brightness * shares[0]))
}

/// What becomes of each level under so many times the light.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn table(gain: f32) -> Vec<u8> {
    (0..=255_u8).map(|level| (level_of(linear(f32::from(level)) * gain) + 0.5) as u8).collect()
}

/// The linear light of an sRGB level (IEC 61966-2-1), 0..1.
fn linear(level: f32) -> f32 {
    let v = level / 255.0;
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

/// The sRGB level of linear light.
fn level_of(light: f32) -> f32 {
    255.0 * if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// Takes the noise off a picture: a little of its luma's finest detail, more of its chroma's. `scale` is the unit of both
/// widths in pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn smooth(picture: &mut RgbImage, scale: f32) {
    let (width, height) = (picture.width(), picture.height());
    let pixel = |x: usize, y: usize| picture.pixel(x, y).map(f32::from);
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
            picture.set_pixel(x, y, [0, 1, 2].map(value));
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
    fn a_coloured_lamp_and_the_dark_are_made_up_for() {
        let skin = [0.40_f32, 0.24, 0.16];
        for lamp in [[1.0, 0.08, 0.05], [0.08, 0.08, 0.08], [0.2, 0.1, 1.0]] {
            let own: [f32; 3] = std::array::from_fn(|c| (skin[c] * lamp[c]).max(BLACK));
            let gains = uncommon_gains(own, skin).unwrap();
            for c in 0..3 {
                let missing = (skin[c] / own[c]).ln() - gains[c];
                assert!(missing.abs() < 1.2, "{lamp:?}: {missing} is left");
            }
        }
    }

    #[test]
    fn the_table_knows_no_light_that_is_none() {
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
