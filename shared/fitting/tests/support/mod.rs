//! Shared by the tests of whole fits: models, public-domain pictures, a template.

#![expect(clippy::expect_used, reason = "a failed precondition ends the test")]
#![allow(dead_code, reason = "each test binary uses only some of it")]

pub(crate) mod paste;
pub(crate) mod png_chunks;
pub(crate) mod same;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fitting::decode::{Detail, Limits, decode};
use fitting::template::{Draft, draft};
use fitting::{FitOptions, Fitted, Format, Mark, Models, Outcome, Refusal, RgbImage, Template, fit};

/// The CPU time of this thread. Unlike the time of day it does not depend on other load on the machine.
pub(crate) fn cpu_time() -> Duration {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let used = schedule.split_whitespace().next().expect("three numbers");
    Duration::from_nanos(used.parse().expect("nanoseconds"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn models() -> Models {
    Models::load(&root().join("models/weights")).expect("run `cargo xtask models` first")
}

pub(crate) fn picture(name: &str) -> Vec<u8> {
    fs::read(root().join("target/pictures").join(name)).expect("run `cargo xtask models` first")
}

/// Decodes all pixels of an encoded picture, upright and in sRGB.
pub(crate) fn pixels(encoded: &[u8]) -> RgbImage {
    decode(encoded, &Limits::default(), Detail::Full).expect("a readable picture").upright()
}

pub(crate) fn template(models: &Models, name: &str) -> Template {
    let picture = picture(name);
    let sketch =
        Draft { id: "test", version: 1, title: "", licence: "", picture: &picture, mask: None, face: 0 };
    Template::from_files(&draft(models, &sketch).expect("a template")).expect("a template")
}

pub(crate) fn options(format: Format) -> FitOptions {
    let mut options = FitOptions::new(Mark { id: "mark-1".to_owned(), created: jiff::Timestamp::UNIX_EPOCH });
    options.format = format;
    options
}

pub(crate) fn fitted(models: &Models, template: &Template, photo: &[u8], format: Format) -> Fitted {
    match fit(models, template, photo, &options(format)).expect("nothing is broken") {
        Outcome::Fitted(work) => work,
        Outcome::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}

pub(crate) fn refused(models: &Models, template: &Template, photo: &[u8]) -> Refusal {
    match fit(models, template, photo, &options(Format::Jpeg)).expect("nothing is broken") {
        Outcome::Fitted(_) => panic!("fitted"),
        Outcome::Refused(refusal) => refusal,
    }
}

/// Encodes a picture as PNG.
pub(crate) fn encoded_png(image: &RgbImage) -> Vec<u8> {
    let side = |n: usize| u32::try_from(n).expect("a picture's side");
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width()), side(image.height()));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header().expect("a header").write_image_data(image.data()).expect("encodes");
    bytes
}

/// Enlarges a picture by repeating its pixels.
pub(crate) fn enlarged(image: &RgbImage, width: usize, height: usize) -> RgbImage {
    let mut result = RgbImage::new(width, height);
    for y in 0..height {
        for x in 0..width {
            result.set_pixel(x, y, image.pixel(x * image.width() / width, y * image.height() / height));
        }
    }
    result
}

/// Whether the bytes hold a part.
pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
