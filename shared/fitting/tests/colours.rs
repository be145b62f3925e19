//! Tests that colour descriptions are applied in every format, and only to the samples that they describe.

#![expect(clippy::expect_used, reason = "a failed precondition ends the test")]

mod support;

use fitting::decode::{Detail, Limits, decode};
use fitting::{ProfileFault, RgbImage};
use image_webp::WebPEncoder;
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;
use support::pixels;
use support::png_chunks::{Chunk, with_chunks};
use support::same::{exif, jpeg, png};

/// Side of a patch of one colour, as wide as an MCU, so that no encoder changes it by more than one level.
const PATCH: usize = 16;

fn patches<const N: usize>(colours: &[[u8; N]]) -> (Vec<u8>, (usize, usize)) {
    let row: Vec<u8> = colours.iter().flat_map(|colour| colour.repeat(PATCH)).collect();
    (row.repeat(PATCH), (colours.len() * PATCH, PATCH))
}

fn colours_of(image: &RgbImage) -> Vec<[u8; 3]> {
    (0..image.width() / PATCH).map(|n| image.pixel(n * PATCH + PATCH / 2, PATCH / 2)).collect()
}

fn fault(photo: &[u8]) -> Option<ProfileFault> {
    decode(photo, &Limits::default(), Detail::Full).expect("a readable photo").ignored_profile()
}

#[track_caller]
fn assert_near(name: &str, photo: &[u8], expected: &[[u8; 3]], most: u8) {
    let found = colours_of(&pixels(photo));
    let sum: u32 =
        found.iter().flatten().zip(expected.iter().flatten()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    let mean = f64::from(sum) / (expected.len() * 3) as f64;
    assert!(mean <= 1.0_f64.max(f64::from(most) / 8.0), "{name} differs by {mean:.2} levels in the mean");
    let far = found.iter().zip(expected).any(|(a, b)| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > most));
    assert!(!far && found.len() == expected.len(), "{name} gave {found:?}, expected {expected:?}");
}

/// A profile that `reference/colours.py` recorded, with samples and the pixels that they must become.
fn recorded(name: &str) -> (Vec<u8>, Vec<Vec<u8>>, Vec<[u8; 3]>) {
    let all: serde_json::Value =
        serde_json::from_str(include_str!("reference/colours.json")).expect("recorded cases");
    let case = &all[name];
    let hex = case["icc"].as_str().expect("a profile");
    let icc = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"));
    let samples: Vec<Vec<u8>> = serde_json::from_value(case["samples"].clone()).expect("samples");
    let expected: Vec<[u8; 3]> = serde_json::from_value(case["pixels"].clone()).expect("pixels");
    (icc.collect(), samples, expected)
}

fn webp(rgb: &[u8], size: (usize, usize), icc: Vec<u8>) -> Vec<u8> {
    let side = |n: usize| u32::try_from(n).expect("a small picture");
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    encoder.set_icc_profile(icc);
    encoder.encode(rgb, side(size.0), side(size.1), image_webp::ColorType::Rgb8).expect("encodes");
    bytes
}

fn with_icc(icc: &[u8]) -> impl FnOnce(&mut Encoder<&mut Vec<u8>>) {
    move |encoder| {
        encoder.add_icc_profile(icc).expect("a profile");
    }
}

#[test]
fn profiles_with_tables_are_applied_in_every_format() {
    let (icc, samples, expected) = recorded("RGB, 16-bit table");
    let colours: Vec<[u8; 3]> = samples.iter().map(|s| [s[0], s[1], s[2]]).collect();
    let (rgb, size) = patches(&colours);
    let photos = [
        ("JPEG", jpeg(&rgb, size, ColorType::Rgb, with_icc(&icc)), 12),
        ("PNG", with_chunks(&png(&rgb, size, |e| e.set_color(png::ColorType::Rgb)), &[iccp(&icc)]), 8),
        ("WebP", webp(&rgb, size, icc), 8),
    ];
    for (name, photo, most) in photos {
        assert_eq!(fault(&photo), None, "{name}");
        assert_near(name, &photo, &expected, most);
    }
    for name in ["CMYK, 8-bit table", "CMYK, 16-bit table"] {
        let (icc, samples, expected) = recorded(name);
        let colours: Vec<[u8; 4]> = samples.iter().map(|s| [s[0], s[1], s[2], s[3]]).collect();
        let (cmyk, size) = patches(&colours);
        let photo = jpeg(&cmyk, size, ColorType::Cmyk, with_icc(&icc));
        assert_eq!(fault(&photo), None, "{name}");
        // The tables are coarse, and Little CMS interpolates them in another way: 1.5 levels in the mean.
        assert_near(name, &photo, &expected, 16);
    }
}

#[test]
fn a_profile_that_cannot_be_assembled_is_reported() {
    let colours = [[200, 90, 40], [20, 120, 220]];
    let (rgb, size) = patches(&colours);
    // Longer than one segment, so it has two parts.
    let mut icc = ColorProfile::new_adobe_rgb().encode().expect("a profile");
    icc.resize(70_000, 0);
    let jpeg = jpeg(&rgb, size, ColorType::Rgb, with_icc(&icc));
    let numbers = |number: u8| [&b"ICC_PROFILE\0"[..], &[number, 2]].concat();
    let position = |numbers: &[u8]| jpeg.windows(14).position(|part| part == numbers).expect("a part");
    let changed = |number: u8, to: [u8; 2]| {
        let (mut jpeg, at) = (jpeg.clone(), position(&numbers(number)) + 12);
        jpeg[at..at + 2].copy_from_slice(&to);
        jpeg
    };
    let plain = png(&rgb, size, |e| e.set_color(png::ColorType::Rgb));
    let (name, mut content) = iccp(&icc);
    content[20..].fill(0x55);
    let photos = [
        ("a part is missing", changed(2, [2, 3])),
        ("a part is duplicated", changed(2, [1, 2])),
        ("no part has number 0", changed(1, [0, 2])),
        ("it cannot be decompressed", with_chunks(&plain, &[(name, content)])),
        ("another compression", with_chunks(&plain, &[(name, b"p\0\x01".to_vec())])),
    ];
    for (what, photo) in photos {
        assert_eq!(fault(&photo), Some(ProfileFault::Damaged), "{what}");
        assert_near(what, &photo, &colours, 3);
    }
    assert_eq!(fault(&plain), None);
}

#[test]
fn a_profile_for_other_samples_changes_nothing() {
    let greys = [[10], [90], [128], [200]];
    let expected = greys.map(|[v]| [v; 3]);
    let colours = [[200, 90, 40], [20, 120, 220]];
    let grey = ColorProfile::new_gray_with_gamma(1.0).encode().expect("a profile");
    let rgb = ColorProfile::new_adobe_rgb().encode().expect("a profile");
    let (cmyk, ..) = recorded("CMYK, 8-bit table");
    let ((g, gs), (c, cs)) = (patches(&greys), patches(&colours));
    for icc in [&rgb, &cmyk] {
        let photo = jpeg(&g, gs, ColorType::Luma, with_icc(icc));
        assert_near("a grey JPEG", &photo, &expected, 1);
        assert_eq!(fault(&photo), Some(ProfileFault::OtherSamples));
        let photo = png(&g, gs, |e| e.set_color(png::ColorType::Grayscale));
        let photo = with_chunks(&photo, &[iccp(icc)]);
        assert_near("a grey PNG", &photo, &expected, 0);
        assert_eq!(fault(&photo), Some(ProfileFault::OtherSamples));
    }
    for icc in [&grey, &cmyk] {
        let photos = [
            jpeg(&c, cs, ColorType::Rgb, with_icc(icc)),
            with_chunks(&png(&c, cs, |e| e.set_color(png::ColorType::Rgb)), &[iccp(icc)]),
            webp(&c, cs, icc.clone()),
        ];
        for photo in photos {
            assert_near("an RGB photo", &photo, &colours, 3);
            assert_eq!(fault(&photo), Some(ProfileFault::OtherSamples));
        }
    }
    // A grey profile is applied: linear light.
    let photo = jpeg(&g, gs, ColorType::Luma, with_icc(&grey));
    assert_near("a grey JPEG", &photo, &[[56; 3], [161; 3], [188; 3], [229; 3]], 2);
    assert_eq!(fault(&photo), None);
}

/// An `iCCP` chunk whose profile is stored, not compressed.
fn iccp(icc: &[u8]) -> Chunk {
    let mut content = b"p\0\0\x78\x01".to_vec();
    let parts: Vec<&[u8]> = icc.chunks(60_000).collect();
    for (n, part) in parts.iter().enumerate() {
        let length = u16::try_from(part.len()).expect("a short part");
        content.push(u8::from(n + 1 == parts.len()));
        content.extend(length.to_le_bytes());
        content.extend((!length).to_le_bytes());
        content.extend(*part);
    }
    let (a, b) = icc.iter().fold((1_u32, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    content.extend((b << 16 | a).to_be_bytes());
    (*b"iCCP", content)
}

fn gama(share: u32) -> Chunk {
    (*b"gAMA", share.to_be_bytes().to_vec())
}

fn chrm(points: [u32; 8]) -> Chunk {
    (*b"cHRM", points.iter().flat_map(|v| v.to_be_bytes()).collect())
}

fn cicp(primaries: u8, transfer: u8) -> Chunk {
    (*b"cICP", vec![primaries, transfer, 0, 1])
}

const SRGB: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];
const P3: [u32; 8] = [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000];

/// A case's name, its colour chunks, and the expected colours of its patches.
type Described<'a> = (&'a str, Vec<Chunk>, &'a [[u8; 3]]);

#[test]
fn a_pngs_first_colour_chunk_in_the_specifications_order_counts() {
    let colours = [[200, 90, 40], [128, 128, 128]];
    let linear = [[229, 161, 110], [188, 188, 188]];
    let (rgb, size) = patches(&colours);
    let plain = png(&rgb, size, |e| e.set_color(png::ColorType::Rgb));
    let srgb_chunk = (*b"sRGB", vec![0]);
    let p3_icc = iccp(&ColorProfile::new_display_p3().encode().expect("a profile"));
    let p3 = colours_of(&pixels(&with_chunks(&plain, std::slice::from_ref(&p3_icc))));
    assert!(
        p3[0][0] > 208 && p3[1].iter().all(|v| v.abs_diff(128) <= 1),
        "a P3 red must become redder in sRGB: {p3:?}"
    );
    let (other_samples, ..) = recorded("CMYK, 8-bit table");
    let cases: [Described<'_>; 11] = [
        ("no chunk", vec![], &colours),
        ("gAMA", vec![gama(100_000)], &linear),
        ("gAMA of sRGB", vec![gama(45_455)], &colours),
        ("gAMA and cHRM of sRGB", vec![gama(45_455), chrm(SRGB)], &colours),
        ("cHRM", vec![chrm(P3)], &p3),
        ("sRGB before gAMA", vec![gama(100_000), srgb_chunk.clone()], &colours),
        ("iCCP before sRGB and gAMA", vec![gama(100_000), p3_icc.clone()], &p3),
        ("cICP before iCCP", vec![p3_icc.clone(), cicp(1, 8)], &linear),
        ("cICP of P3", vec![cicp(12, 13)], &p3),
        ("iCCP after a cICP that names nothing", vec![cicp(2, 2), p3_icc], &p3),
        ("gAMA after an iCCP for other samples", vec![iccp(&other_samples), gama(100_000)], &linear),
    ];
    for (name, chunks, expected) in cases {
        assert_near(name, &with_chunks(&plain, &chunks), expected, 1);
    }
    assert_eq!(fault(&with_chunks(&plain, &[cicp(1, 99)])), Some(ProfileFault::Unsupported));
    let one_line = [31_000, 33_000, 60_000, 30_000, 40_000, 20_000, 20_000, 10_000];
    assert_eq!(fault(&with_chunks(&plain, &[chrm(one_line)])), Some(ProfileFault::Damaged));
    assert_eq!(fault(&with_chunks(&plain, &[cicp(9, 16)])), None);
}

#[test]
fn sixteen_bit_pngs_of_every_colour_type_keep_their_shades() {
    // Linear light of sRGB's levels 7, 61, 128, 235, in 16 bits.
    let levels = [7_u8, 61, 128, 235];
    let light = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of 65535")]
    let stored = levels.map(|v| ((light(v) * 65_535.0).round() as u16).to_be_bytes());
    let expected = levels.map(|v| [v; 3]);
    let kinds = [
        (png::ColorType::Grayscale, 1, false),
        (png::ColorType::GrayscaleAlpha, 1, true),
        (png::ColorType::Rgb, 3, false),
        (png::ColorType::Rgba, 3, true),
    ];
    for (kind, channels, has_opacity) in kinds {
        let row: Vec<u8> = stored
            .iter()
            .flat_map(|sample| {
                let mut pixel = sample.repeat(channels);
                pixel.extend(if has_opacity { &[0xFF, 0xFF][..] } else { &[] });
                pixel.repeat(PATCH)
            })
            .collect();
        let size = (levels.len() * PATCH, PATCH);
        let deep = png(&row.repeat(PATCH), size, |e| {
            e.set_color(kind);
            e.set_depth(png::BitDepth::Sixteen);
        });
        assert_near(&format!("{kind:?} with gAMA"), &with_chunks(&deep, &[gama(100_000)]), &expected, 0);
        assert_near(&format!("{kind:?} with cICP"), &with_chunks(&deep, &[cicp(1, 8)]), &expected, 0);
        let mut linear = ColorProfile::new_gray_with_gamma(1.0);
        if channels == 3 {
            linear = ColorProfile::new_srgb();
            linear.cicp = None;
            let straight = Some(moxcms::ToneReprCurve::Lut(vec![]));
            (linear.red_trc, linear.green_trc, linear.blue_trc) =
                (straight.clone(), straight.clone(), straight);
        }
        let icc = linear.encode().expect("a profile");
        assert_near(&format!("{kind:?} with iCCP"), &with_chunks(&deep, &[iccp(&icc)]), &expected, 1);
    }
}

#[test]
fn a_pq_png_is_mapped_to_page_white() {
    // In PQ 58 % stand for 203 cd/m², the white of a page; 44 % for 50 cd/m², and 30 % for about 10.
    let stored = [0.58, 0.44, 0.30, 0.0].map(|v: f64| v * 65_535.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of 65535")]
    let row: Vec<u8> =
        stored.iter().flat_map(|&v| (v.round() as u16).to_be_bytes().repeat(3).repeat(PATCH)).collect();
    let size = (stored.len() * PATCH, PATCH);
    let deep = png(&row.repeat(PATCH), size, |e| {
        e.set_color(png::ColorType::Rgb);
        e.set_depth(png::BitDepth::Sixteen);
    });
    let found = colours_of(&pixels(&with_chunks(&deep, &[cicp(9, 16)])));
    let expected = [[229; 3], [136; 3], [63; 3], [0; 3]];
    let is_near = |(a, b): (&[u8; 3], &[u8; 3])| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 4);
    assert!(found.iter().zip(&expected).all(is_near), "{found:?}");
}

/// EXIF segments as cameras write them, each with other damage elsewhere.
fn damaged_exif(orientation: u8) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let orientation_entry = entry(0x0112, 3, 1, u32::from(orientation));
    let block = |before: &[Vec<u8>], after: &[Vec<u8>], end: &[u8]| {
        let count = u16::try_from(before.len() + 1 + after.len()).expect("few entries");
        let mut block = b"II*\0\x08\0\0\0".to_vec();
        block.extend(count.to_le_bytes());
        block.extend(before.concat());
        block.extend(&orientation_entry);
        block.extend(after.concat());
        block.extend(end);
        block
    };
    let none = [0; 4];
    vec![
        ("no damage", vec![block(&[], &[], &none)]),
        ("Make outside the block", vec![block(&[entry(0x010F, 2, 900, 70_000)], &[], &none)]),
        ("an entry of unknown type", vec![block(&[entry(0x0100, 99, 1, 0)], &[], &none)]),
        ("Exif directory outside the block", vec![block(&[], &[entry(0x8769, 4, 1, 70_000)], &none)]),
        ("GPS directory outside the block", vec![block(&[], &[entry(0x8825, 4, 1, u32::MAX)], &none)]),
        ("second directory outside the block", vec![block(&[], &[], &[0xF0, 0xFF, 0, 0])]),
        ("no next pointer", vec![block(&[], &[], &[])]),
        (
            "fewer entries than counted",
            vec![{
                let mut short = block(&[], &[], &[]);
                short[8] = 40;
                short
            }],
        ),
        ("an empty segment before", vec![vec![], block(&[], &[], &none)]),
        ("a segment without orientation before", vec![exif(0), block(&[], &[], &none)]),
    ]
}

#[test]
fn damage_elsewhere_in_exif_does_not_lose_the_orientation() {
    // Dark in the upper left, bright elsewhere: no turn and no mirroring looks the same.
    let (width, height) = (48, 32);
    let mut upright = RgbImage::from_raw(width, height, vec![220; width * height * 3]).expect("a raster");
    for (x, y) in (0..16).flat_map(|x| (0..8).map(move |y| (x, y))) {
        upright.set_pixel(x, y, [20; 3]);
    }
    for orientation in 2..=8 {
        let image = support::same::stored(&upright, orientation);
        let size = (image.width(), image.height());
        for (name, segments) in damaged_exif(orientation) {
            let photo = jpeg(image.data(), size, ColorType::Rgb, |e| {
                for segment in &segments {
                    e.add_app_segment(1, [&b"Exif\0\0"[..], segment].concat()).expect("a short segment");
                }
            });
            let seen = pixels(&photo);
            assert_eq!((seen.width(), seen.height()), (width, height), "{name}, orientation {orientation}");
            let difference = support::same::mean_difference(&seen, &upright);
            assert!(difference < 1.5, "{name}, orientation {orientation}: {difference:.1} levels");
        }
    }
}
