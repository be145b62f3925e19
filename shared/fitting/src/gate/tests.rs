//! Tests the quality gate with good photos, and with the same photos degraded step by step.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the values are small by construction"
)]

mod turn;

use std::fs;
use std::path::Path;

use super::*;
use crate::colour::Colours;
use crate::decode::{Detail, Limits, decode};
use crate::encode;
use crate::find::find_faces;
use crate::fit::fit;
use crate::landmarks::landmarks;
use crate::mark::Mark;
use crate::models::Models;
use crate::outcome::{FitOptions, Format, Outcome};
use crate::photo::{Orientation, Stored};
use crate::region::Region;
use crate::resize::resized;
use crate::template::{Draft, Template, draft};

const GOOD: [&str; 8] = [
    "astronaut.png",
    "biden.jpg",
    "grace_hopper.jpg",
    "joconde.jpg",
    "luispedro.jpg",
    "obama.jpg",
    "obama2.jpg",
    "obama3.jpg",
];

/// Nearly frontal photos in plain light, for degradation; dark or turned ones would be refused for other reasons.
const PLAIN: [&str; 4] = ["astronaut.png", "grace_hopper.jpg", "joconde.jpg", "obama.jpg"];

/// The models and two frontal templates: each photo is fitted onto the template of the other person.
struct Gate {
    models: Models,
    templates: [Template; 2],
}

impl Gate {
    fn new() -> Self {
        let models = models();
        let templates = ["obama.jpg", "grace_hopper.jpg"].map(|name| {
            let picture = bytes(name);
            let sketch = Draft {
                id: "test",
                version: 1,
                title: "",
                licence: "",
                picture: &picture,
                mask: None,
                face: 0,
            };
            Template::from_files(&draft(&models, &sketch).unwrap()).unwrap()
        });
        Self { models, templates }
    }

    /// Fits a picture that is encoded as JPEG and returns the refusal, if any.
    fn verdict(&self, name: &str, pixels: &RgbImage) -> Result<(), Refusal> {
        let mark = Mark { id: "gate".to_owned(), created: jiff::Timestamp::UNIX_EPOCH };
        let photo = encode::work(pixels, Format::Jpeg, &mark).unwrap();
        let template = &self.templates[usize::from(name.starts_with("obama"))];
        match fit(&self.models, template, &photo, &FitOptions::new(mark)).unwrap() {
            Outcome::Fitted(_) => Ok(()),
            Outcome::Refused(refusal) => Err(refusal),
        }
    }
}

fn models() -> Models {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Models::load(&root.join("models/weights")).expect("run `cargo xtask models` first")
}

fn bytes(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read(root.join("target/pictures").join(name)).expect("run `cargo xtask models` first")
}

fn picture(name: &str) -> RgbImage {
    decode(&bytes(name), &Limits::default(), Detail::Full).unwrap().upright()
}

fn photo(pixels: RgbImage) -> Photo {
    Photo::new(Stored::whole(pixels), Orientation::default(), Colours::default())
}

fn mesh_of(models: &Models, pixels: &RgbImage) -> Mesh {
    let mut photo = photo(pixels.clone());
    let faces = find_faces(models, &mut photo).unwrap();
    landmarks(models, &photo, &faces[0]).unwrap().mesh
}

fn each_pixel(mut pixels: RgbImage, map: impl Fn(u8) -> f32) -> RgbImage {
    for value in pixels.data_mut() {
        *value = map(*value).round().clamp(0.0, 255.0) as u8;
    }
    pixels
}

/// Blurs three times with the mean over `2 · radius + 1` pixels along both axes. This approximates a Gaussian of σ =
/// radius.
fn blurred(image: &RgbImage, radius: usize) -> RgbImage {
    let mut result = image.clone();
    for _ in 0..3 {
        for transposed in [false, true] {
            let (lines, length) = if transposed {
                (result.width(), result.height())
            } else {
                (result.height(), result.width())
            };
            for line in 0..lines {
                let at = |k: usize| if transposed { (line, k) } else { (k, line) };
                let row: Vec<[u8; 3]> = (0..length).map(|k| result.pixel(at(k).0, at(k).1)).collect();
                for k in 0..length {
                    let window = &row[k.saturating_sub(radius)..(k + radius + 1).min(length)];
                    let mean =
                        |c: usize| window.iter().map(|p| usize::from(p[c])).sum::<usize>() / window.len();
                    result.set_pixel(at(k).0, at(k).1, std::array::from_fn(|c| mean(c) as u8));
                }
            }
        }
    }
    result
}

/// Cuts off the picture left of a vertical line: 0 is the left edge of the mesh's box, 1 its right edge.
fn cut(image: &RgbImage, mesh: &Mesh, from: f32) -> RgbImage {
    let [left, _, right, _] = mesh.bounds();
    let left = (left + from * (right - left)).max(0.0) as usize;
    image.part(Region { left, top: 0, width: image.width() - left, height: image.height() })
}

/// Covers the band between two heights of the mesh's box (0 top, 1 bottom) in one colour with a little grain.
fn covered(image: &RgbImage, mesh: &Mesh, [from, to]: [f32; 2], colour: [u8; 3]) -> RgbImage {
    let [left, top, right, bottom] = mesh.bounds().map(|v| v.max(0.0) as usize);
    let row = |share: f32| top + (share * (bottom - top) as f32) as usize;
    let mut result = image.clone();
    for y in row(from)..row(to).min(image.height()) {
        for x in left..right.min(image.width()) {
            let grain = ((x * 31 + y * 17) % 9) as u8;
            result.set_pixel(x, y, colour.map(|v| v.saturating_add(grain)));
        }
    }
    result
}

#[test]
fn good_photos_are_admitted() {
    let gate = Gate::new();
    for name in GOOD {
        assert_eq!(gate.verdict(name, &picture(name)), Ok(()), "{name}");
    }
}

#[test]
fn good_photos_in_other_light_are_admitted() {
    let gate = Gate::new();
    let tinted = |image: &RgbImage, gains: [f32; 3]| {
        let mut result = image.clone();
        for (i, value) in result.data_mut().iter_mut().enumerate() {
            *value = (f32::from(*value) * gains[i % 3]).round().clamp(0.0, 255.0) as u8;
        }
        result
    };
    for name in GOOD {
        let image = picture(name);
        let flat = each_pixel(image.clone(), |v| (f32::from(v) - 128.0) * 0.7 + 128.0);
        let variants = [
            ("warm", tinted(&image, [1.12, 1.0, 0.75])),
            ("cold", tinted(&image, [0.85, 1.0, 1.15])),
            ("green", tinted(&image, [0.9, 1.1, 0.9])),
            ("dim", tinted(&image, [0.65; 3])),
            ("flat", flat),
        ];
        for (light, variant) in variants {
            assert_eq!(gate.verdict(name, &variant), Ok(()), "{name}, {light}");
        }
    }
}

/// Parts of a face to cover, and the mesh points that outline them.
const PARTS: [(&str, &[usize]); 4] = [
    ("nose", &[4, 275, 278, 294, 327, 2, 98, 64, 48, 45, 195, 5]),
    ("right half of the mouth", &[61, 185, 40, 39, 37, 0, 17, 84, 181, 91, 146]),
    ("left half of the mouth", &[0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17]),
    ("chin", &[201, 200, 421, 428, 199, 208, 152]),
];

/// Draws a convex cover over some points of the mesh and a tenth of the eye distance around them.
fn with_cover(image: &RgbImage, mesh: &Mesh, points: &[usize], colour: [u8; 3]) -> RgbImage {
    let mut result = image.clone();
    let reach = mesh.eye_distance() / 10.0;
    let corners: Vec<[f32; 2]> = points.iter().map(|&point| mesh.xy(point)).collect();
    // A pixel is inside the hull if in every direction some corner lies further out than the pixel.
    let directions = (0..64).map(|k| (k as f32 / 64.0 * std::f32::consts::TAU).sin_cos());
    let supports: Vec<[f32; 3]> = directions
        .map(|(y, x)| {
            let furthest = corners.iter().map(|c| c[0] * x + c[1] * y).fold(f32::NEG_INFINITY, f32::max);
            [x, y, furthest + reach]
        })
        .collect();
    for (x, y) in (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (x, y))) {
        if supports.iter().all(|[dx, dy, most]| x as f32 * dx + y as f32 * dy <= *most) {
            let grain = ((x * 31 + y * 17) % 9) as u8;
            result.set_pixel(x, y, colour.map(|v| v.saturating_add(grain)));
        }
    }
    result
}

#[test]
fn a_covered_nose_half_mouth_or_chin_is_refused() {
    let gate = Gate::new();
    for name in GOOD {
        let image = picture(name);
        let mesh = mesh_of(&gate.models, &image);
        for (part, points) in PARTS {
            for (thing, colour) in
                [("blue", [30, 90, 180]), ("white", [230, 230, 230]), ("hand", [205, 160, 130])]
            {
                // On a chin, these two colours cannot be told from skin.
                if part == "chin" && thing != "blue" {
                    continue;
                }
                let refusal = gate.verdict(name, &with_cover(&image, &mesh, points, colour)).err();
                let reason = refusal.map(|refusal| refusal.reason);
                assert_eq!(reason, Some(ReasonCode::Occluded), "{name}, {thing} over the {part}");
            }
        }
    }
}

/// Applies a degradation with increasing strength. Up to `harmless` every photo must be admitted. From `harmful` on
/// every photo must be refused, for the expected reason.
fn degrade(
    reason: ReasonCode,
    steps: &[f32],
    harmless: f32,
    harmful: f32,
    change: impl Fn(&RgbImage, &Mesh, f32) -> RgbImage,
) {
    let gate = Gate::new();
    for name in PLAIN {
        let image = picture(name);
        let mesh = mesh_of(&gate.models, &image);
        for &step in steps {
            let verdict = gate.verdict(name, &change(&image, &mesh, step));
            if step <= harmless {
                assert_eq!(verdict, Ok(()), "{name} at {step}");
            }
            if step >= harmful {
                let refusal = verdict.err().map(|refusal| refusal.reason);
                // If a face is covered or too near, the networks may no longer detect it.
                let may_be_missed = matches!(reason, ReasonCode::Occluded | ReasonCode::FaceTooLarge);
                let is_missed = may_be_missed && refusal == Some(ReasonCode::NoFace);
                assert!(refusal == Some(reason) || is_missed, "{name} at {step}: {refusal:?}");
            }
        }
    }
}

#[test]
fn blur_is_refused_once_the_eyes_lose_their_shape() {
    // The strength is the blur's σ in 1/64 of the eye distance; an iris is about twelve of them wide.
    degrade(ReasonCode::TooBlurry, &[0.0, 2.0, 3.0, 4.0, 6.0], 0.0, 3.0, |image, mesh, step| {
        blurred(image, (mesh.eye_distance() / 64.0 * step).round() as usize)
    });
}

#[test]
fn darkness_is_refused_once_only_noise_is_left() {
    degrade(ReasonCode::TooDark, &[1.5, 2.0, 4.0, 8.0, 12.0, 16.0], 2.0, 16.0, |image, _, step| {
        each_pixel(image.clone(), |v| f32::from(v) / step)
    });
}

#[test]
fn brightness_is_refused_once_the_skin_is_overexposed() {
    degrade(ReasonCode::TooBright, &[1.1, 1.2, 1.6, 2.2], 1.1, 2.2, |image, _, step| {
        each_pixel(image.clone(), |v| f32::from(v) * step)
    });
}

#[test]
fn a_face_beyond_the_photos_edge_is_refused() {
    degrade(ReasonCode::FaceCutOff, &[-0.2, -0.05, 0.25], -0.05, 0.25, cut);
}

#[test]
fn a_face_without_forehead_or_chin_is_admitted_if_brows_and_lips_are_in_the_photo() {
    let between = |image: &RgbImage, [from, to]: [f32; 2]| {
        let rows = [from, to].map(|v| (v.max(0.0) as usize).min(image.height()));
        image.part(Region { left: 0, top: rows[0], width: image.width(), height: rows[1] - rows[0] })
    };
    degrade(ReasonCode::FaceCutOff, &[0.0, 0.12, 0.3], 0.12, 0.3, |image, mesh, share| {
        let [_, top, _, bottom] = mesh.bounds();
        between(image, [top + share * (bottom - top), f32::MAX])
    });
    degrade(ReasonCode::FaceCutOff, &[0.0, 0.1, 0.3], 0.1, 0.3, |image, mesh, share| {
        let [_, top, _, bottom] = mesh.bounds();
        between(image, [0.0, bottom - share * (bottom - top)])
    });
}

#[test]
fn a_face_that_fills_the_frame_is_refused() {
    // The strength is 0.3 less the margin around the mesh's box, in heights of the box.
    degrade(ReasonCode::FaceTooLarge, &[0.1, 0.2, 0.3, 0.42], 0.3, 0.42, |image, mesh, step| {
        let [left, top, right, bottom] = mesh.bounds();
        let margin = (0.3 - step) * (bottom - top);
        let (left, top) = ((left - margin).max(0.0) as usize, (top - margin).max(0.0) as usize);
        let width = (right + margin) as usize - left;
        let height = (bottom + margin) as usize - top;
        image.part(Region {
            left,
            top,
            width: width.min(image.width() - left),
            height: height.min(image.height() - top),
        })
    });
}

#[test]
fn a_mask_over_mouth_and_nose_is_refused() {
    for colour in [[230, 232, 235], [90, 140, 200], [25, 25, 28]] {
        degrade(ReasonCode::Occluded, &[1.0], 0.0, 1.0, |image, mesh, _| {
            covered(image, mesh, [0.55, 1.0], colour)
        });
    }
}

#[test]
fn dark_glasses_are_refused() {
    degrade(ReasonCode::Occluded, &[1.0], 0.0, 1.0, |image, mesh, _| {
        covered(image, mesh, [0.22, 0.42], [12, 12, 14])
    });
}

#[test]
fn a_half_covered_face_is_refused() {
    degrade(ReasonCode::Occluded, &[0.4, 0.5], 0.0, 0.4, |image, mesh, share| {
        let [left, top, right, bottom] = mesh.bounds().map(|v| v.max(0.0) as usize);
        let mut result = image.clone();
        for y in top..bottom.min(image.height()) {
            for x in left..left + (share * (right - left) as f32) as usize {
                result.set_pixel(x, y, [205, 160 + ((x + y) % 7) as u8, 130]);
            }
        }
        result
    });
}

#[test]
fn a_face_of_too_few_pixels_is_refused() {
    // The strength is 60 less the remaining eye distance in pixels.
    degrade(ReasonCode::FaceTooSmall, &[10.0, 20.0, 25.0, 35.0], 20.0, 35.0, |image, mesh, step| {
        let scale = (60.0 - step) / mesh.eye_distance();
        let scaled = |n: usize| ((n as f32 * scale) as usize).clamp(1, n);
        resized(image, image.whole(), scaled(image.width()), scaled(image.height()))
    });
}

#[test]
fn the_clearly_largest_face_is_fitted_and_equal_faces_are_refused() {
    let gate = Gate::new();
    let image = picture("obama.jpg");
    let beside = |share: usize| {
        let second =
            resized(&image, image.whole(), image.width() * share / 100, image.height() * share / 100);
        let mut both = RgbImage::new(image.width() * 2, image.height());
        for y in 0..image.height() {
            for x in 0..image.width() {
                both.set_pixel(x, y, image.pixel(x, y));
                if x < second.width() && y < second.height() {
                    both.set_pixel(image.width() + x, y, second.pixel(x, y));
                }
            }
        }
        both
    };
    assert_eq!(gate.verdict("obama.jpg", &beside(50)), Ok(()));
    let refusal = gate.verdict("obama.jpg", &beside(100)).map_err(|refusal| refusal.reason);
    assert_eq!(refusal, Err(ReasonCode::MultipleFaces));
}
