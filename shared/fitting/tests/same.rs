//! Tests that the same photo in another file gives the same work: its pixels are processed alike in every format and
//! from whichever corner they are stored.

#![expect(clippy::expect_used, reason = "a failed precondition ends the test")]

mod support;

use fitting::{Format, Models, RgbImage, Template};
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType, SamplingFactor};
use support::png_chunks::with_chunks;
use support::same::{exif, jpeg, photo, png, stored};
use support::{fitted, models, pixels, template};

/// The photo, enlarged so much that it is searched at a reduced scale, to sides that no reduction divides.
fn large() -> RgbImage {
    let photo = photo();
    let (width, height) = (photo.width() * 33 / 20, photo.height() * 33 / 20 + 1);
    assert!(!width.is_multiple_of(2) && !height.is_multiple_of(2), "{width} × {height}");
    let mut large = RgbImage::new(width, height);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        large.set_pixel(x, y, sample(&photo, x * 20 * 256 / 33, y * 20 * 256 / 33));
    }
    large
}

/// Samples bilinearly at a position in 1/256 of a pixel.
fn sample(image: &RgbImage, x: usize, y: usize) -> [u8; 3] {
    let at = |x: usize, y: usize| image.pixel(x.min(image.width() - 1), y.min(image.height() - 1));
    let ((left, across), (top, down)) = ((x / 256, x % 256), (y / 256, y % 256));
    std::array::from_fn(|k| {
        let v = |x, y| usize::from(at(x, y)[k]);
        let upper = v(left, top) * (256 - across) + v(left + 1, top) * across;
        let lower = v(left, top + 1) * (256 - across) + v(left + 1, top + 1) * across;
        u8::try_from((upper * (256 - down) + lower * down + 32_768) / 65_536).expect("a mean of bytes")
    })
}

/// The largest difference in levels between the works of a JPEG and of its pixels: in the mean, and in all but 1 % of
/// the samples; 1.7 and 12 were measured. The JPEG itself differs by 0.6 levels (1.3 at 4:1:1), and its blocks begin
/// at the corner from which it is stored. That moves the points of the mesh network by 0.001 to 0.003 of the eye
/// distance, also at full scale with the photo's own box, and hardly less if the detector's input is averaged. So the
/// network determines the limit.
const MEAN_MAX: f64 = 1.9;
const MOST_MAX: u8 = 13;

/// The same limits for a JPEG and the same JPEG with orientation 1; 1.22 and 9 were measured. Both lose the same
/// amount, each in its own blocks.
const ORIENTATION_MEAN_MAX: f64 = 1.3;
const ORIENTATION_MOST_MAX: u8 = 10;

struct Bench {
    models: Models,
    template: Template,
}

impl Bench {
    fn work(&self, photo: &[u8]) -> RgbImage {
        pixels(&fitted(&self.models, &self.template, photo, Format::Png).image)
    }

    /// Mean difference between two works inside the template's face, and the 99th percentile of the differences.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a face's box lies in its picture"
    )]
    fn difference(&self, a: &RgbImage, b: &RgbImage) -> (f64, u8) {
        let [left, top, right, bottom] = self.template.description().face.bounds.map(|v| v as usize);
        let mut all: Vec<u8> = (top..bottom)
            .flat_map(|y| (left..right).map(move |x| (x, y)))
            .flat_map(|(x, y)| [0, 1, 2].map(|k| a.pixel(x, y)[k].abs_diff(b.pixel(x, y)[k])))
            .collect();
        all.sort_unstable();
        let sum: u64 = all.iter().map(|&v| u64::from(v)).sum();
        (sum as f64 / all.len() as f64, all[all.len() * 99 / 100])
    }
}

#[test]
fn the_same_photo_in_another_file_gives_the_same_work() {
    let models = models();
    let bench = Bench { template: template(&models, "astronaut.png"), models };
    let photo = large();
    let size = (photo.width(), photo.height());
    let plain = |image: &RgbImage| {
        png(image.data(), (image.width(), image.height()), |e| e.set_color(png::ColorType::Rgb))
    };
    let expected = bench.work(&plain(&photo));
    let mut files = Vec::new();
    for orientation in 1..=8 {
        let image = stored(&photo, orientation);
        let size = (image.width(), image.height());
        files.push((
            format!("PNG, orientation {orientation}"),
            with_chunks(&plain(&image), &[(*b"eXIf", exif(orientation))]),
        ));
        files.push((
            format!("JPEG, orientation {orientation}"),
            jpeg(image.data(), size, ColorType::Rgb, |e| {
                e.set_sampling_factor(SamplingFactor::R_4_4_4);
                e.add_exif_metadata(&exif(orientation)).expect("a short block");
            }),
        ));
    }
    let mut webp = Vec::new();
    let side = |n: usize| u32::try_from(n).expect("a side");
    WebPEncoder::new(&mut webp)
        .encode(photo.data(), side(size.0), side(size.1), image_webp::ColorType::Rgb8)
        .expect("encodes");
    files.push(("WebP".to_owned(), webp));
    for factor in [SamplingFactor::R_4_2_0, SamplingFactor::R_4_1_1] {
        let file = jpeg(photo.data(), size, ColorType::Rgb, |e| e.set_sampling_factor(factor));
        files.push((format!("JPEG, {factor:?}"), file));
    }
    let mut far = Vec::new();
    let mut upright = None;
    for (name, file) in files {
        let work = bench.work(&file);
        let (mean, most) = bench.difference(&work, &expected);
        println!("{name}: {mean:.2} levels in the mean, 99 % within {most}");
        let (mean_max, most_max) = if name.starts_with("JPEG") { (MEAN_MAX, MOST_MAX) } else { (0.0, 0) };
        if mean > mean_max || most > most_max {
            far.push(name.clone());
        }
        if name.starts_with("JPEG, orientation") {
            let (mean, most) = bench.difference(&work, upright.get_or_insert(work.clone()));
            println!("    {mean:.2} levels from orientation 1, 99 % within {most}");
            if mean > ORIENTATION_MEAN_MAX || most > ORIENTATION_MOST_MAX {
                far.push(name);
            }
        }
    }
    assert!(far.is_empty(), "the works of {far:?} differ too much");
}
