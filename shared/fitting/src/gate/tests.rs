//! The gate on good photos, and on the same photos made worse step by step.

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
use crate::decode::{Detail, Limits, decode};
use crate::find::find_faces;
use crate::landmarks::landmarks;
use crate::models::Models;
use crate::photo::{Orientation, Region, Stored};
use crate::resize::resized;

/// The eye distance of an ordinary template, to which crops are reduced.
const TEMPLATE_EYE_DISTANCE: f32 = 100.0;

const GOOD: [&str; 4] = ["astronaut.png", "grace_hopper.jpg", "joconde.jpg", "obama.jpg"];

fn models() -> Models {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Models::load(&root.join("models/weights")).expect("run `cargo xtask models` first")
}

fn picture(name: &str) -> RgbImage {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bytes = fs::read(root.join("target/pictures").join(name)).expect("run `cargo xtask models` first");
    decode(&bytes, &Limits::default(), Detail::Full).unwrap().upright()
}

fn photo(pixels: RgbImage) -> Photo {
    Photo::new(Stored::whole(pixels), Orientation::default(), None)
}

/// What the gate says of a picture.
fn verdict(models: &Models, pixels: RgbImage) -> Result<(), Refusal> {
    let mut photo = photo(pixels);
    let faces = find_faces(models, &mut photo).unwrap();
    let found = landmarks(models, &photo, admit_faces(&faces)?).unwrap();
    admit_geometry(&found, &photo)?;
    let face = crate::fit::FaceCrop::of(&photo, &found.mesh, TEMPLATE_EYE_DISTANCE);
    admit_pixels(&face.crop, &face.mesh)
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

/// Blurred three times by the mean over `2 · radius + 1` pixels along both axes, which is nearly a Gaussian of
/// σ = radius.
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

/// The part of the picture from a mesh-relative line on: 0 is the box's left edge, 1 its right one.
fn cut(image: &RgbImage, mesh: &Mesh, from: f32) -> RgbImage {
    let [left, _, right, _] = mesh.bounds();
    let left = (left + from * (right - left)).max(0.0) as usize;
    image.part(Region { left, top: 0, width: image.width() - left, height: image.height() })
}

/// The band between two heights of the mesh's box (0 top, 1 bottom) covered in one colour with a little grain.
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
    let models = models();
    for name in GOOD {
        assert_eq!(verdict(&models, picture(name)), Ok(()), "{name}");
    }
}

/// Applies a degradation with rising strength: below `harmless` nothing may be refused, from `harmful` on all
/// must be, and for the reason expected.
fn degrade(
    reason: ReasonCode,
    steps: &[f32],
    harmless: f32,
    harmful: f32,
    change: impl Fn(&RgbImage, &Mesh, f32) -> RgbImage,
) {
    let models = models();
    for name in GOOD {
        let image = picture(name);
        let mesh = mesh_of(&models, &image);
        for &step in steps {
            let verdict = verdict(&models, change(&image, &mesh, step));
            if step <= harmless {
                assert_eq!(verdict, Ok(()), "{name} at {step}");
            }
            if step >= harmful {
                // Where too little is left, the mesh network no longer sees a face at all.
                let refusal = verdict.err().map(|refusal| refusal.reason);
                assert!(
                    refusal == Some(reason) || refusal == Some(ReasonCode::NoFace),
                    "{name} at {step}: {refusal:?}"
                );
            }
        }
    }
}

#[test]
fn blur_is_refused_from_where_the_eyes_lose_their_shape() {
    // The strength is the blur's σ in sixty-fourths of the eye distance; an iris is about twelve wide.
    degrade(ReasonCode::TooBlurry, &[0.0, 2.0, 3.0, 4.0, 6.0], 0.0, 3.0, |image, mesh, step| {
        blurred(image, (eye_distance(mesh) / 64.0 * step).round() as usize)
    });
}

#[test]
fn darkness_is_refused_from_where_noise_is_all_there_is() {
    degrade(ReasonCode::TooDark, &[1.5, 2.0, 4.0, 8.0, 12.0, 16.0], 2.0, 16.0, |image, _, step| {
        each_pixel(image.clone(), |v| f32::from(v) / step)
    });
}

#[test]
fn brightness_is_refused_from_where_the_skin_is_burnt_out() {
    degrade(ReasonCode::TooBright, &[1.1, 1.2, 1.6, 2.2], 1.1, 2.2, |image, _, step| {
        each_pixel(image.clone(), |v| f32::from(v) * step)
    });
}

#[test]
fn a_face_that_leaves_the_frame_is_refused() {
    degrade(ReasonCode::FaceCutOff, &[-0.2, -0.05, 0.1, 0.25], -0.05, 0.25, cut);
}

#[test]
fn a_face_that_fills_the_frame_is_refused() {
    // The strength is what is left around the mesh's box, in its heights, counted down from .3.
    degrade(ReasonCode::FaceTooLarge, &[0.1, 0.2, 0.3], 0.2, 0.3, |image, mesh, step| {
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
fn half_a_face_behind_a_hand_is_refused() {
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
    // The strength is the eye distance left, counted down from 60 pixels.
    degrade(ReasonCode::FaceTooSmall, &[10.0, 20.0, 25.0, 35.0], 20.0, 35.0, |image, mesh, step| {
        let scale = (60.0 - step) / eye_distance(mesh);
        let scaled = |n: usize| ((n as f32 * scale) as usize).clamp(1, n);
        resized(image, image.whole(), scaled(image.width()), scaled(image.height()))
    });
}

#[test]
fn the_clearly_largest_face_is_taken_and_equals_are_refused() {
    let models = models();
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
    assert_eq!(verdict(&models, beside(50)), Ok(()));
    assert_eq!(verdict(&models, beside(100)).map_err(|r| r.reason), Err(ReasonCode::MultipleFaces));
}
