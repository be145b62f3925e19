//! Every photo a phone makes gives the same work: orientations, encodings, colour profiles.

#![expect(
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test says what it needs and stops; its values are small by construction"
)]

mod support;

use fitting::{Format, Models, RgbImage, Template};
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType, Encoder};
use moxcms::{ColorProfile, Layout, TransformOptions};
use support::{fitted, models, picture, pixels, template};

/// Mean difference of two works inside the face's box, in levels of 255. Encoding the photo again costs about
/// one level; a wrong orientation, profile or channel order costs more than ten.
const DIFFERENCE_MAX: f64 = 2.5;

/// A face 1.6 times as wide as a template's needs no upscaling anywhere.
fn photo() -> RgbImage {
    pixels(&picture("obama.jpg"))
}

fn side(n: usize) -> u16 {
    u16::try_from(n).expect("a small picture")
}

/// A JPEG with whatever `set_up` asks of the encoder.
fn jpeg(
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

fn png(
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

/// An EXIF block with one orientation and a description that must not get anywhere.
fn exif(orientation: u8) -> Vec<u8> {
    let description = b"GPS 39.9 N 116.4 E\0";
    let mut block = b"II*\0\x08\0\0\0\x02\0".to_vec();
    block.extend([0x0E, 0x01, 2, 0, 19, 0, 0, 0, 38, 0, 0, 0]);
    block.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    block.extend([0; 4]);
    block.extend(description);
    block
}

/// The stored pixels of a picture that is upright under an EXIF orientation.
fn stored(upright: &RgbImage, orientation: u8) -> RgbImage {
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

struct Bench {
    models: Models,
    template: Template,
    expected: RgbImage,
}

impl Bench {
    fn new() -> Self {
        let models = models();
        let template = template(&models, "astronaut.png");
        let photo = photo();
        let plain = png(photo.data(), (photo.width(), photo.height()), |e| e.set_color(png::ColorType::Rgb));
        let expected = pixels(&fitted(&models, &template, &plain, Format::Png).image);
        Self { models, template, expected }
    }

    /// Mean difference from the expected work inside the template's face.
    fn difference(&self, photo: &[u8]) -> f64 {
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

    fn assert_same(&self, name: &str, photo: &[u8]) {
        let difference = self.difference(photo);
        assert!(difference <= DIFFERENCE_MAX, "{name} differs by {difference:.2} levels");
    }
}

#[test]
fn all_eight_orientations_give_the_same_work() {
    let bench = Bench::new();
    let upright = photo();
    for orientation in 1..=8 {
        let image = stored(&upright, orientation);
        let size = (image.width(), image.height());
        let photo = jpeg(image.data(), size, ColorType::Rgb, |e| {
            e.add_exif_metadata(&exif(orientation)).expect("a short block");
        });
        bench.assert_same(&format!("orientation {orientation}"), &photo);
    }
}

#[test]
fn a_face_lying_on_its_side_or_head_down_is_found_and_fitted_upright() {
    let bench = Bench::new();
    let upright = photo();
    for turn in [3, 6, 8] {
        // Turned pixels without any EXIF that would say so.
        let image = stored(&upright, turn);
        let photo = jpeg(image.data(), (image.width(), image.height()), ColorType::Rgb, |_| {});
        bench.assert_same(&format!("turned as by {turn}"), &photo);
    }
}

#[test]
fn every_encoding_gives_the_same_work() {
    let bench = Bench::new();
    let image = photo();
    let size = (image.width(), image.height());
    let rgb = image.data();
    let pixel = |f: &dyn Fn([u8; 3]) -> Vec<u8>| -> Vec<u8> {
        rgb.as_chunks::<3>().0.iter().flat_map(|&p| f(p)).collect()
    };
    // All the black there can be goes into the fourth ink, so that undercolour removal is tested too.
    let inks = pixel(&|[r, g, b]| {
        let k = 255 - r.max(g).max(b);
        let ink = |v: u8| {
            let white = f64::from(255 - k).max(1.0);
            (255.0 * (white - f64::from(v)) / white).round().clamp(0.0, 255.0) as u8
        };
        vec![ink(r), ink(g), ink(b), k]
    });
    bench.assert_same("progressive JPEG", &jpeg(rgb, size, ColorType::Rgb, |e| e.set_progressive(true)));
    bench.assert_same("restart markers", &jpeg(rgb, size, ColorType::Rgb, |e| e.set_restart_interval(7)));
    bench.assert_same("CMYK JPEG", &jpeg(&inks, size, ColorType::Cmyk, |_| {}));
    bench.assert_same("YCCK JPEG", &jpeg(&inks, size, ColorType::CmykAsYcck, |_| {}));
    let deep = pixel(&|p| p.into_iter().flat_map(|v| [v, 0x55]).collect());
    bench.assert_same(
        "16-bit PNG",
        &png(&deep, size, |e| {
            e.set_color(png::ColorType::Rgb);
            e.set_depth(png::BitDepth::Sixteen);
        }),
    );
    let opaque = pixel(&|[r, g, b]| vec![r, g, b, 255]);
    bench.assert_same("PNG with alpha", &png(&opaque, size, |e| e.set_color(png::ColorType::Rgba)));
    let mut webp = Vec::new();
    WebPEncoder::new(&mut webp)
        .encode(rgb, u32::from(side(size.0)), u32::from(side(size.1)), image_webp::ColorType::Rgb8)
        .expect("encodes");
    bench.assert_same("WebP", &webp);
}

#[test]
fn palette_and_grey_photos_are_read() {
    let bench = Bench::new();
    let image = photo();
    let size = (image.width(), image.height());
    let grey: Vec<u8> = image.data().as_chunks::<3>().0.iter().map(|p| p[1]).collect();
    let spread: Vec<u8> = grey.iter().flat_map(|&v| [v; 3]).collect();
    let palette: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
    let expected = fitted(
        &bench.models,
        &bench.template,
        &png(&spread, size, |e| e.set_color(png::ColorType::Rgb)),
        Format::Png,
    );
    let indexed = png(&grey, size, |e| {
        e.set_color(png::ColorType::Indexed);
        e.set_palette(palette);
    });
    let plain = png(&grey, size, |e| e.set_color(png::ColorType::Grayscale));
    for photo in [indexed, plain] {
        let work = fitted(&bench.models, &bench.template, &photo, Format::Png);
        assert!(work.image == expected.image, "the same pixels give the same work");
    }
    let jpeg = jpeg(&grey, size, ColorType::Luma, |_| {});
    fitted(&bench.models, &bench.template, &jpeg, Format::Png);
}

#[test]
fn colour_profiles_are_honoured() {
    let bench = Bench::new();
    let image = photo();
    let size = (image.width(), image.height());
    for (name, profile) in
        [("Display P3", ColorProfile::new_display_p3()), ("Adobe RGB", ColorProfile::new_adobe_rgb())]
    {
        let mut samples = vec![0; image.data().len()];
        ColorProfile::new_srgb()
            .create_transform_8bit(Layout::Rgb, &profile, Layout::Rgb, TransformOptions::default())
            .expect("a transform")
            .transform(image.data(), &mut samples)
            .expect("converts");
        let icc = profile.encode().expect("a profile");
        let with = |e: &mut Encoder<&mut Vec<u8>>| {
            e.add_icc_profile(&icc).expect("a short profile");
        };
        let honoured = jpeg(&samples, size, ColorType::Rgb, with);
        bench.assert_same(name, &honoured);
        let ignored = jpeg(&samples, size, ColorType::Rgb, |_| {});
        let [honoured, ignored] = [honoured, ignored].map(|photo| mean_difference(&pixels(&photo), &image));
        assert!(honoured < 1.5, "{name}: {honoured:.2} levels with its profile");
        assert!(ignored > 2.0 * honoured, "{name}: {ignored:.2} levels without its profile");
    }
}

#[test]
fn nothing_of_a_photos_metadata_reaches_the_work() {
    let models = models();
    let template = template(&models, "astronaut.png");
    let image = photo();
    let photo = jpeg(image.data(), (image.width(), image.height()), ColorType::Rgb, |e| {
        e.add_exif_metadata(&exif(1)).expect("a short block");
        e.add_icc_profile(&ColorProfile::new_display_p3().encode().expect("a profile"))
            .expect("a short profile");
    });
    assert!(contains(&photo, b"GPS 39.9 N"));
    for format in [Format::Jpeg, Format::Png] {
        let work = fitted(&models, &template, &photo, format);
        for bytes in [&work.image, &work.thumbnail] {
            for trace in [&b"GPS"[..], b"Exif", b"ICC_PROFILE", b"iCCP", b"eXIf"] {
                assert!(!contains(bytes, trace), "{format:?} contains {}", String::from_utf8_lossy(trace));
            }
            assert!(contains(bytes, b"compositeWithTrainedAlgorithmicMedia"));
            assert!(contains(bytes, b"<xmpMM:DocumentID>mark-1</xmpMM:DocumentID>"));
        }
    }
}

#[test]
fn a_work_does_not_depend_on_the_work_before_it() {
    let models = models();
    let template = template(&models, "astronaut.png");
    let (a, b) = (picture("grace_hopper.jpg"), picture("obama.jpg"));
    let fresh = fitted(&models, &template, &b, Format::Jpeg);
    fitted(&models, &template, &a, Format::Jpeg);
    let after = fitted(&models, &template, &b, Format::Jpeg);
    assert!(fresh.image == after.image && fresh.thumbnail == after.thumbnail);
    let again = fitted(&support::models(), &template, &b, Format::Jpeg);
    assert!(fresh.image == again.image, "with models loaded anew");
}

/// Mean difference of two pictures of one size, in levels of 255.
fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    let sum: u64 = a.data().iter().zip(b.data()).map(|(x, y)| u64::from(x.abs_diff(*y))).sum();
    sum as f64 / a.data().len() as f64
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
