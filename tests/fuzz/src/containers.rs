//! Small pictures in every supported format, and files that carry given bytes as EXIF block or colour profile.

use std::sync::LazyLock;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::ColorProfile;

/// Width and height of the pictures. They are no multiples of a block's size, so that incomplete blocks occur.
const SIZE: (u16, u16) = (37, 29);

/// The most bytes that a JPEG segment can carry after its length field.
const SEGMENT_BYTES_MAX: usize = 65_533;

/// The smallest JPEGs: 8 × 8 pixels in grey, RGB and CMYK.
static GREY: LazyLock<Vec<u8>> = LazyLock::new(|| jpeg(&[128; 64], (8, 8), ColorType::Luma, |_| {}));
static RGB: LazyLock<Vec<u8>> = LazyLock::new(|| jpeg(&gradient(3), (8, 8), ColorType::Rgb, |_| {}));
static CMYK: LazyLock<Vec<u8>> = LazyLock::new(|| jpeg(&gradient(4), (8, 8), ColorType::Cmyk, |_| {}));

/// Makes 64 pixels with varying levels.
fn gradient(channels: usize) -> Vec<u8> {
    let level = |at: usize| u8::try_from(at * 37 % 256).unwrap_or_default();
    (0..64 * channels).map(level).collect()
}

/// Makes a JPEG whose APP1 segment holds `block` as EXIF, truncated to the segment's limit.
#[must_use]
pub fn jpeg_with_exif(block: &[u8]) -> Vec<u8> {
    with_segment(&GREY, 0xE1, &[b"Exif\0\0", block].concat())
}

/// Makes a JPEG whose APP2 segment holds `profile`, truncated to the segment's limit. The JPEG has the profile's colour
/// space.
#[must_use]
pub fn jpeg_with_profile(profile: &[u8]) -> Vec<u8> {
    // The data colour space (ICC.1:2022, 7.2.8).
    let jpeg = match profile.get(16..20) {
        Some(b"GRAY") => &GREY,
        Some(b"CMYK") => &CMYK,
        _ => &RGB,
    };
    with_segment(jpeg, 0xE2, &[b"ICC_PROFILE\0\x01\x01", profile].concat())
}

fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let content = &content[..content.len().min(SEGMENT_BYTES_MAX)];
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    let (start_of_image, rest) = jpeg.split_at(2);
    [start_of_image, &[0xFF, marker], &length, content, rest].concat()
}

/// Makes an EXIF block that holds only an orientation.
#[must_use]
pub fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat()
}

/// Makes one small JPEG of each kind: sequential, progressive, with restart markers, subsampled, grey, CMYK, with
/// metadata.
#[must_use]
pub fn jpegs() -> Vec<Vec<u8>> {
    let rgb = rgb();
    let grey: Vec<u8> = rgb.iter().step_by(3).copied().collect();
    let cmyk: Vec<u8> = rgb.as_chunks::<3>().0.iter().flat_map(|&[c, m, y]| [c, m, y, 7]).collect();
    let sampled = |factor| move |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_sampling_factor(factor);
    vec![
        jpeg(&rgb, SIZE, ColorType::Rgb, sampled(SamplingFactor::R_4_4_4)),
        jpeg(&rgb, SIZE, ColorType::Rgb, sampled(SamplingFactor::R_4_2_0)),
        jpeg(&rgb, SIZE, ColorType::Rgb, sampled(SamplingFactor::R_4_1_1)),
        jpeg(&rgb, SIZE, ColorType::Rgb, |encoder| encoder.set_progressive(true)),
        jpeg(&rgb, SIZE, ColorType::Rgb, |encoder| encoder.set_restart_interval(2)),
        jpeg(&rgb, SIZE, ColorType::Rgb, |encoder| encoder.set_optimized_huffman_tables(true)),
        jpeg(&grey, SIZE, ColorType::Luma, |encoder| encoder.set_progressive(true)),
        jpeg(&cmyk, SIZE, ColorType::Cmyk, |_| {}),
        jpeg_with_exif(&exif(6)),
        jpeg_with_profile(&profile()),
    ]
}

/// Makes one small PNG of each kind: colour, 16 bits, palette, transparent, with metadata.
#[must_use]
pub fn pngs() -> Vec<Vec<u8>> {
    let rgb = rgb();
    let grey: Vec<u8> = rgb.iter().step_by(3).copied().collect();
    let wide: Vec<u8> = rgb.iter().flat_map(|&sample| [sample, 0x55]).collect();
    let transparent: Vec<u8> = rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [r, g, b, 99]).collect();
    let palette: Vec<u8> = (0..=255).flat_map(|value| [value; 3]).collect();
    let kind = |color_type, bit_depth| {
        let mut info = png::Info::with_size(SIZE.0.into(), SIZE.1.into());
        (info.color_type, info.bit_depth) = (color_type, bit_depth);
        info
    };
    let (eight, sixteen) = (png::BitDepth::Eight, png::BitDepth::Sixteen);
    let mut indexed = kind(png::ColorType::Indexed, eight);
    indexed.palette = Some(palette.into());
    let mut described = kind(png::ColorType::Rgb, eight);
    described.icc_profile = Some(profile().into());
    described.exif_metadata = Some(exif(3).into());
    vec![
        png(kind(png::ColorType::Rgb, eight), &rgb),
        png(kind(png::ColorType::Rgb, sixteen), &wide),
        png(kind(png::ColorType::Grayscale, eight), &grey),
        png(kind(png::ColorType::Rgba, eight), &transparent),
        png(indexed, &grey),
        png(described, &rgb),
    ]
}

/// Makes one small lossless WebP with metadata and one without. The encoder cannot write lossy ones.
#[must_use]
pub fn webps() -> Vec<Vec<u8>> {
    let (width, height) = (SIZE.0.into(), SIZE.1.into());
    [false, true]
        .map(|is_described| {
            let mut file = Vec::new();
            let mut encoder = image_webp::WebPEncoder::new(&mut file);
            if is_described {
                encoder.set_icc_profile(profile());
                encoder.set_exif_metadata(exif(8));
            }
            encoder
                .encode(&rgb(), width, height, image_webp::ColorType::Rgb8)
                .expect("the samples fit the size");
            file
        })
        .to_vec()
}

/// Makes one profile of each kind that `moxcms` can write, and adds the recorded ones.
#[must_use]
pub fn profiles() -> Vec<Vec<u8>> {
    let profiles = [
        ColorProfile::new_srgb(),
        ColorProfile::new_display_p3(),
        ColorProfile::new_bt2020(),
        ColorProfile::new_gray_with_gamma(2.2),
    ];
    let written = profiles.iter().map(|profile| profile.encode().expect("a built-in profile can be written"));
    written.chain(profiles_with_tables()).collect()
}

/// Reads the profiles that the colour tests compare with Little CMS. Most of them have tables.
fn profiles_with_tables() -> Vec<Vec<u8>> {
    let recorded = include_str!("../../../shared/fitting/tests/reference/colours.json");
    let recorded: serde_json::Value = serde_json::from_str(recorded).expect("the recorded profiles are JSON");
    let hex = recorded.as_object().into_iter().flatten().filter_map(|(_, case)| case["icc"].as_str());
    hex.map(|hex| {
        let pairs = hex.as_bytes().as_chunks::<2>().0.iter();
        pairs.filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
    })
    .collect()
}

fn profile() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().expect("a built-in profile can be written")
}

/// Makes a picture with a gradient in each channel.
fn rgb() -> Vec<u8> {
    let (width, height) = SIZE;
    let level = |value: u16| u8::try_from(value % 256).unwrap_or(u8::MAX);
    let pixels =
        (0..height).flat_map(|y| (0..width).map(move |x| [level(x * 7), level(y * 9), level(x * y)]));
    pixels.flatten().collect()
}

fn jpeg(
    samples: &[u8],
    (width, height): (u16, u16),
    color: ColorType,
    set: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 80);
    set(&mut encoder);
    encoder.encode(samples, width, height, color).expect("the samples fit the size");
    file
}

fn png(info: png::Info<'_>, samples: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = png::Encoder::with_info(&mut file, info).expect("the kinds are valid");
    let mut writer = encoder.write_header().expect("writing to a vector cannot fail");
    writer.write_image_data(samples).expect("the samples fit the size");
    drop(writer);
    file
}
