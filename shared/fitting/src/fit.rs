//! Fits a photo onto a template: from the photo's bytes to the work's bytes.
//!
//! The steps are decode, search, mesh, quality gate, crop, compose, encode; each has its own module. Nothing outlives
//! the call, and the same input gives the same output.

use crate::colour::ProfileFault;
use crate::compose::compose;
use crate::decode::{Detail, PhotoFile, open};
use crate::detect::Face;
use crate::encode;
use crate::error::FittingError;
use crate::find::{Search, SearchScope, turn_upright};
use crate::gate;
use crate::label;
use crate::landmarks::{Landmarks, PRESENCE_MIN, REGION_PER_BOX, landmarks};
use crate::mesh::Mesh;
use crate::models::Models;
use crate::outcome::{FitOptions, Fitted, Outcome, Report};
use crate::photo::Photo;
use crate::pixels::RgbImage;
use crate::refusal::Refusal;
use crate::region::Region;
use crate::template::Template;

/// Size of the crop around the face, as a multiple of the mesh's box. Nothing outside the mesh enters the work; the
/// quality gate measures a little further out.
const CROP_PER_FACE: f32 = 1.25;

/// The crop is reduced if its face is larger than the template's by more than this factor, down to this factor. Up to
/// it, the warp samples the photo itself. A filter before the warp costs sharpness and time: 8 CPU-ms with 1.1 at
/// twelve megapixels. Without any filter wrinkles become grit; with 1.5 the identity of the tuned pairs was 0.010
/// further away.
const CROP_OVERSAMPLING: f32 = 1.25;

/// The least longer side at which the face is searched, in formats that can be decoded at a reduced scale. At half of
/// it the detector's box moves the mesh enough to be visible in the work (by 2 to 3 levels in the mean, compared with
/// a search at full scale).
const SEARCHED_SIDE: usize = 768;

/// The side in pixels of the region from which a face's mesh is computed: a quarter more than the network's input. A
/// portrait enlarged to twelve megapixels gives a work that differs from the portrait's own by 1.0 levels in the mean
/// (smoothed by σ = 4 pixels). With 384 the difference is no smaller.
const MESH_REGION_SIDE: f32 = 320.0;

/// The steps of a fit, for callers that measure how long each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Decoding the file's bytes.
    Decode,
    /// Finding the faces.
    Detect,
    /// The mesh of the largest face.
    Mesh,
    /// Cropping the upright face, and the quality gate.
    Gate,
    /// Composing the face into the template.
    Compose,
    /// Encoding the work and its thumbnail.
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
    fit_observed(models, template, photo, options, &mut |_| {}).map(|report| report.outcome)
}

/// Like [`fit`], and also reports what is worth logging; calls `done` at the end of each stage.
///
/// # Errors
/// Like [`fit`].
pub fn fit_observed(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
) -> Result<Report, FittingError> {
    let mut ignored_profile = None;
    let face = match admitted_face(models, template, photo, options, done, &mut ignored_profile) {
        Ok(face) => face,
        Err(Stop::Refused(refusal)) => {
            return Ok(Report { outcome: Outcome::Refused(refusal), ignored_profile });
        }
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
    let fitted = Fitted { image, thumbnail, width: work.width(), height: work.height() };
    Ok(Report { outcome: Outcome::Fitted(fitted), ignored_profile })
}

/// An upright sRGB crop around the face and its mesh in the crop's pixels.
pub(crate) struct FaceCrop {
    pub(crate) crop: RgbImage,
    pub(crate) mesh: Mesh,
}

/// Why the fit ends before composition.
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

/// Runs all steps up to the quality gate. The decoded photo is dropped when this returns.
fn admitted_face(
    models: &Models,
    template: &Template,
    file: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
    ignored_profile: &mut Option<ProfileFault>,
) -> Result<FaceCrop, Stop> {
    let (photo, file) = open(file, &options.limits, Detail::Side(SEARCHED_SIDE))?;
    *ignored_profile = photo.ignored_profile();
    done(Stage::Decode);
    let (photo, found) = locate_face(models, &file, photo, done)?;
    gate::admit_geometry(&found, &photo)?;
    gate::admit_turn(template.prepared().turn_from(&found.mesh))?;
    let face = face_crop(&file, &photo, &found.mesh, template.prepared().eye_distance())?;
    gate::admit_pixels(&face.crop, &face.mesh)?;
    done(Stage::Gate);
    Ok(face)
}

/// Searches the face and computes its mesh. Returns the photo turned so that the face is upright, at the scale that
/// the mesh needs, and the mesh. If the mesh network reports no face in a detection, the search continues.
fn locate_face(
    models: &Models,
    file: &PhotoFile<'_>,
    mut photo: Photo,
    done: &mut dyn FnMut(Stage),
) -> Result<(Photo, Landmarks), Stop> {
    let mut search = Search::new(models, SearchScope::Largest);
    let mut faces = search.next(&mut photo)?;
    done(Stage::Detect);
    loop {
        let face = *gate::admit_faces(&faces)?;
        let turn = face.turn_upright();
        let mut upright = match turn {
            Some(turn) => turn_upright(models, &mut photo, &face, turn)?,
            None => face,
        };
        let close = file.closer(&photo, mesh_region(&photo, &upright), mesh_scale(&upright))?;
        if let Some(close) = &close {
            upright = upright.mapped(photo.scale_to(close), |point| photo.point_in(close, point));
        }
        let found = landmarks(models, close.as_ref().unwrap_or(&photo), &upright)?;
        if found.presence >= PRESENCE_MIN {
            done(Stage::Mesh);
            return Ok((close.unwrap_or(photo), found));
        }
        if let Some(turn) = turn {
            photo.turn(turn.back());
        }
        search.reject(&face);
        faces = search.next(&mut photo)?;
    }
}

/// The factor by which a face must be enlarged for its mesh.
fn mesh_scale(face: &Face) -> f32 {
    MESH_REGION_SIDE / mesh_region_side(face).max(1.0)
}

fn mesh_region_side(face: &Face) -> f32 {
    REGION_PER_BOX * face.side()
}

/// The smallest upright square around the region from which a face's mesh is computed.
fn mesh_region(photo: &Photo, face: &Face) -> Region {
    let (sin, cos) = face.roll().sin_cos();
    let side = mesh_region_side(face) * (sin.abs() + cos.abs());
    // Room for bilinear sampling, also at a finer scale.
    let reach = side / 2.0 + 2.0;
    let [x, y] = face.centre;
    photo.region([x - reach, y - reach, x + reach, y + reach])
}

/// Crops the photo around a mesh, decoded at the scale that the template needs.
fn face_crop(
    file: &PhotoFile<'_>,
    photo: &Photo,
    mesh: &Mesh,
    template_eye_distance: f32,
) -> Result<FaceCrop, Refusal> {
    let missing = template_eye_distance / mesh.eye_distance().max(1.0);
    // One pixel more: a region that touches a pixel at this scale may need half of the next one at a finer scale.
    let Some(close) = file.closer(photo, FaceCrop::region(photo, mesh, 1.0), missing)? else {
        return Ok(FaceCrop::of(photo, mesh, template_eye_distance));
    };
    let scale = photo.scale_to(&close);
    let mesh = mesh.mapped(|[x, y, z]| {
        let [x, y] = photo.point_in(&close, [x, y]);
        [x, y, z * scale]
    });
    Ok(FaceCrop::of(&close, &mesh, template_eye_distance))
}

impl FaceCrop {
    /// The region of the face and its surroundings in the photo, with `more` additional pixels on each side.
    fn region(photo: &Photo, mesh: &Mesh, more: f32) -> Region {
        let [left, top, right, bottom] = mesh.bounds();
        let margin = (CROP_PER_FACE - 1.0) / 2.0 * (right - left).max(bottom - top) + more;
        photo.region([left - margin, top - margin, right + margin, bottom + margin])
    }

    /// Crops the face. The crop is reduced if its eyes are much further apart than the template's.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sides are below 2¹⁶, and sizes are at least 1"
    )]
    pub(crate) fn of(photo: &Photo, mesh: &Mesh, template_eye_distance: f32) -> Self {
        let region = Self::region(photo, mesh, 0.0);
        let Region { left, top, width, height } = region;
        let reduction = (mesh.eye_distance() / (CROP_OVERSAMPLING * template_eye_distance)).max(1.0);
        let reduced = |n: usize| ((n as f32 / reduction).round() as usize).max(1);
        let crop = photo.view(region, reduced(width), reduced(height));
        let (across, down) = (crop.width() as f32 / width as f32, crop.height() as f32 / height as f32);
        let mesh = mesh.mapped(|[x, y, z]| {
            let x = (x - left as f32 + 0.5) * across - 0.5;
            let y = (y - top as f32 + 0.5) * down - 0.5;
            [x, y, z * across]
        });
        Self { crop, mesh }
    }
}
