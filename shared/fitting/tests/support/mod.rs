//! What the tests of whole fits share: models, public-domain pictures, a template.

#![expect(clippy::expect_used, reason = "a test says what it needs and stops")]
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

use fitting::decode::{Detail, Limits, decode};
use fitting::template::{Draft, draft};
use fitting::{FitOptions, Fitted, Format, Mark, Models, Outcome, Refusal, RgbImage, Template, fit};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn models() -> Models {
    Models::load(&root().join("models/weights")).expect("run `cargo xtask models` first")
}

pub(crate) fn picture(name: &str) -> Vec<u8> {
    fs::read(root().join("target/pictures").join(name)).expect("run `cargo xtask models` first")
}

/// All pixels of an encoded picture, upright and in sRGB.
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
