//! The straight line from a photo's bytes to a work's bytes.
//!
//! Decode, search, mesh, gate, crop, compose, encode; each step lives in its own module. Nothing outlives the
//! call, and the same bytes in give the same bytes out.

use crate::compose::compose;
use crate::decode::decode;
use crate::encode;
use crate::error::FittingError;
use crate::find::Search;
use crate::gate;
use crate::label;
use crate::landmarks::landmarks;
use crate::mesh::Mesh;
use crate::models::Models;
use crate::outcome::{FitOptions, Fitted, Outcome, Refusal};
use crate::photo::{Photo, Region};
use crate::pixels::RgbImage;
use crate::template::Template;

/// The face's surroundings that are looked at: this many times the mesh's box, for forehead and hair.
const CROP_PER_FACE: f32 = 1.6;

/// The crop is reduced until its face is this much larger than the template's, so that the warp still
/// has detail to choose from and nothing aliases.
const CROP_OVERSAMPLING: f32 = 1.1;

/// The steps of a fit, for whoever wants to know how long each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From the file's bytes to pixels.
    Decode,
    /// Finding the faces.
    Detect,
    /// The mesh of the largest face.
    Mesh,
    /// The upright crop around the face, and the quality gate.
    Gate,
    /// Placing the face on the template.
    Compose,
    /// Work and thumbnail.
    Encode,
}

/// Fits the face of `photo`, an encoded picture, onto the template.
///
/// # Errors
/// [`FittingError`] when a network or an encoder fails. A photo that cannot be used is an [`Outcome`].
pub fn fit(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
) -> Result<Outcome, FittingError> {
    fit_observed(models, template, photo, options, &mut |_| {})
}

/// As [`fit`]; calls `done` at the end of each stage.
///
/// # Errors
/// As [`fit`].
pub fn fit_observed(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
) -> Result<Outcome, FittingError> {
    let face = match face_of(models, template, photo, options, done)? {
        Ok(face) => face,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    let mut work = compose(&face.crop, &face.mesh, template.prepared());
    drop(face);
    if options.visible_label {
        label::draw(&mut work);
    }
    done(Stage::Compose);
    let image = encode::work(&work, options.format, &options.mark)?;
    let thumbnail = encode::thumbnail(&work, Some(&options.mark))?;
    done(Stage::Encode);
    Ok(Outcome::Fitted(Fitted { image, thumbnail, width: work.width(), height: work.height() }))
}

/// An upright sRGB crop around the face and its mesh in the crop's pixels.
struct FaceCrop {
    crop: RgbImage,
    mesh: Mesh,
}

/// Everything up to the gate. The decoded photo is gone when this returns.
fn face_of(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
) -> Result<Result<FaceCrop, Refusal>, FittingError> {
    let mut photo = match decode(photo, &options.limits) {
        Ok(photo) => photo,
        Err(refusal) => return Ok(Err(refusal)),
    };
    done(Stage::Decode);
    let search = Search::in_photo(models, &mut photo)?;
    done(Stage::Detect);
    let face = match gate::admit_faces(&search.faces) {
        Ok(face) => face,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let found = landmarks(models, &photo, face)?;
    done(Stage::Mesh);
    if let Err(refusal) = gate::admit_geometry(&found, photo.width(), photo.height()) {
        return Ok(Err(refusal));
    }
    let face = FaceCrop::of(&photo, &found.mesh, template.prepared().eye_distance());
    let admitted = gate::admit_pixels(&face.crop, &face.mesh);
    done(Stage::Gate);
    Ok(admitted.map(|()| face))
}

impl FaceCrop {
    /// Cuts the face out, reduced so that its eyes are hardly further apart than the template's.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "coordinates are clamped to the photo before they become pixel counts"
    )]
    fn of(photo: &Photo, mesh: &Mesh, template_eye_distance: f32) -> Self {
        let [left, top, right, bottom] = mesh.bounds();
        let margin = (CROP_PER_FACE - 1.0) / 2.0 * (right - left).max(bottom - top);
        let span = |low: f32, high: f32, size: usize| {
            let first = ((low - margin).max(0.0) as usize).min(size - 1);
            (first, ((high + margin).ceil().max(0.0) as usize).clamp(first + 1, size) - first)
        };
        let ((left, width), (top, height)) =
            (span(left, right, photo.width()), span(top, bottom, photo.height()));
        let reduction = (gate::eye_distance(mesh) / (CROP_OVERSAMPLING * template_eye_distance)).max(1.0);
        let reduced = |n: usize| ((n as f32 / reduction).round() as usize).max(1);
        let crop = photo.view(Region { left, top, width, height }, reduced(width), reduced(height));
        let (across, down) = (crop.width() as f32 / width as f32, crop.height() as f32 / height as f32);
        let mesh = mesh.mapped(|[x, y, z]| {
            let x = (x - left as f32 + 0.5) * across - 0.5;
            let y = (y - top as f32 + 0.5) * down - 0.5;
            [x, y, z * across]
        });
        Self { crop, mesh }
    }
}
