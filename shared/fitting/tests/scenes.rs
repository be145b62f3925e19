//! Where a face lies in its photo, how large the photo is and who else is in it changes nothing.

#![expect(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    reason = "a test says what it needs and stops; its values are small by construction"
)]

mod support;

use domain::ReasonCode;
use fitting::RgbImage;
use jpeg_encoder::ColorType;
use moxcms::{ColorProfile, Layout, TransformOptions};
use support::same::{Bench, exif, jpeg, photo, stored};
use support::{enlarged, picture, pixels, refused};

/// A plain wall.
const WALL: [u8; 3] = [150, 148, 140];

/// A picture on a wall of the given size, its top left corner at `at`.
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
fn a_photo_of_50_megapixels_gives_the_same_work() {
    let (bench, image) = (Bench::new(), photo());
    // As the sensor of an upright phone stores it: rows along the height.
    let lying = stored(&image, 6);
    let large = enlarged(&lying, 7 * lying.width(), 7 * lying.height());
    assert!(large.width() * large.height() > 50_000_000);
    let photo = jpeg(large.data(), (large.width(), large.height()), ColorType::Rgb, |e| {
        e.add_exif_metadata(&exif(6)).expect("a short block");
    });
    bench.assert_alike("50 megapixels", &photo);
}

#[test]
fn somebody_smaller_in_the_photo_changes_nothing() {
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

#[test]
fn orientation_profile_and_encoding_go_together() {
    let (bench, upright) = (Bench::new(), photo());
    let profile = ColorProfile::new_display_p3();
    let icc = profile.encode().expect("a profile");
    for orientation in [3, 5, 8] {
        let image = stored(&upright, orientation);
        let mut samples = vec![0; image.data().len()];
        ColorProfile::new_srgb()
            .create_transform_8bit(Layout::Rgb, &profile, Layout::Rgb, TransformOptions::default())
            .expect("a transform")
            .transform(image.data(), &mut samples)
            .expect("converts");
        let photo = jpeg(&samples, (image.width(), image.height()), ColorType::Rgb, |e| {
            e.set_progressive(true);
            e.set_restart_interval(16);
            e.add_exif_metadata(&exif(orientation)).expect("a short block");
            e.add_icc_profile(&icc).expect("a short profile");
        });
        bench.assert_same(&format!("Display P3, progressive, orientation {orientation}"), &photo);
    }
}

#[test]
fn the_orientation_of_png_and_webp_is_honoured() {
    let (bench, upright) = (Bench::new(), photo());
    let image = stored(&upright, 6);
    let (width, height) = (image.width() as u32, image.height() as u32);
    let mut webp = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.set_exif_metadata(exif(6));
    encoder.encode(image.data(), width, height, image_webp::ColorType::Rgb8).expect("encodes");
    bench.assert_same("WebP", &webp);
    let mut png = Vec::new();
    let mut info = png::Info::with_size(width, height);
    info.color_type = png::ColorType::Rgb;
    info.exif_metadata = Some(exif(6).into());
    let encoder = png::Encoder::with_info(&mut png, info).expect("an encoder");
    encoder.write_header().expect("a header").write_image_data(image.data()).expect("encodes");
    bench.assert_same("PNG", &png);
}
