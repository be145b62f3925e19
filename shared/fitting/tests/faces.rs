//! Tests which face of a photo is fitted: small portraits on busy pictures, objects that resemble faces, several
//! faces.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    reason = "a failed precondition ends the test; its values are small by construction"
)]

mod support;

use std::time::Duration;

use domain::ReasonCode;
use fitting::{Format, Models, Outcome, RgbImage, Template, fit};
use jpeg_encoder::ColorType;
use support::paste::{Portrait, paste, plain, scaled};
use support::same::{jpeg, stored};
use support::{cpu_time, models, options, picture, pixels, template};

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

/// How many of 60 small portraits must have the same outcome as alone.
const SCENES: usize = 60;
const SAME_OUTCOMES_MIN: usize = 57;

/// CPU time that a fit may take.
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

    /// Returns the outcomes of all portraits alone, with this distance between the eyes in pixels.
    fn alone(&self, portraits: &[Portrait], distance: f32) -> Vec<Result<RgbImage, ReasonCode>> {
        portraits.iter().map(|portrait| self.work(&portrait.with_eyes(distance))).collect()
    }

    fn work(&self, image: &RgbImage) -> Result<RgbImage, ReasonCode> {
        match self.outcome(image) {
            Outcome::Fitted(work) => Ok(pixels(&work.image)),
            Outcome::Refused(refusal) => Err(refusal.reason),
        }
    }

    /// Compares a scene's outcome with that of its portrait alone; `None` if they agree. They agree if both are
    /// refused for the same reason, or if the scene's work differs least from this portrait's work.
    fn difference(
        &self,
        scene: &RgbImage,
        alone: &[Result<RgbImage, ReasonCode>],
        who: usize,
    ) -> Option<String> {
        match (self.work(scene), &alone[who]) {
            (Err(there), Err(alone)) => (there != *alone).then(|| format!("{there:?}, alone {alone:?}")),
            (Ok(there), Ok(_)) => {
                let works = alone.iter().enumerate().filter_map(|(n, work)| Some((n, work.as_ref().ok()?)));
                let differences = works.map(|(n, work)| (n, self.levels(&there, work)));
                let nearest = differences.min_by(|a, b| a.1.total_cmp(&b.1)).expect("its own");
                (nearest.0 != who).then(|| format!("more like {}", PORTRAITS[nearest.0]))
            }
            (there, alone) => Some(format!("{:?}, alone {:?}", there.err(), alone.as_ref().err())),
        }
    }

    /// Mean difference between two works inside the template's face, in levels.
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

/// Distances between the eyes in pixels, from just above what the quality gate admits.
const DISTANCES: [f32; 7] = [36.0, 44.0, 40.0, 52.0, 66.0, 84.0, 58.0];

/// Makes the scene with a number, and returns the portrait's index, the scene's name and the scene. Each picture has
/// each portrait in turn, at another position and in another size. Every sixth portrait is turned by a quarter or a
/// half.
fn scene(portraits: &[Portrait], number: usize) -> (usize, String, RgbImage) {
    let (busy, who) = (number % BUSY.len(), (number + number / 9) % PORTRAITS.len());
    let distance = DISTANCES[number % DISTANCES.len()];
    let turn = if number % 6 == 5 { [6, 8, 3][number / 6 % 3] } else { 1 };
    let portrait = stored(&portraits[who].with_eyes(distance), turn);
    let size = [(2000, 1500), (1500, 2000), (2400, 1800)][number % 3];
    let mut scene = scaled(&pixels(&picture(BUSY[busy])), size.0, size.1);
    let (across, down) = (size.0 - portrait.width(), size.1 - portrait.height());
    // Steps without a common divisor with the range reach every position.
    paste(&mut scene, &portrait, (number * 619 % across, number * 787 % down));
    let name = format!("{number}: {} ({distance} px, turned as by {turn}) on {}", PORTRAITS[who], BUSY[busy]);
    (who, name, scene)
}

#[test]
fn a_small_portrait_on_a_busy_picture_has_the_outcome_that_it_has_alone() {
    let bench = Bench::new();
    let portraits = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.7));
    let alone = DISTANCES.map(|distance| bench.alone(&portraits, distance));
    let fitted = alone.iter().flatten().filter(|outcome| outcome.is_ok()).count();
    assert!(fitted >= 35, "{fitted} of 56 portraits are fitted: the scenes test nothing");
    // Otherwise a scene could agree with its portrait because neither is found.
    let missed = alone
        .iter()
        .flatten()
        .filter(|outcome| matches!(outcome, Err(ReasonCode::NoFace | ReasonCode::MultipleFaces)));
    assert_eq!(missed.count(), 0, "some portraits are not found even alone");
    let wrong: Vec<String> = (0..SCENES)
        .filter_map(|number| {
            let (who, name, scene) = scene(&portraits, number);
            let what = bench.difference(&scene, &alone[number % DISTANCES.len()], who)?;
            Some(format!("{name}: {what}"))
        })
        .collect();
    let right = SCENES - wrong.len();
    assert!(
        right >= SAME_OUTCOMES_MIN,
        "only {right} of {SCENES} scenes have the expected outcome:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_portrait_beside_a_cup_is_found() {
    let bench = Bench::new();
    let cup = scaled(&pixels(&picture("coffee.png")), 2000, 1333);
    let portraits = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.7));
    let alone = bench.alone(&portraits, 110.0);
    for (who, portrait) in portraits.iter().enumerate() {
        let mut scene = plain((4000, 3000), [236, 234, 228]);
        paste(&mut scene, &cup, (300, 900));
        paste(&mut scene, &portrait.with_eyes(110.0), (2700, 1100));
        assert_eq!(bench.difference(&scene, &alone, who), None, "{}", PORTRAITS[who]);
    }
}

#[test]
fn a_small_portrait_on_a_plain_wall_is_found() {
    let bench = Bench::new();
    let obama = pixels(&picture("obama.jpg"));
    let portrait = scaled(&obama, obama.width() * 3 / 4, obama.height() * 3 / 4);
    let mut scene = plain((4000, 3000), [128; 3]);
    paste(&mut scene, &portrait, (2300, 1200));
    assert_eq!(bench.work(&scene).err(), None);
}

#[test]
fn a_portrait_in_a_long_screenshot_is_found() {
    let bench = Bench::new();
    let portrait = Portrait::of(&bench.models, "obama.jpg", 0.7).with_eyes(90.0);
    for length in [4800, 7000, 9600] {
        for share in [0, 40, 75] {
            let mut scene = plain((1080, length), [250; 3]);
            paste(&mut scene, &portrait, (120, length * share / 100));
            assert_eq!(bench.work(&scene).err(), None, "{length} at {share} %");
        }
    }
}

#[test]
fn pictures_without_a_face_are_refused() {
    let bench = Bench::new();
    for name in BUSY {
        let image = pixels(&picture(name));
        for width in [600, 2000] {
            let scene = scaled(&image, width, image.height() * width / image.width());
            assert_eq!(bench.work(&scene).err(), Some(ReasonCode::NoFace), "{name} at {width}");
        }
    }
}

#[test]
fn a_face_with_too_few_pixels_is_refused_as_too_small_and_not_as_missing() {
    let bench = Bench::new();
    let portraits = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.7));
    let tries = [16.0, 20.0, 26.0].map(|distance| portraits.iter().map(move |portrait| (portrait, distance)));
    let outcomes = tries.into_iter().flatten().map(|(portrait, distance)| {
        let mut scene = scaled(&pixels(&picture("rocket.jpg")), 2000, 1334);
        paste(&mut scene, &portrait.with_eyes(distance), (900, 300));
        bench.work(&scene).err()
    });
    let outcomes: Vec<_> = outcomes.collect();
    let too_small = outcomes.iter().filter(|&&reason| reason == Some(ReasonCode::FaceTooSmall)).count();
    assert!(too_small >= 22, "only {too_small} of 24 are refused as too small: {outcomes:?}");
}

#[test]
fn a_second_face_of_seven_tenths_of_the_largest_is_refused_at_every_size() {
    let bench = Bench::new();
    let pair = |name| Portrait::of(&bench.models, name, 0.5);
    let (first, second) = (pair("obama.jpg"), pair("astronaut.png"));
    for distance in [50.0, 90.0, 180.0] {
        for (percent, expected) in [
            (100.0, Some(ReasonCode::MultipleFaces)),
            (90.0, Some(ReasonCode::MultipleFaces)),
            (80.0, Some(ReasonCode::MultipleFaces)),
            (65.0, None),
            (55.0, None),
            (40.0, None),
        ] {
            let mut scene = plain((2000, 1500), [150, 148, 140]);
            paste(&mut scene, &first.with_eyes(distance), (100, 200));
            paste(&mut scene, &second.with_eyes(distance * percent / 100.0), (1100, 500));
            let reason = bench.work(&scene).err();
            assert_eq!(reason, expected, "eyes {distance} px apart, second face {percent} % of the first");
        }
    }
}

#[test]
fn a_small_portrait_among_many_cups_has_the_outcome_that_it_has_alone() {
    let bench = Bench::new();
    let portraits = PORTRAITS.map(|name| Portrait::of(&bench.models, name, 0.5));
    let alone = bench.alone(&portraits, 44.0);
    let cup = scaled(&pixels(&picture("coffee.png")), 300, 200);
    for (who, portrait) in portraits.iter().enumerate() {
        let mut scene = plain((2400, 1800), [150, 148, 140]);
        for number in 0..72 {
            paste(&mut scene, &stored(&cup, [1, 6, 3, 8][number % 4]), (number % 8 * 300, number / 8 * 200));
        }
        paste(&mut scene, &portrait.with_eyes(44.0), (who * 270, 600));
        assert_eq!(bench.difference(&scene, &alone, who), None, "{}", PORTRAITS[who]);
    }
}

#[test]
fn a_crowd_is_refused_and_objects_that_resemble_faces_cost_little() {
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
        let start = cpu_time();
        assert_eq!(bench.work(&image).err(), Some(reason));
        let time = cpu_time() - start;
        assert!(time <= FIT_TIME_MAX, "{reason:?} took {time:?}");
    }
}
