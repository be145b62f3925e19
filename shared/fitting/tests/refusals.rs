//! Tests what a refusal costs: decompression bombs and truncated files are refused within 50 ms and 60 MB.
//!
//! The test reads the kernel's memory statistics of the process, so this binary contains only this test.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use std::fs;
use std::time::Duration;

use domain::ReasonCode;
use fitting::RgbImage;
use fitting::decode::{Detail, Limits, decode};
use jpeg_encoder::Encoder;
use png::{BitDepth, ColorType};
use support::{cpu_time, encoded_png, enlarged, models, picture, pixels, refused, template};

const TIME_MAX: Duration = Duration::from_millis(50);
const MEMORY_MAX_MB: f64 = 60.0;

/// Memory for a photo that its header does not refuse: three bytes per pixel, plus the limit of a refusal.
const DECODED_MAX_MB: f64 = 64.0 * 3.0 + MEMORY_MAX_MB;
/// CPU time of decoding such a photo; 0.52 s was measured.
const DECODED_TIME_MAX: Duration = Duration::from_millis(1500);

/// Returns a line of the process's status in MB: `VmRSS` is the resident memory, `VmHWM` its peak.
fn mb(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024.0 / 1e6
}

/// A PNG that states a size and contains almost nothing.
fn png_stating(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    drop(encoder.write_header().expect("a header"));
    bytes
}

/// A PNG of one colour: a few kilobytes that decompress to as many megabytes as its header states.
fn png_bomb(width: u32, height: u32, colours: ColorType, depth: BitDepth) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    let row = vec![100; width as usize * colours.samples() * depth as usize / 8];
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    for _ in 0..height {
        std::io::Write::write_all(&mut stream, &row).expect("writes");
    }
    stream.finish().expect("finishes");
    drop(writer);
    bytes
}

/// A PNG whose rows differ and use Paeth, the filter that takes longest to undo.
fn png_of_paeth(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_filter(png::Filter::Paeth);
    let rows = [7, 11].map(|step| (0..width * 3).map(|x| (x * step) as u8).collect::<Vec<_>>());
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    for row in rows.iter().cycle().take(height as usize) {
        std::io::Write::write_all(&mut stream, row).expect("writes");
    }
    stream.finish().expect("finishes");
    drop(writer);
    bytes
}

/// A CMYK JPEG, which the library decodes.
fn cmyk_jpeg(side: u16) -> Vec<u8> {
    let samples: Vec<u8> =
        (0..usize::from(side).pow(2) * 4).map(|at| (at / 7 + at / usize::from(side)) as u8).collect();
    let mut bytes = Vec::new();
    let encoder = Encoder::new(&mut bytes, 90);
    encoder.encode(&samples, side, side, jpeg_encoder::ColorType::Cmyk).expect("encodes");
    bytes
}

/// A picture of short dashes, each in its own colour.
fn dashes(side: usize) -> RgbImage {
    let mut image = RgbImage::new(side, side);
    for (at, pixel) in image.data_mut().as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *pixel = [7, 11, 13].map(|step| (at / 24 * step) as u8);
    }
    image
}

/// A photo of twelve megapixels.
fn large() -> RgbImage {
    enlarged(&pixels(&picture("obama.jpg")), 3024, 4032)
}

fn large_jpeg(progressive: bool) -> Vec<u8> {
    let image = large();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    encoder.encode(image.data(), 3024, 4032, jpeg_encoder::ColorType::Rgb).expect("encodes");
    bytes
}

/// A progressive JPEG with `count` scans that change nothing.
fn jpeg_of_scans(side: u16, count: usize, components: u8) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    bytes.extend([1; 64]);
    bytes.extend([0xFF, 0xC2, 0, 8 + 3 * components, 8]);
    bytes.extend(side.to_be_bytes().repeat(2));
    bytes.push(components);
    bytes.extend((0..components).flat_map(|name| [name, 0x11, 0]));
    // One code of one bit: no difference for DC, an end-of-band run of 2¹⁴ blocks or more for AC.
    for (table, symbol) in [(0x00, 0x00), (0x10, 0xE0)] {
        bytes.extend([0xFF, 0xC4, 0, 20, table, 1]);
        bytes.extend([0; 15]);
        bytes.push(symbol);
    }
    let blocks = usize::from(side / 8).pow(2);
    let mut scan = |names: std::ops::Range<u8>, scan_parameters: [u8; 3], data: usize| {
        let count = names.len() as u8;
        bytes.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
        bytes.extend(names.flat_map(|name| [name, 0]));
        bytes.extend(scan_parameters);
        bytes.extend(vec![0; data]);
    };
    scan(0..components, [0, 0, 1], (blocks * usize::from(components)).div_ceil(8));
    for number in (0..components).cycle().take(count - 1) {
        scan(number..number + 1, [1, 63, 0], blocks.div_ceil(1 << 14) * 15 / 8 + 1);
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

/// Encodes a photo as WebP.
fn webp(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image_webp::WebPEncoder::new(&mut bytes)
        .encode(image.data(), image.width() as u32, image.height() as u32, image_webp::ColorType::Rgb8)
        .expect("encodes");
    bytes
}

/// An almost empty WebP whose bitstream states another size than its canvas.
fn webp_in_canvas(canvas: u32, side: u16) -> Vec<u8> {
    let mut bytes = b"RIFF\x2e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    let sides = (canvas - 1).to_le_bytes();
    bytes.extend([&sides[..3], &sides[..3], b"VP8 \x10\0\0\0\x10\0\0\x9D\x01\x2A"].concat());
    bytes.extend([side.to_le_bytes(), side.to_le_bytes()].concat());
    bytes.extend([0; 6]);
    bytes
}

/// Half of a WebP whose headers state that the file is complete.
fn half_webp() -> Vec<u8> {
    let mut half = webp(&pixels(&picture("astronaut.png")));
    half.truncate(half.len() / 4 * 2);
    let length = half.len() as u32;
    half[4..8].copy_from_slice(&(length - 8).to_le_bytes());
    half[16..20].copy_from_slice(&(length - 20).to_le_bytes());
    half
}

#[test]
fn a_refusal_takes_50_ms_and_60_mb_at_most() {
    let models = models();
    let template = template(&models, "astronaut.png");
    let cut = |file: &[u8], share: f64| file[..(file.len() as f64 * share) as usize].to_vec();
    let (baseline, progressive) = (large_jpeg(false), large_jpeg(true));
    let (deep, plain) = (BitDepth::Sixteen, BitDepth::Eight);
    let cases = [
        (
            "a decompression bomb of a gigabyte",
            png_bomb(32_000, 32_000, ColorType::Grayscale, BitDepth::Eight),
            ReasonCode::TooLarge,
        ),
        ("a header that states a gigabyte", png_stating(20_000, 18_000), ReasonCode::TooLarge),
        ("20,000 × 1", png_bomb(20_000, 1, ColorType::Grayscale, BitDepth::Eight), ReasonCode::TooLarge),
        ("1 × 20,000", png_bomb(1, 20_000, ColorType::Grayscale, BitDepth::Eight), ReasonCode::TooLarge),
        ("a tenth of a JPEG", cut(&baseline, 0.1), ReasonCode::CorruptImage),
        ("half a JPEG", cut(&baseline, 0.5), ReasonCode::CorruptImage),
        ("nearly all of a JPEG", cut(&baseline, 0.999), ReasonCode::CorruptImage),
        ("half a progressive JPEG", cut(&progressive, 0.5), ReasonCode::CorruptImage),
        ("half a PNG", cut(&encoded_png(&large()), 0.5), ReasonCode::CorruptImage),
        ("half a WebP", cut(&webp(&large()), 0.5), ReasonCode::CorruptImage),
        ("half a WebP whose headers state half the length", half_webp(), ReasonCode::CorruptImage),
        ("300 scans", jpeg_of_scans(8000, 300, 1), ReasonCode::TooLarge),
        ("300 scans of a small picture", jpeg_of_scans(800, 300, 3), ReasonCode::TooLarge),
        ("37 scans of four components", jpeg_of_scans(8000, 37, 4), ReasonCode::TooLarge),
        ("64 scans of all pixels", jpeg_of_scans(8000, 64, 3), ReasonCode::TooLarge),
        ("64 megapixels of 16 bits", png_bomb(8000, 8000, ColorType::Rgb, deep), ReasonCode::TooLarge),
        (
            "49 megapixels with transparency",
            png_bomb(7000, 7000, ColorType::Rgba, plain),
            ReasonCode::TooLarge,
        ),
        ("268 megapixels in a canvas of one", webp_in_canvas(1, 16_383), ReasonCode::CorruptImage),
        ("268 megapixels of WebP", webp_in_canvas(16_383, 16_383), ReasonCode::TooLarge),
        ("not a picture", b"hello".to_vec(), ReasonCode::BadFormat),
    ];
    drop((baseline, progressive));
    // Writing 5 resets the kernel's peak of resident memory to the current value (proc(5)).
    let measured = |photo: &[u8]| {
        fs::write("/proc/self/clear_refs", "5").expect("Linux");
        let (idle, start) = (mb("VmRSS"), cpu_time());
        let refusal = refused(&models, &template, photo);
        (refusal.reason, cpu_time() - start, mb("VmHWM") - idle)
    };
    for (name, photo, reason) in cases {
        let (refusal, time, memory) = measured(&photo);
        assert_eq!(refusal, reason, "{name}");
        assert!(time <= TIME_MAX && memory <= MEMORY_MAX_MB, "{name}: {time:?}, {memory:.1} MB");
    }
    // Files that only decoding shows to have no face.
    let admitted = [
        ("64 megapixels", png_bomb(8000, 8000, ColorType::Rgb, plain)),
        ("24 megapixels of 16 bits, with transparency", png_bomb(4900, 4900, ColorType::Rgba, deep)),
        ("64 megapixels of grey with transparency", png_bomb(8000, 8000, ColorType::GrayscaleAlpha, plain)),
        ("64 megapixels in as many scans as there may be", jpeg_of_scans(8000, 40, 1)),
        ("201 megapixels in scans", jpeg_of_scans(14_192, 12, 1)),
        ("64 megapixels of PNG filters", png_of_paeth(8000, 8000)),
        ("25 megapixels of lossless WebP", webp(&dashes(5000))),
        ("25 megapixels of CMYK", cmyk_jpeg(5000)),
    ];
    for (name, photo) in admitted {
        let (refusal, _, memory) = measured(&photo);
        assert_eq!(refusal, ReasonCode::NoFace, "{name}: {} bytes", photo.len());
        let start = cpu_time();
        let decoded = decode(&photo, &Limits::default(), Detail::Side(768))
            .expect("a photo that has just been decoded");
        let time = cpu_time() - start;
        drop(decoded);
        println!("{name}: {} bytes, decoded in {time:?}, {memory:.1} MB", photo.len());
        assert!(time <= DECODED_TIME_MAX && memory <= DECODED_MAX_MB, "{name}: {time:?}, {memory:.1} MB");
    }
}
