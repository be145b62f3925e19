//! The straight line from a photo's bytes to a work's bytes.
//!
//! Decode, search, mesh, gate, crop, compose, encode; each step lives in its own module. Nothing outlives the
//! call, and the same bytes in give the same bytes out.

use crate::colour::ProfileFault;
use crate::compose::compose;
use crate::decode::{Detail, PhotoFile, open};
use crate::detect::Face;
use crate::encode;
use crate::error::FittingError;
use crate::find::{Search, Wanted, turn_upright};
use crate::gate;
use crate::label;
use crate::landmarks::{Landmarks, PRESENCE_MIN, REGION_PER_BOX, landmarks};
use crate::mesh::Mesh;
use crate::models::Models;
use crate::outcome::{FitOptions, Fitted, Outcome, Refusal, Report};
use crate::photo::{Photo, Region};
use crate::pixels::RgbImage;
use crate::template::Template;

/// The face's surroundings that are looked at: this many times the mesh's box. Nothing outside the mesh enters the
/// work; the gate looks a little further.
const CROP_PER_FACE: f32 = 1.25;

/// The crop is reduced when its face is more than this much larger than the template's, and down to that. Up to here
/// the warp samples the photo itself. A filter before it costs sharpness and time, 8 CPU-ms with 1.1 at twelve
/// megapixels; none lets wrinkles turn into grit, and with 1.5 the identity of the tuned pairs was .010 farther.
const CROP_OVERSAMPLING: f32 = 1.25;

/// The least longer side at which the face is searched, where the format can be decoded at a reduced scale. At half of this the detector's box moves the
/// mesh enough to be seen in the work (by 2 to 3 levels in the mean, against a search at full scale).
const SEARCHED_SIDE: usize = 768;

/// The side in pixels of a face's region at which its mesh is found: a quarter more than the network takes. A portrait
/// enlarged to twelve megapixels gives a work that differs from the portrait's own by 1.0 levels in the mean (smoothed
/// by σ = 4 pixels), and by no less with 384.
const MESH_REGION_SIDE: f32 = 320.0;

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
    fit_observed(models, template, photo, options, &mut |_| {}).map(|report| report.outcome)
}

/// As [`fit`], with what is worth logging; calls `done` at the end of each stage.
///
/// # Errors
/// As [`fit`].
pub fn fit_observed(
    models: &Models,
    template: &Template,
    photo: &[u8],
    options: &FitOptions,
    done: &mut dyn FnMut(Stage),
) -> Result<Report, FittingError> {
    let mut ignored_profile = None;
    let face = match face_of(models, template, photo, options, done, &mut ignored_profile) {
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
    ignored_profile: &mut Option<ProfileFault>,
) -> Result<FaceCrop, Stop> {
    let (photo, file) = open(file, &options.limits, Detail::Side(SEARCHED_SIDE))?;
    *ignored_profile = photo.ignored_profile();
    done(Stage::Decode);
    let (photo, found) = located(models, &file, photo, done)?;
    gate::admit_geometry(&found, &photo)?;
    gate::admit_turn(template.prepared().turn_from(&found.mesh))?;
    let face = face_crop(&file, &photo, &found.mesh, template.prepared().eye_distance())?;
    gate::admit_pixels(&face.crop, &face.mesh)?;
    done(Stage::Gate);
    Ok(face)
}

/// The photo, with the face upright and as fine as its mesh needs it, and the mesh. A detection in which the mesh network
/// sees no face is passed over, and the search goes on.
fn located(
    models: &Models,
    file: &PhotoFile<'_>,
    mut photo: Photo,
    done: &mut dyn FnMut(Stage),
) -> Result<(Photo, Landmarks), Stop> {
    let mut search = Search::new(models, Wanted::Largest);
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

/// How many times as large a face must be for its mesh.
fn mesh_scale(face: &Face) -> f32 {
    MESH_REGION_SIDE / mesh_region_side(face).max(1.0)
}

fn mesh_region_side(face: &Face) -> f32 {
    REGION_PER_BOX * face.side()
}

/// The upright square around the region from which a face's mesh is found.
fn mesh_region(photo: &Photo, face: &Face) -> Region {
    let (sin, cos) = face.roll().sin_cos();
    let side = mesh_region_side(face) * (sin.abs() + cos.abs());
    // Neighbours for sampling between pixels, also at a finer scale.
    let reach = side / 2.0 + 2.0;
    let [x, y] = face.centre;
    photo.region([x - reach, y - reach, x + reach, y + reach])
}

/// The crop around a mesh, of pixels as fine as the template needs them.
fn face_crop(
    file: &PhotoFile<'_>,
    photo: &Photo,
    mesh: &Mesh,
    template_eye_distance: f32,
) -> Result<FaceCrop, Refusal> {
    let missing = template_eye_distance / gate::eye_distance(mesh).max(1.0);
    // What touches a pixel here may at a finer scale touch half of one beyond it.
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
    /// Where the face and its surroundings lie in the photo, and so many pixels more on each side.
    fn region(photo: &Photo, mesh: &Mesh, more: f32) -> Region {
        let [left, top, right, bottom] = mesh.bounds();
        let margin = (CROP_PER_FACE - 1.0) / 2.0 * (right - left).max(bottom - top) + more;
        photo.region([left - margin, top - margin, right + margin, bottom + margin])
    }

    /// Cuts the face out, reduced where its eyes are much further apart than the template's.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "sides are below 2¹⁶, and sizes are at least 1"
    )]
    pub(crate) fn of(photo: &Photo, mesh: &Mesh, template_eye_distance: f32) -> Self {
        let region = Self::region(photo, mesh, 0.0);
        let Region { left, top, width, height } = region;
        let reduction = (gate::eye_distance(mesh) / (CROP_OVERSAMPLING * template_eye_distance)).max(1.0);
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
