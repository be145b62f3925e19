//! Tests that a work does not depend on the face's position, the photo's size or smaller people in it.

#![expect(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use domain::ReasonCode;
use fitting::{Format, RgbImage};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use support::same::{Bench, exif, in_profile, jpeg, photo, stored};
use support::{enlarged, fitted, picture, pixels, refused};

/// The colour of a plain wall.
const WALL: [u8; 3] = [150, 148, 140];

/// Pictures on a wall of the given size, each with its top left corner at the given position.
fn on_wall(size: (usize, usize), pictures: &[(&RgbImage, (usize, usize))]) -> RgbImage {
    let mut scene = RgbImage::from_raw(size.0, size.1, WALL.repeat(size.0 * size.1)).expect("a raster");
    for (image, (left, top)) in pictures {
        for y in 0..image.height() {
            for x in 0..image.width() {
                scene.set_pixel(left + x, top + y, image.pixel(x, y));
            }
        }
    }
    scene
}

fn plain_jpeg(image: &RgbImage) -> Vec<u8> {
    jpeg(image.data(), (image.width(), image.height()), ColorType::Rgb, |_| {})
}

#[test]
fn a_face_in_a_corner_of_a_large_photo_gives_the_same_work() {
    let (bench, image) = (Bench::new(), photo());
    let size = (3000, 4000);
    let far = (size.0 - image.width(), size.1 - image.height());
    for corner in [(0, 0), (far.0, 0), (0, far.1), far] {
        let scene = on_wall(size, &[(&image, corner)]);
        bench.assert_alike(&format!("at {corner:?}"), &plain_jpeg(&scene));
    }
}

#[test]
fn a_small_face_in_a_large_photo_gives_the_same_work() {
    let (bench, image) = (Bench::new(), photo());
    let in_large = |small| plain_jpeg(&on_wall((3000, 4000), &[(&small, (1700, 2300))]));
    // The photo's eyes are 102 pixels apart, the template's 42.
    bench.assert_alike("with eyes 51 pixels apart", &in_large(shrunk(&image, 2)));
    let twice = enlarged(&image, 2 * image.width(), 2 * image.height());
    fitted(&bench.models, &bench.template, &in_large(shrunk(&twice, 5)), Format::Jpeg);
}

/// Shrinks a picture to the means of its blocks of `step` × `step` pixels.
fn shrunk(image: &RgbImage, step: usize) -> RgbImage {
    let mut small = RgbImage::new(image.width() / step, image.height() / step);
    for y in 0..small.height() {
        for x in 0..small.width() {
            let block = (0..step * step).map(|i| image.pixel(x * step + i % step, y * step + i / step));
            let sums =
                block.fold([0; 3], |sums: [usize; 3], p| [0, 1, 2].map(|k| sums[k] + usize::from(p[k])));
            small.set_pixel(x, y, sums.map(|sum| (sum / (step * step)) as u8));
        }
    }
    small
}

#[test]
fn a_photo_of_50_megapixels_gives_the_same_work() {
    let (bench, image) = (Bench::new(), photo());
    // As the sensor of an upright phone stores it: rows along the phone's height.
    let lying = stored(&image, 6);
    let large = enlarged(&lying, 7 * lying.width(), 7 * lying.height());
    assert!(large.width() * large.height() > 50_000_000);
    let photo = jpeg(large.data(), (large.width(), large.height()), ColorType::Rgb, |e| {
        e.add_exif_metadata(&exif(6)).expect("a short block");
    });
    bench.assert_alike("50 megapixels", &photo);
}

#[test]
fn a_smaller_person_in_the_photo_changes_nothing() {
    let (bench, image) = (Bench::new(), photo());
    let other = pixels(&picture("grace_hopper.jpg"));
    let small = RgbImage::new(other.width() / 2, other.height() / 2);
    let small = {
        let mut small = small;
        for y in 0..small.height() {
            for x in 0..small.width() {
                small.set_pixel(x, y, other.pixel(2 * x, 2 * y));
            }
        }
        small
    };
    let scene = on_wall(
        (image.width() * 2, image.height()),
        &[(&image, (0, 0)), (&small, (image.width() + 60, 300))],
    );
    bench.assert_alike("with somebody behind", &plain_jpeg(&scene));
}

#[test]
fn two_faces_of_one_size_are_refused() {
    let (bench, image) = (Bench::new(), photo());
    let scene =
        on_wall((image.width() * 2, image.height()), &[(&image, (0, 0)), (&image, (image.width(), 0))]);
    let refusal = refused(&bench.models, &bench.template, &plain_jpeg(&scene));
    assert_eq!(refusal.reason, ReasonCode::MultipleFaces);
}

/// Encodes a picture in each format that can contain a profile.
fn encodings(samples: &[u8], size: (usize, usize), icc: &[u8]) -> [(&'static str, Vec<u8>); 4] {
    let with = |e: &mut jpeg_encoder::Encoder<&mut Vec<u8>>| {
        e.add_icc_profile(icc).expect("a short profile");
    };
    let (width, height) = (size.0 as u32, size.1 as u32);
    let mut webp = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.set_icc_profile(icc.to_vec());
    encoder.encode(samples, width, height, image_webp::ColorType::Rgb8).expect("encodes");
    let mut png = Vec::new();
    let mut info = png::Info::with_size(width, height);
    info.color_type = png::ColorType::Rgb;
    info.icc_profile = Some(icc.into());
    let encoder = png::Encoder::with_info(&mut png, info).expect("an encoder");
    encoder.write_header().expect("a header").write_image_data(samples).expect("encodes");
    let progressive = jpeg(samples, size, ColorType::Rgb, |e| {
        with(e);
        e.set_progressive(true);
        e.set_restart_interval(16);
    });
    [
        ("baseline JPEG", jpeg(samples, size, ColorType::Rgb, with)),
        ("progressive JPEG", progressive),
        ("PNG", png),
        ("WebP", webp),
    ]
}

#[test]
fn every_encoding_and_profile_gives_the_same_work_at_every_right_angle() {
    let (bench, upright) = (Bench::new(), photo());
    let profiles = [
        ("sRGB", ColorProfile::new_srgb()),
        ("Display P3", ColorProfile::new_display_p3()),
        ("Adobe RGB", ColorProfile::new_adobe_rgb()),
    ];
    for (name, profile) in profiles {
        let icc = profile.encode().expect("a profile");
        for (degrees, turn) in [(0, 1), (90, 6), (180, 3), (270, 8)] {
            // Turned pixels without an EXIF orientation.
            let image = stored(&upright, turn);
            let samples = in_profile(&image, &profile);
            for (encoding, photo) in encodings(&samples, (image.width(), image.height()), &icc) {
                bench.assert_same(&format!("{encoding} in {name} turned by {degrees}°"), &photo, &image);
            }
        }
    }
}

#[test]
fn the_orientation_of_png_and_webp_is_applied() {
    let (bench, upright) = (Bench::new(), photo());
    let image = stored(&upright, 6);
    let (width, height) = (image.width() as u32, image.height() as u32);
    let mut webp = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.set_exif_metadata(exif(6));
    encoder.encode(image.data(), width, height, image_webp::ColorType::Rgb8).expect("encodes");
    bench.assert_same("WebP", &webp, &upright);
    let mut png = Vec::new();
    let mut info = png::Info::with_size(width, height);
    info.color_type = png::ColorType::Rgb;
    info.exif_metadata = Some(exif(6).into());
    let encoder = png::Encoder::with_info(&mut png, info).expect("an encoder");
    encoder.write_header().expect("a header").write_image_data(image.data()).expect("encodes");
    bench.assert_same("PNG", &png, &upright);
}
