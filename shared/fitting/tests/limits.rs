//! What is too large, cut short or no photo at all is refused early and cheaply; nothing ever panics.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test says what it needs and stops; its values are small by construction"
)]

mod support;

use std::time::{Duration, Instant};

use domain::ReasonCode;
use fitting::decode::{Detail, Limits, decode};
use fitting::{Format, Outcome, fit};
use support::{models, options, picture, pixels, refused, template};

/// How long a refusal on the header may take, with room for a busy machine.
const REFUSAL_TIME_MAX: Duration = Duration::from_millis(50);

/// A PNG that states a size and contains next to nothing.
fn png_stating(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    bytes
}

fn reason(photo: &[u8]) -> ReasonCode {
    let start = Instant::now();
    let refusal = decode(photo, &Limits::default(), Detail::Full).err().expect("a refusal");
    assert!(start.elapsed() <= REFUSAL_TIME_MAX, "{:?} took {:?}", refusal.reason, start.elapsed());
    refusal.reason
}

#[test]
fn what_is_too_large_is_refused_on_its_header() {
    assert_eq!(reason(&png_stating(20_000, 18_000)), ReasonCode::TooLarge, "a bomb of a gigabyte");
    assert_eq!(reason(&png_stating(20_000, 1)), ReasonCode::TooLarge);
    assert_eq!(reason(&png_stating(1, 20_000)), ReasonCode::TooLarge);
    assert_eq!(reason(&vec![0xFF; Limits::default().photo_bytes_max + 1]), ReasonCode::TooLarge);
}

#[test]
fn a_file_cut_short_is_corrupt() {
    let whole = picture("obama.jpg");
    for share in [0.1, 0.5, 0.9, 0.999] {
        let length = (whole.len() as f64 * share) as usize;
        assert_eq!(reason(&whole[..length]), ReasonCode::CorruptImage, "{share} of a JPEG");
    }
    let whole = picture("astronaut.png");
    assert_eq!(reason(&whole[..whole.len() / 2]), ReasonCode::CorruptImage, "half a PNG");
    assert_eq!(reason(b"RIFF\xFF\xFF\0\0WEBPVP8 "), ReasonCode::CorruptImage, "a WebP's beginning");
    assert_eq!(reason(&[0xFF, 0xD8, 0xFF]), ReasonCode::CorruptImage, "a JPEG's beginning");
}

#[test]
fn other_formats_are_named_as_such() {
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

/// A small photo, encoded as JPEG, PNG and WebP.
fn small_photos() -> [Vec<u8>; 3] {
    let whole = pixels(&picture("astronaut.png"));
    let (width, height) = (220, 220);
    let mut face = fitting::RgbImage::new(width, height);
    for y in 0..height {
        for x in 0..width {
            face.set_pixel(x, y, whole.pixel(x + 115, y + 20));
        }
    }
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 85)
        .encode(face.data(), width as u16, height as u16, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(face.data()).unwrap();
    let mut webp = Vec::new();
    image_webp::WebPEncoder::new(&mut webp)
        .encode(face.data(), width as u32, height as u32, image_webp::ColorType::Rgb8)
        .unwrap();
    [jpeg, png, webp]
}

/// Numbers below a bound; Knuth's MMIX generator, whose upper half is random enough for this.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// The photo with one to twelve bytes set, flipped, removed or inserted.
fn mutated(mut photo: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.below(12) {
        let at = dice.below(photo.len());
        match dice.below(4) {
            0 => photo[at] = dice.below(256) as u8,
            1 => photo[at] ^= 1 << dice.below(8),
            2 => {
                photo.remove(at);
            }
            _ => photo.insert(at, dice.below(256) as u8),
        }
    }
    photo
}

#[test]
fn a_thousand_mutated_files_are_each_fitted_or_refused() {
    /// Each thread takes its share with dice of its own, so that the files are the same on every run.
    const THREADS: u64 = 4;
    let models = models();
    let template = template(&models, "astronaut.png");
    let photos = small_photos();
    let share = |seed: u64| {
        let mut dice = Dice(seed);
        let files = (0..1000 / THREADS).map(|number| {
            let photo = mutated(photos[number as usize % photos.len()].clone(), &mut dice);
            fit(&models, &template, &photo, &options(Format::Jpeg)).expect("nothing is broken")
        });
        files.filter(|outcome| matches!(outcome, Outcome::Fitted(_))).count()
    };
    let fitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || share(seed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert!((100..900).contains(&fitted), "{fitted} of 1000 were fitted: the mutations test nothing");
}
