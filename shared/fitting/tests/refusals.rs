//! What a refusal may cost: the bombs and torsos that anyone can upload are turned away in 50 ms and 60 MB.
//!
//! The kernel's account of the process is read, so this binary has one test and runs it alone.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    reason = "a test says what it needs and stops; its values are small by construction"
)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use domain::ReasonCode;
use jpeg_encoder::{ColorType, Encoder};
use support::{enlarged, models, picture, pixels, refused, template};

const TIME_MAX: Duration = Duration::from_millis(50);
const MEMORY_MAX_MIB: f64 = 60.0;

/// A line of the process's status in MiB: `VmRSS`, what is resident, or `VmHWM`, the most that was.
fn mib(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number");
    kib / 1024.0
}

/// A PNG that states a size and contains next to nothing.
fn png_stating(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().expect("a header"));
    bytes
}

/// A PNG of one colour: a few kilobytes that decode to as many megabytes as its header says.
fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let row = vec![0; width as usize];
    let mut writer = encoder.write_header().expect("a header");
    let mut stream = writer.stream_writer().expect("a stream");
    for _ in 0..height {
        std::io::Write::write_all(&mut stream, &row).expect("writes");
    }
    stream.finish().expect("finishes");
    drop(writer);
    bytes
}

/// A photo of twelve megapixels.
fn large_jpeg(progressive: bool) -> Vec<u8> {
    let image = enlarged(&pixels(&picture("obama.jpg")), 3024, 4032);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_progressive(progressive);
    encoder.encode(image.data(), 3024, 4032, ColorType::Rgb).expect("encodes");
    bytes
}

#[test]
fn a_refusal_takes_50_ms_and_60_mb_at_most() {
    let models = models();
    let template = template(&models, "astronaut.png");
    let cut = |file: &[u8], share: f64| file[..(file.len() as f64 * share) as usize].to_vec();
    let (baseline, progressive) = (large_jpeg(false), large_jpeg(true));
    let cases = [
        ("a bomb of a gigabyte", png_bomb(32_000, 32_000), ReasonCode::TooLarge),
        ("a header that promises a gigabyte", png_stating(20_000, 18_000), ReasonCode::TooLarge),
        ("20,000 × 1", png_bomb(20_000, 1), ReasonCode::TooLarge),
        ("1 × 20,000", png_bomb(1, 20_000), ReasonCode::TooLarge),
        ("a tenth of a JPEG", cut(&baseline, 0.1), ReasonCode::CorruptImage),
        ("half a JPEG", cut(&baseline, 0.5), ReasonCode::CorruptImage),
        ("nearly all of a JPEG", cut(&baseline, 0.999), ReasonCode::CorruptImage),
        ("half a progressive JPEG", cut(&progressive, 0.5), ReasonCode::CorruptImage),
        ("half a PNG", cut(&picture("astronaut.png"), 0.5), ReasonCode::CorruptImage),
        ("no picture", b"hello".to_vec(), ReasonCode::BadFormat),
    ];
    drop((baseline, progressive));
    for (name, photo, reason) in cases {
        // 5 sets the kernel's mark of the most that was resident back to what is (proc(5)).
        fs::write("/proc/self/clear_refs", "5").expect("Linux");
        let (idle, start) = (mib("VmRSS"), Instant::now());
        let refusal = refused(&models, &template, &photo);
        let (time, memory) = (start.elapsed(), mib("VmHWM") - idle);
        assert_eq!(refusal.reason, reason, "{name}");
        assert!(time <= TIME_MAX && memory <= MEMORY_MAX_MIB, "{name}: {time:?}, {memory:.1} MiB");
    }
}
