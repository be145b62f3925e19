//! Compares the works of two photos of one face.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a face's box lies in its picture"
)]

use fitting::{Format, Models, RgbImage, Template};
use jpeg_encoder::{ColorType, Encoder};
use moxcms::{ColorProfile, Layout, TransformOptions};

use super::{fitted, models, picture, pixels, template};

/// The largest mean difference between two works inside the face's box, in levels of 255. Encoding the photo again
/// costs one to two levels; exchanged channels cost seven. A lost colour profile costs only two, since the work has
/// the template's colours; [`PIXELS_MAX`] shows that profiles are applied.
pub(crate) const DIFFERENCE_MAX: f64 = 2.5;

/// The largest mean difference between a photo's pixels, upright and in sRGB, and the pixels that it was made of.
/// Encoding costs up to 1.3 levels; a lost profile costs at least 3.
pub(crate) const PIXELS_MAX: f64 = 1.5;

/// The same limit for the means of blocks, for photos whose face is at another position: less than an eye costs that
/// is moved by 0.01 of the eye distance.
const ALIKE_MAX: f64 = 3.5;

/// A photo whose face is 1.6 times as wide as a template's, so nothing is scaled up.
pub(crate) fn photo() -> RgbImage {
    pixels(&picture("obama.jpg"))
}

fn side(n: usize) -> u16 {
    u16::try_from(n).expect("a small picture")
}

/// Encodes a JPEG with an encoder that `set_up` has configured.
pub(crate) fn jpeg(
    samples: &[u8],
    size: (usize, usize),
    colours: ColorType,
    set_up: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    set_up(&mut encoder);
    encoder.encode(samples, side(size.0), side(size.1), colours).expect("encodes");
    bytes
}

pub(crate) fn png(
    samples: &[u8],
    size: (usize, usize),
    set_up: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, u32::from(side(size.0)), u32::from(side(size.1)));
    set_up(&mut encoder);
    encoder.write_header().expect("a header").write_image_data(samples).expect("encodes");
    bytes
}

/// An EXIF block with an orientation and a description that must not reach the work.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let description = b"GPS 39.9 N 116.4 E\0";
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    block.extend([0x0E, 0x01, 2, 0, 19, 0, 0, 0, 38, 0, 0, 0]);
    block.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    block.extend([0; 4]);
    block.extend(description);
    block
}

/// Returns the stored pixels of a picture that is upright under an EXIF orientation.
pub(crate) fn stored(upright: &RgbImage, orientation: u8) -> RgbImage {
    let (width, height) = (upright.width(), upright.height());
    let size = if orientation >= 5 { (height, width) } else { (width, height) };
    let mut result = RgbImage::new(size.0, size.1);
    for y in 0..height {
        for x in 0..width {
            let (right, bottom) = (width - 1 - x, height - 1 - y);
            let (column, row) = match orientation {
                1 => (x, y),
                2 => (right, y),
                3 => (right, bottom),
                4 => (x, bottom),
                5 => (y, x),
                6 => (y, right),
                7 => (bottom, right),
                _ => (bottom, x),
            };
            result.set_pixel(column, row, upright.pixel(x, y));
        }
    }
    result
}

pub(crate) struct Bench {
    pub(crate) models: Models,
    pub(crate) template: Template,
    pub(crate) expected: RgbImage,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let models = models();
        let template = template(&models, "astronaut.png");
        let photo = photo();
        let plain = png(photo.data(), (photo.width(), photo.height()), |e| e.set_color(png::ColorType::Rgb));
        let expected = pixels(&fitted(&models, &template, &plain, Format::Png).image);
        Self { models, template, expected }
    }

    /// Mean difference from the expected work inside the template's face.
    pub(crate) fn difference(&self, photo: &[u8]) -> f64 {
        let work = pixels(&fitted(&self.models, &self.template, photo, Format::Png).image);
        let [left, top, right, bottom] = self.template.description().face.bounds.map(|v| v as usize);
        let mut sum = 0;
        for y in top..bottom {
            for x in left..right {
                let (a, b) = (work.pixel(x, y), self.expected.pixel(x, y));
                sum += (0..3).map(|k| u64::from(a[k].abs_diff(b[k]))).sum::<u64>();
            }
        }
        sum as f64 / ((bottom - top) * (right - left) * 3) as f64
    }

    /// Asserts that the work looks the same: the means of its blocks agree; a block is a tenth of the eye distance
    /// wide. A face at another position in its photo is cropped at other fractions of a pixel, and its points move by
    /// as much.
    pub(crate) fn assert_alike(&self, name: &str, photo: &[u8]) {
        const BLOCK: usize = 6;
        let work = pixels(&fitted(&self.models, &self.template, photo, Format::Png).image);
        let [left, top, right, bottom] = self.template.description().face.bounds.map(|v| v as usize);
        let sum = |image: &RgbImage, x: usize, y: usize, k: usize| {
            let pixels = (y..y + BLOCK).flat_map(|y| (x..x + BLOCK).map(move |x| image.pixel(x, y)[k]));
            pixels.map(f64::from).sum::<f64>() / (BLOCK * BLOCK) as f64
        };
        let blocks =
            (top..bottom).step_by(BLOCK).flat_map(|y| (left..right).step_by(BLOCK).map(move |x| (x, y)));
        let differences: Vec<f64> = blocks
            .flat_map(|(x, y)| [0, 1, 2].map(|k| (sum(&work, x, y, k) - sum(&self.expected, x, y, k)).abs()))
            .collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        assert!(mean <= ALIKE_MAX, "{name} differs by {mean:.2} levels");
    }

    /// Asserts that the photo's pixels and the work are the same. `image` is the upright picture that the photo was
    /// made of.
    pub(crate) fn assert_same(&self, name: &str, photo: &[u8], image: &RgbImage) {
        let difference = mean_difference(&pixels(photo), image);
        assert!(difference <= PIXELS_MAX, "the pixels of {name} differ by {difference:.2} levels");
        let difference = self.difference(photo);
        assert!(difference <= DIFFERENCE_MAX, "{name} differs by {difference:.2} levels");
    }
}

/// Mean difference between two pictures of one size, in levels of 255.
pub(crate) fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()), "the pictures differ in size");
    let sum: u64 = a.data().iter().zip(b.data()).map(|(x, y)| u64::from(x.abs_diff(*y))).sum();
    sum as f64 / a.data().len() as f64
}

/// Converts a picture to another colour space.
pub(crate) fn in_profile(image: &RgbImage, profile: &ColorProfile) -> Vec<u8> {
    let mut samples = vec![0; image.data().len()];
    ColorProfile::new_srgb()
        .create_transform_8bit(Layout::Rgb, profile, Layout::Rgb, TransformOptions::default())
        .expect("a transform")
        .transform(image.data(), &mut samples)
        .expect("converts");
    samples
}
