//! Which face of a photo is fitted: small portraits on busy pictures, things that look like faces, several faces.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    reason = "a test says what it needs and stops; its values are small by construction"
)]

mod support;

use std::time::{Duration, Instant};

use domain::ReasonCode;
use fitting::{Format, Models, Outcome, RgbImage, Template, fit};
use jpeg_encoder::ColorType;
use support::paste::{Portrait, paste, plain, scaled};
use support::same::{jpeg, stored};
use support::{models, options, picture, pixels, template};

/// Pictures without a face.
const BUSY: [&str; 9] = [
    "coffee.png",
    "chelsea.png",
    "gravel.png",
    "grass.png",
    "brick.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "rocket.jpg",
    "retina.jpg",
];

const PORTRAITS: [&str; 8] = [
    "astronaut.png",
    "biden.jpg",
    "grace_hopper.jpg",
    "joconde.jpg",
    "luispedro.jpg",
    "obama.jpg",
    "obama2.jpg",
    "obama3.jpg",
];

/// Of 60 small portraits so many must come out as they do alone.
const SCENES: usize = 60;
const AS_ALONE_MIN: usize = 57;

/// The most that two works of one face differ by in the mean inside the template's face, in levels of 255: the photo is
/// encoded anew, and the face lies elsewhere in it. Works of two people differ by 12 and more.
const SAME_FACE_MAX: f64 = 6.0;

/// How long a fit may take on a busy machine.
const FIT_TIME_MAX: Duration = Duration::from_secs(5);

struct Bench {
    models: Models,
    template: Template,
}

impl Bench {
    fn new() -> Self {
        let models = models();
        let template = template(&models, "joconde.jpg");
        Self { models, template }
    }

    fn outcome(&self, image: &RgbImage) -> Outcome {
        let photo = jpeg(image.data(), (image.width(), image.height()), ColorType::Rgb, |_| {});
        fit(&self.models, &self.template, &photo, &options(Format::Png)).expect("nothing is broken")
    }

    fn reason(&self, image: &RgbImage) -> Option<ReasonCode> {
        match self.outcome(image) {
            Outcome::Fitted(_) => None,
            Outcome::Refused(refusal) => Some(refusal.reason),
        }
    }

    /// What is wrong when a scene does not come out as its portrait does alone.
    fn difference(&self, scene: &RgbImage, portrait: &RgbImage) -> Option<String> {
        match (self.outcome(scene), self.outcome(portrait)) {
            (Outcome::Refused(there), Outcome::Refused(alone)) => {
                (there.reason != alone.reason).then(|| format!("{there:?}, alone {alone:?}"))
            }
            (Outcome::Fitted(there), Outcome::Fitted(alone)) => {
                let levels = self.levels(&pixels(&there.image), &pixels(&alone.image));
                (levels > SAME_FACE_MAX).then(|| format!("another face: {levels:.1} levels"))
            }
            (there, alone) => Some(format!("{there:?}, alone {alone:?}")),
        }
    }

    /// Mean difference of two works inside the template's face.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a box in a picture")]
    fn levels(&self, a: &RgbImage, b: &RgbImage) -> f64 {
        let [left, top, right, bottom] = self.template.description().face.bounds.map(|v| v as usize);
        let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        let differences = places.flat_map(|(x, y)| {
            let (a, b) = (a.pixel(x, y), b.pixel(x, y));
            [0, 1, 2].map(|k| f64::from(a[k].abs_diff(b[k])))
        });
        differences.sum::<f64>() / ((right - left) * (bottom - top) * 3) as f64
    }
}

/// The portrait and the scene with a number: each picture has each portrait in turn, at another place and in another size;
/// every sixth portrait is turned by a quarter or a half.
fn scene(portraits: &[Portrait], number: usize) -> (String, RgbImage, RgbImage) {
    let (busy, who) = (number % BUSY.len(), (number + number / 9) % PORTRAITS.len());
    let distance = [36.0, 44.0, 40.0, 52.0, 66.0, 84.0, 58.0][number % 7];
    let portrait = portraits[who].with_eyes(distance);
    let turn = if number % 6 == 5 { [6, 8, 3][number / 6 % 3] } else { 1 };
    let turned = stored(&portrait, turn);
    let size = [(2000, 1500), (1500, 2000), (2400, 1800)][number % 3];
    let mut scene = scaled(&pixels(&picture(BUSY[busy])), size.0, size.1);
    let (across, down) = (size.0 - turned.width(), size.1 - turned.height());
    // Steps that have no common divisor with the range visit all of it.
    paste(&mut scene, &turned, (number * 619 % across, number * 787 % down));
    let name = format!("{number}: {} ({distance} px, turned as by {turn}) on {}", PORTRAITS[who], BUSY[busy]);
    (name, portrait, scene)
}

#[test]
fn a_small_portrait_on_a_busy_picture_comes_out_as_it_does_alone() {
    let bench = Bench::new();
    let portraits = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.7));
    let wrong: Vec<String> = (0..SCENES)
        .filter_map(|number| {
            let (name, portrait, scene) = scene(&portraits, number);
            bench.difference(&scene, &portrait).map(|what| format!("{name}: {what}"))
        })
        .collect();
    assert!(SCENES - wrong.len() >= AS_ALONE_MIN, "{} of {SCENES} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_portrait_beside_a_cup_is_found() {
    let bench = Bench::new();
    let cup = scaled(&pixels(&picture("coffee.png")), 2000, 1333);
    for name in PORTRAITS {
        let portrait = Portrait::of(&bench.models, name, 0.7).with_eyes(110.0);
        let mut scene = plain((4000, 3000), [236, 234, 228]);
        paste(&mut scene, &cup, (300, 900));
        paste(&mut scene, &portrait, (2700, 1100));
        assert_eq!(bench.difference(&scene, &portrait), None, "{name}");
    }
}

#[test]
fn a_small_portrait_on_a_plain_wall_is_found() {
    let bench = Bench::new();
    let obama = pixels(&picture("obama.jpg"));
    let portrait = scaled(&obama, obama.width() * 3 / 4, obama.height() * 3 / 4);
    let mut scene = plain((4000, 3000), [128; 3]);
    paste(&mut scene, &portrait, (2300, 1200));
    assert_eq!(bench.difference(&scene, &portrait), None);
}

#[test]
fn a_portrait_in_a_long_screenshot_is_found() {
    let bench = Bench::new();
    let portrait = Portrait::of(&bench.models, "obama.jpg", 0.7).with_eyes(90.0);
    for length in [4800, 7000, 9600] {
        for share in [0, 40, 75] {
            let mut scene = plain((1080, length), [250; 3]);
            paste(&mut scene, &portrait, (120, length * share / 100));
            assert_eq!(bench.difference(&scene, &portrait), None, "{length} at {share} %");
        }
    }
}

#[test]
fn pictures_without_a_face_have_none() {
    let bench = Bench::new();
    for name in BUSY {
        let image = pixels(&picture(name));
        for width in [600, 2000] {
            let scene = scaled(&image, width, image.height() * width / image.width());
            assert_eq!(bench.reason(&scene), Some(ReasonCode::NoFace), "{name} at {width}");
        }
    }
}

#[test]
fn a_face_with_too_few_pixels_is_too_small_and_not_missing() {
    let bench = Bench::new();
    for name in PORTRAITS {
        let portrait = Portrait::of(&bench.models, name, 0.7);
        for distance in [14.0, 20.0] {
            let mut scene = scaled(&pixels(&picture("rocket.jpg")), 2000, 1334);
            paste(&mut scene, &portrait.with_eyes(distance), (900, 300));
            let reason = bench.reason(&scene);
            assert_eq!(reason, Some(ReasonCode::FaceTooSmall), "{name} with {distance} pixels");
        }
    }
}

#[test]
fn two_faces_are_refused_from_seven_tenths_of_the_larger_on_wherever_they_are() {
    let bench = Bench::new();
    let pair = |name| Portrait::of(&bench.models, name, 0.5);
    let (first, second) = (pair("obama.jpg"), pair("astronaut.png"));
    for distance in [50.0, 90.0, 180.0] {
        for (percent, expected) in [
            (100.0, Some(ReasonCode::MultipleFaces)),
            (90.0, Some(ReasonCode::MultipleFaces)),
            (80.0, Some(ReasonCode::MultipleFaces)),
            (55.0, None),
            (40.0, None),
        ] {
            let mut scene = plain((2000, 1500), [150, 148, 140]);
            paste(&mut scene, &first.with_eyes(distance), (100, 200));
            paste(&mut scene, &second.with_eyes(distance * percent / 100.0), (1100, 500));
            let reason = bench.reason(&scene);
            assert_eq!(reason, expected, "{distance} px and {percent} % of it");
        }
    }
}

#[test]
fn a_crowd_is_refused_and_what_resembles_faces_costs_little() {
    let bench = Bench::new();
    let heads = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.5).with_eyes(40.0));
    let mut crowd = plain((2400, 1800), [150, 148, 140]);
    let mut cups = crowd.clone();
    let cup = scaled(&pixels(&picture("coffee.png")), 300, 200);
    for number in 0..72 {
        let place = (number % 8 * 300, number / 8 * 200);
        paste(&mut crowd, &heads[number * 3 % 8], place);
        paste(&mut cups, &stored(&cup, [1, 6, 3, 8][number % 4]), place);
    }
    for (image, reason) in [(crowd, ReasonCode::MultipleFaces), (cups, ReasonCode::NoFace)] {
        let start = Instant::now();
        assert_eq!(bench.reason(&image), Some(reason));
        assert!(start.elapsed() <= FIT_TIME_MAX, "{reason:?} took {:?}", start.elapsed());
    }
}
