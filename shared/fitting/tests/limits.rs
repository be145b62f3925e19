//! Tests that files which are too large, truncated or not photos are refused early and cheaply, and that nothing
//! panics.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use std::time::Duration;

use domain::ReasonCode;
use fitting::decode::{Detail, Limits, decode};
use fitting::{Format, Outcome, fit};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use moxcms::ColorProfile;
use support::same::{exif, jpeg, png};
use support::{cpu_time, models, options, picture, pixels, refused, template};

/// CPU time of a refusal by the header, with room for a busy machine.
const REFUSAL_TIME_MAX: Duration = Duration::from_millis(50);

/// CPU time to find that the samples of a small JPEG end early: as long as decoding them takes, with room for a busy
/// machine.
const DECODE_TIME_MAX: Duration = Duration::from_millis(500);

/// A PNG that states a size and contains almost nothing.
fn png_stating(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    bytes
}

fn reason(photo: &[u8]) -> ReasonCode {
    let start = cpu_time();
    let refusal = decode(photo, &Limits::default(), Detail::Full).err().expect("a refusal");
    assert!((cpu_time() - start) <= REFUSAL_TIME_MAX, "{:?} took {:?}", refusal.reason, (cpu_time() - start));
    refusal.reason
}

#[test]
fn a_photo_that_is_too_large_is_refused_by_its_header() {
    assert_eq!(
        reason(&png_stating(20_000, 18_000)),
        ReasonCode::TooLarge,
        "a decompression bomb of a gigabyte"
    );
    assert_eq!(reason(&png_stating(20_000, 1)), ReasonCode::TooLarge);
    assert_eq!(reason(&png_stating(1, 20_000)), ReasonCode::TooLarge);
    assert_eq!(reason(&vec![0xFF; Limits::default().photo_bytes_max + 1]), ReasonCode::TooLarge);
}

/// A JPEG whose frame header has this marker and states a size, and that contains almost nothing.
fn jpeg_stating(frame: u8, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    bytes.extend([1; 64]);
    bytes.extend([0xFF, frame, 0, 11, 8]);
    bytes.extend([height.to_be_bytes(), width.to_be_bytes()].concat());
    bytes.extend(b"\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0\xFF\xD9");
    bytes
}

#[test]
fn photos_of_phones_are_within_the_limits() {
    let reason = |photo: &[u8]| {
        decode(photo, &Limits::default(), Detail::Side(768)).err().map(|refusal| refusal.reason)
    };
    // Photos that are admitted are then refused as corrupt because they are empty.
    for (width, height) in [(9248, 6936), (12_000, 9_000), (16_320, 12_240), (16_384, 12_288)] {
        let found = reason(&jpeg_stating(0xC0, width, height));
        assert_eq!(found, Some(ReasonCode::CorruptImage), "{width} × {height}");
    }
    assert_eq!(reason(&jpeg_stating(0xC0, 16_384, 12_330)), Some(ReasonCode::TooLarge));
    assert_eq!(reason(&png_stating(9248, 6936)), Some(ReasonCode::CorruptImage));
    assert_eq!(reason(&png_stating(9248, 7029)), Some(ReasonCode::TooLarge));
}

#[test]
fn an_unsupported_coding_is_refused_as_a_bad_format() {
    let mut apple_png = b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI\x50\0\x20\x02\x2b\xd5\xb3\x7f".to_vec();
    apple_png.extend(&png_stating(10, 10)[8..]);
    assert_eq!(reason(&apple_png), ReasonCode::BadFormat);
    assert_eq!(reason(&jpeg_stating(0xC9, 10, 10)), ReasonCode::BadFormat, "arithmetic-coded");
    // The library decodes lossless JPEGs only at full size. So large ones were refused as damaged, while small ones
    // were decoded.
    assert_eq!(reason(&jpeg_stating(0xC3, 10, 10)), ReasonCode::BadFormat, "lossless");
}

#[test]
fn a_truncated_file_is_corrupt() {
    let whole = picture("obama.jpg");
    for share in [0.1, 0.5, 0.9, 0.999] {
        let length = (whole.len() as f64 * share) as usize;
        let start = cpu_time();
        let refusal = decode(&whole[..length], &Limits::default(), Detail::Full).err().expect("a refusal");
        assert_eq!(refusal.reason, ReasonCode::CorruptImage, "{share} of a JPEG");
        assert!((cpu_time() - start) <= DECODE_TIME_MAX, "{share} of a JPEG took {:?}", (cpu_time() - start));
    }
    let whole = picture("astronaut.png");
    assert_eq!(reason(&whole[..whole.len() / 2]), ReasonCode::CorruptImage, "half a PNG");
    assert_eq!(reason(b"RIFF\xFF\xFF\0\0WEBPVP8 "), ReasonCode::CorruptImage, "a WebP's beginning");
    assert_eq!(reason(&[0xFF, 0xD8, 0xFF]), ReasonCode::CorruptImage, "a JPEG's beginning");
}

#[test]
fn other_formats_are_refused_as_such() {
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    for photo in [&heic[..], b"GIF89a", b"II*\0", b"%PDF-1.7", b"", b"hello"] {
        assert_eq!(reason(photo), ReasonCode::BadFormat);
    }
}

#[test]
fn a_picture_without_a_face_is_refused() {
    let models = models();
    let template = template(&models, "astronaut.png");
    for size in [(1, 1), (3, 500), (640, 480)] {
        let grey = fitting::RgbImage::from_raw(size.0, size.1, vec![120; size.0 * size.1 * 3]).unwrap();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, size.0 as u32, size.1 as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(grey.data()).unwrap();
        assert_eq!(refused(&models, &template, &bytes).reason, ReasonCode::NoFace);
    }
}

/// A small photo in every format that is read and can be written here; lossy WebP cannot be written.
fn small_photos() -> Vec<Vec<u8>> {
    let whole = pixels(&picture("astronaut.png"));
    let size = (220, 220);
    let mut face = fitting::RgbImage::new(size.0, size.1);
    for y in 0..size.1 {
        for x in 0..size.0 {
            face.set_pixel(x, y, whole.pixel(x + 115, y + 20));
        }
    }
    let rgb = face.data();
    let samples = |f: &dyn Fn([u8; 3]) -> Vec<u8>| -> Vec<u8> {
        rgb.as_chunks::<3>().0.iter().flat_map(|&pixel| f(pixel)).collect()
    };
    let grey = samples(&|[_, g, _]| vec![g]);
    let cmyk = samples(&|[r, g, b]| vec![255 - r, 255 - g, 255 - b, 0]);
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let palette: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
    let with_all = |e: &mut Encoder<&mut Vec<u8>>| {
        e.add_exif_metadata(&exif(1)).unwrap();
        e.add_icc_profile(&profile).unwrap();
    };
    let mut webp = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.set_icc_profile(profile.clone());
    encoder.set_exif_metadata(exif(1));
    encoder.encode(rgb, size.0 as u32, size.1 as u32, image_webp::ColorType::Rgb8).unwrap();
    let mut described = Vec::new();
    let mut info = png::Info::with_size(size.0 as u32, size.1 as u32);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    info.icc_profile = Some(profile.clone().into());
    info.exif_metadata = Some(exif(1).into());
    let encoder = png::Encoder::with_info(&mut described, info).unwrap();
    encoder.write_header().unwrap().write_image_data(rgb).unwrap();
    vec![
        jpeg(rgb, size, ColorType::Rgb, with_all),
        jpeg(rgb, size, ColorType::Rgb, |e| {
            e.set_progressive(true);
            with_all(e);
        }),
        jpeg(rgb, size, ColorType::Rgb, |e| {
            e.set_restart_interval(5);
            e.set_sampling_factor(SamplingFactor::R_4_2_0);
        }),
        jpeg(&cmyk, size, ColorType::Cmyk, |_| {}),
        jpeg(&grey, size, ColorType::Luma, |e| e.set_progressive(true)),
        described,
        png(&samples(&|p| p.into_iter().flat_map(|v| [v, 0x55]).collect()), size, |e| {
            e.set_color(png::ColorType::Rgb);
            e.set_depth(png::BitDepth::Sixteen);
        }),
        png(&grey, size, |e| {
            e.set_color(png::ColorType::Indexed);
            e.set_palette(palette);
        }),
        png(&samples(&|[r, g, b]| vec![r, g, b, 250]), size, |e| e.set_color(png::ColorType::Rgba)),
        webp,
    ]
}

/// Pseudorandom numbers below a bound, from Knuth's MMIX generator; its upper half is random enough here.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Returns the photo with one to twelve bytes set, flipped, removed or inserted.
fn mutated(mut photo: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(12) {
        let at = random.below(photo.len());
        match random.below(4) {
            0 => photo[at] = random.below(256) as u8,
            1 => photo[at] ^= 1 << random.below(8),
            2 => {
                photo.remove(at);
            }
            _ => photo.insert(at, random.below(256) as u8),
        }
    }
    photo
}

/// Corrects the checksums of a PNG's chunks, as far as it has any. Otherwise they would reveal nearly every mutation,
/// and the code behind them would not be tested.
fn with_valid_checksums(mut photo: Vec<u8>) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        !bytes.iter().fold(u32::MAX, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
    };
    let mut at = 8;
    while let Some(length) = photo.get(at..).and_then(|rest| rest.first_chunk()) {
        let end = at + 8 + u32::from_be_bytes(*length) as usize;
        let Some(content) = photo.get(at + 4..end) else { break };
        let sum = crc(content).to_be_bytes();
        let Some(stated) = photo.get_mut(end..end + 4) else { break };
        stated.copy_from_slice(&sum);
        at = end + 4;
    }
    photo
}

/// CPU time of a fit of a mutated file. If damage leaves no face, the photo is searched turned and in tiles, which
/// takes half a second of a core.
const FIT_TIME_MAX: Duration = Duration::from_secs(5);

/// The most memory for the files of all threads together, in MB: three times what was measured.
const MEMORY_MAX_MB: f64 = 150.0;

/// Returns the process's peak resident memory so far, in MB.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line");
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024.0 / 1e6
}

#[test]
fn a_thousand_mutated_files_are_each_fitted_or_refused() {
    /// Each thread takes its share with its own generator, so that the files are the same on every run.
    const THREADS: usize = 4;
    let models = models();
    let template = template(&models, "astronaut.png");
    let photos = small_photos();
    let idle = peak_mb();
    let outcome = |photo: &[u8]| {
        let start = cpu_time();
        let outcome = fit(&models, &template, photo, &options(Format::Jpeg)).expect("nothing is broken");
        (matches!(outcome, Outcome::Fitted(_)), (cpu_time() - start))
    };
    for (number, photo) in photos.iter().enumerate() {
        assert!(outcome(photo).0, "file {number} is refused even without mutation");
    }
    let share = |seed: usize| {
        let mut random = Random(seed as u64);
        let files = (seed..1000).step_by(THREADS).map(|number| {
            let file = number / THREADS % photos.len();
            let photo = mutated(photos[file].clone(), &mut random);
            let photo = if photo.starts_with(b"\x89PNG") && random.below(3) > 0 {
                with_valid_checksums(photo)
            } else {
                photo
            };
            let (is_fitted, time) = outcome(&photo);
            assert!(time <= FIT_TIME_MAX, "{number}, of file {file}, took {time:?}");
            (file, is_fitted)
        });
        files.collect::<Vec<_>>()
    };
    let files: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || share(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let fitted = files.iter().filter(|&&(_, is_fitted)| is_fitted).count();
    assert!((100..900).contains(&fitted), "{fitted} of 1000 were fitted: the mutations test nothing");
    for number in 0..photos.len() {
        let of_it = files.iter().filter(|&&(file, _)| file == number);
        let (mutations, refused) =
            of_it.fold((0, 0), |(n, r), &(_, is_fitted)| (n + 1, r + u32::from(!is_fitted)));
        assert!(mutations == 100 && refused >= 5, "file {number}: {refused} of {mutations} were refused");
    }
    let memory = peak_mb() - idle;
    assert!(memory <= MEMORY_MAX_MB, "the fits took {memory:.1} MB");
}
