//! The straight line from a photo's bytes to a work's bytes.
//!
//! Decode, search, mesh, gate, crop, compose, encode; each step lives in its own module. Nothing outlives the
//! call, and the same bytes in give the same bytes out.

use crate::compose::compose;
use crate::decode::{Detail, Limits, decode};
use crate::encode;
use crate::error::FittingError;
use crate::find::find_faces;
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

/// The longer side at which the face is searched, where the format can be decoded at a reduced scale: half of
/// a 12-megapixel photo, a quarter of a 48-megapixel one. A face too small for its template is decoded again.
const SEARCHED_SIDE: usize = 1600;

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
    let face = match face_of(models, template, photo, options, done) {
        Ok(face) => face,
        Err(Stop::Refused(refusal)) => return Ok(Outcome::Refused(refusal)),
        Err(Stop::Broken(error)) => return Err(error),
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
pub(crate) struct FaceCrop {
    pub(crate) crop: RgbImage,
    pub(crate) mesh: Mesh,
}

/// Why there is no face to go on with.
enum Stop {
    Refused(Refusal),
    Broken(FittingError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<FittingError> for Stop {
    fn from(error: FittingError) -> Self {
        Self::Broken(error)
    }
}

/// Everything up to the gate. The decoded photo is gone when this returns.
fn face_of(
    models: &Models,
    template: &Template,
    file: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
) -> Result<FaceCrop, Stop> {
    let mut photo = decode(file, &options.limits, Detail::Side(SEARCHED_SIDE))?;
    done(Stage::Decode);
    let faces = find_faces(models, &mut photo)?;
    done(Stage::Detect);
    let mut face = *gate::admit_faces(&faces)?;
    let mut found = landmarks(models, &photo, &face)?;
    let missing = template.prepared().eye_distance() / gate::eye_distance(&found.mesh).max(1.0);
    if photo.reduction() > 1.0 && missing > 1.0 {
        let finer;
        (photo, finer) = decode_finer(file, &options.limits, photo, missing)?;
        face = face.scaled(finer);
        found = landmarks(models, &photo, &face)?;
    }
    done(Stage::Mesh);
    gate::admit_geometry(&found, &photo)?;
    gate::admit_turn(template.prepared().turn_from(&found.mesh))?;
    let face = FaceCrop::of(&photo, &found.mesh, template.prepared().eye_distance());
    gate::admit_pixels(&face.crop, &face.mesh)?;
    done(Stage::Gate);
    Ok(face)
}

/// Decodes the file again, at least `factor` times as large if it has the pixels, turned as `coarse` was;
/// with it how many times as large it became.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sides are below 2¹⁶"
)]
fn decode_finer(file: &[u8], limits: &Limits, coarse: Photo, factor: f32) -> Result<(Photo, f32), Refusal> {
    let side = coarse.width().max(coarse.height()) as f32 * factor.min(coarse.reduction());
    let turned_width = coarse.width() as f32;
    let orientation = coarse.orientation();
    // The coarse pixels go before the finer ones come.
    drop(coarse);
    let mut photo = decode(file, limits, Detail::Side(side as usize))?;
    photo.set_orientation(orientation);
    let scale = photo.width() as f32 / turned_width;
    Ok((photo, scale))
}

impl FaceCrop {
    /// Cuts the face out, reduced so that its eyes are hardly further apart than the template's.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "coordinates are clamped to the photo before they become pixel counts"
    )]
    pub(crate) fn of(photo: &Photo, mesh: &Mesh, template_eye_distance: f32) -> Self {
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
