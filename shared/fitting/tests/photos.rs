//! Tests that a photo gives the same work in every orientation, encoding and colour profile that phones use.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use fitting::{Format, RgbImage};
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;
use support::same::{
    Bench, DIFFERENCE_MAX, PIXELS_MAX, exif, in_profile, jpeg, mean_difference, photo, png, stored,
};
use support::{contains, fitted, models, picture, pixels, template};

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
        bench.assert_same(&format!("orientation {orientation}"), &photo, &upright);
    }
}

#[test]
fn a_sideways_or_upside_down_face_is_found_and_fitted_upright() {
    let bench = Bench::new();
    let upright = photo();
    for turn in [3, 6, 8] {
        // Turned pixels without an EXIF orientation.
        let image = stored(&upright, turn);
        let photo = jpeg(image.data(), (image.width(), image.height()), ColorType::Rgb, |_| {});
        bench.assert_same(&format!("turned as by {turn}"), &photo, &image);
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
    // As much black as possible goes into the K channel, so that undercolour removal is tested too.
    let cmyk = pixel(&|[r, g, b]| {
        let k = 255 - r.max(g).max(b);
        let ink = |v: u8| {
            let white = f64::from(255 - k).max(1.0);
            (255.0 * (white - f64::from(v)) / white).round().clamp(0.0, 255.0) as u8
        };
        vec![ink(r), ink(g), ink(b), k]
    });
    let same = |name: &str, photo: &[u8]| bench.assert_same(name, photo, &image);
    same("progressive JPEG", &jpeg(rgb, size, ColorType::Rgb, |e| e.set_progressive(true)));
    same("restart markers", &jpeg(rgb, size, ColorType::Rgb, |e| e.set_restart_interval(7)));
    same("CMYK JPEG", &jpeg(&cmyk, size, ColorType::Cmyk, |_| {}));
    same("YCCK JPEG", &jpeg(&cmyk, size, ColorType::CmykAsYcck, |_| {}));
    let deep = pixel(&|p| p.into_iter().flat_map(|v| [v, 0x55]).collect());
    same(
        "16-bit PNG",
        &png(&deep, size, |e| {
            e.set_color(png::ColorType::Rgb);
            e.set_depth(png::BitDepth::Sixteen);
        }),
    );
    let opaque = pixel(&|[r, g, b]| vec![r, g, b, 255]);
    same("PNG with alpha", &png(&opaque, size, |e| e.set_color(png::ColorType::Rgba)));
    let mut webp = Vec::new();
    WebPEncoder::new(&mut webp)
        .encode(rgb, size.0 as u32, size.1 as u32, image_webp::ColorType::Rgb8)
        .expect("encodes");
    same("WebP", &webp);
}

#[test]
fn transparency_is_laid_over_white() {
    let size = (61, 40);
    let alphas: Vec<u8> = (0..size.0 * size.1).map(|n| (n * 7) as u8).collect();
    let expected: Vec<u8> =
        alphas.iter().flat_map(|&a| [255 - a + (u32::from(a) * 90 / 255) as u8; 3]).collect();
    let greys: Vec<u8> = alphas.iter().flat_map(|&a| [90, a]).collect();
    let colours: Vec<u8> = alphas.iter().flat_map(|&a| [90, 90, 90, a]).collect();
    let mut webp = Vec::new();
    WebPEncoder::new(&mut webp)
        .encode(&colours, size.0 as u32, size.1 as u32, image_webp::ColorType::Rgba8)
        .expect("encodes");
    let photos = [
        ("grey PNG", png(&greys, size, |e| e.set_color(png::ColorType::GrayscaleAlpha))),
        ("PNG", png(&colours, size, |e| e.set_color(png::ColorType::Rgba))),
        ("WebP", webp),
    ];
    for (name, photo) in photos {
        let image = pixels(&photo);
        assert_eq!((image.width(), image.height()), size, "{name}");
        let is_near = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 1;
        assert!(image.data().iter().zip(&expected).all(is_near), "{name}");
    }
}

#[test]
fn palette_and_grey_photos_are_decoded() {
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
        assert!(work.image == expected.image, "the same pixels give another work");
    }
    let bench = Bench { expected: pixels(&expected.image), ..bench };
    let image = RgbImage::from_raw(size.0, size.1, spread).expect("a raster");
    bench.assert_same("grey JPEG", &jpeg(&grey, size, ColorType::Luma, |_| {}), &image);
}

#[test]
fn colour_profiles_are_applied() {
    let bench = Bench::new();
    let image = photo();
    let size = (image.width(), image.height());
    for (name, profile) in
        [("Display P3", ColorProfile::new_display_p3()), ("Adobe RGB", ColorProfile::new_adobe_rgb())]
    {
        let samples = in_profile(&image, &profile);
        let icc = profile.encode().expect("a profile");
        let with = |e: &mut Encoder<&mut Vec<u8>>| {
            e.add_icc_profile(&icc).expect("a short profile");
        };
        bench.assert_same(name, &jpeg(&samples, size, ColorType::Rgb, with), &image);
        let ignored = mean_difference(&pixels(&jpeg(&samples, size, ColorType::Rgb, |_| {})), &image);
        assert!(ignored > 2.0 * PIXELS_MAX, "{name}: {ignored:.2} levels without its profile");
    }
}

#[test]
fn exchanged_channels_give_another_work() {
    let (bench, image) = (Bench::new(), photo());
    let exchanged: Vec<u8> =
        image.data().as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [b, g, r]).collect();
    let photo = jpeg(&exchanged, (image.width(), image.height()), ColorType::Rgb, |_| {});
    let difference = bench.difference(&photo);
    assert!(difference > 2.0 * DIFFERENCE_MAX, "{difference:.2} levels");
}

#[test]
fn no_metadata_of_a_photo_reaches_the_work() {
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
fn a_work_does_not_depend_on_an_earlier_fit() {
    let models = models();
    let template = template(&models, "astronaut.png");
    let (a, b) = (picture("grace_hopper.jpg"), picture("obama.jpg"));
    let fresh = fitted(&models, &template, &b, Format::Jpeg);
    fitted(&models, &template, &a, Format::Jpeg);
    let after = fitted(&models, &template, &b, Format::Jpeg);
    assert!(fresh.image == after.image && fresh.thumbnail == after.thumbnail);
}
