//! The quality gate: what a photo must have so that its work is worth looking at.
//!
//! Each check measures one thing, holds it against a constant whose reason is written beside it, and refuses
//! with the first that fails, the plainest reason first. Thresholds are set where works begin to look wrong;
//! the degradation tests show where each one trips.

use domain::ReasonCode;

pub(crate) use self::covers::{Finding, Limit, Place};
pub(crate) use self::light::{CLIPPED_MAX as SKIN_CLIPPED_MAX, MEDIAN_MIN as SKIN_MEDIAN_MIN};
pub(crate) use self::occlusion::{EYE_CONTRAST_MIN, EYE_LIGHT_MIN, LIP_CONTRAST_MIN};
pub(crate) use self::patch::View;
pub(crate) use self::scene::{HairPlace, Scene};
pub(crate) use self::sharpness::SHARPNESS_MIN;
use crate::detect::Face;
use crate::find::Found;
use crate::landmarks::{Landmarks, PRESENCE_MIN};
use crate::mesh::Mesh;
use crate::outcome::Refusal;
use crate::photo::Photo;
use crate::pixels::RgbImage;
use crate::topology::{LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, SKIN_PATCHES};

mod covers;
mod light;
mod occlusion;
mod patch;
mod relief;
mod scene;
mod sharpness;
#[cfg(test)]
mod tests;

/// A second face as large as this share of the first (sides of their meshes) makes it unclear whose face is meant. Who
/// holds the phone is nearer to it than others: at arm's length somebody half a metre behind has a face of half the size.
const SECOND_FACE_MAX: f32 = 0.7;

/// Distance of the eye centres in photo pixels: with fewer an iris has under five pixels and turns to mush.
const EYE_DISTANCE_MIN: f32 = 32.0;

/// Height or width of the mesh as a share of the photo's. Works are good up to 1.41 as long as the features are in the photo:
/// this only tells who is too near from who is at the edge.
const FACE_SIDE_MAX: f32 = 1.4;

/// Share of the points of brows, eyes and lips that may lie outside the photo. Looked at: 104 works of six portraits that were
/// cut at random, by up to a quarter of the face on each side. Up to 0.042 they are like the whole portrait's, whatever
/// share of forehead, cheeks or chin is missing; from 0.056 on ends of brows are missing, from 0.08 on eyes are cut.
const FEATURES_OUTSIDE_MAX: f32 = 0.05;

/// Turn of the head away from the camera in degrees: beyond it one side of the nose hides the cheek.
const TURN_DEGREES_MAX: f32 = 35.0;

/// Turn of the photo's head from the template's in degrees. On the test pictures works look natural up to 30.4; from
/// 33 on the hidden side is more invented than seen: a second edge of the nose, smears beside the far eye.
pub(crate) const TURN_FROM_TEMPLATE_MAX: f32 = 31.0;

/// Refuses what the search alone shows: no face, or no face that is clearly the largest.
pub(crate) fn admit_faces(faces: &[Found]) -> Result<&Face, Refusal> {
    let first = faces.first().ok_or(Refusal { reason: ReasonCode::NoFace, measured: 0.0, threshold: 1.0 })?;
    let second = faces.get(1).map_or(0.0, |second| second.size / first.size);
    at_most(ReasonCode::MultipleFaces, second, SECOND_FACE_MAX)?;
    Ok(&first.face)
}

/// Refuses what the mesh shows: where the face lies, how large it is and how it is turned.
#[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
pub(crate) fn admit_geometry(found: &Landmarks, photo: &Photo) -> Result<(), Refusal> {
    let mesh = &found.mesh;
    at_least(ReasonCode::NoFace, found.presence, PRESENCE_MIN)?;
    at_least(ReasonCode::FaceTooSmall, eye_distance(mesh) * photo.reduction() as f32, EYE_DISTANCE_MIN)?;
    let (width, height) = (photo.width() as f32, photo.height() as f32);
    let [left, top, right, bottom] = mesh.bounds();
    let filled = ((right - left) / width).max((bottom - top) / height);
    at_most(ReasonCode::FaceTooLarge, filled, FACE_SIDE_MAX)?;
    at_most(ReasonCode::FaceCutOff, features_outside(mesh, [width, height]), FEATURES_OUTSIDE_MAX)?;
    at_most(ReasonCode::PoseTooLarge, turn_degrees(mesh), TURN_DEGREES_MAX)
}

/// The share of the points of brows, eyes and lips that lies outside a photo of this size.
#[expect(clippy::cast_precision_loss, reason = "the features have few points")]
fn features_outside(mesh: &Mesh, size: [f32; 2]) -> f32 {
    let points = || [&RIGHT_BROW[..], &LEFT_BROW, &RIGHT_EYE, &LEFT_EYE, &LIPS].into_iter().flatten();
    let is_outside = |&&point: &&usize| {
        let point = mesh.xy(point);
        (0..2).any(|k| point[k] < 0.0 || point[k] > size[k] - 1.0)
    };
    points().filter(is_outside).count() as f32 / points().count() as f32
}

/// Refuses a head that is turned too far from the template's, in degrees: it is this difference that the fit has
/// to make up.
pub(crate) fn admit_turn(from_template: f32) -> Result<(), Refusal> {
    at_most(ReasonCode::PoseTooLarge, from_template, TURN_FROM_TEMPLATE_MAX)
}

/// Refuses what the pixels show. `crop` is the face's surroundings, `mesh` its points in the crop's pixels.
pub(crate) fn admit_pixels(crop: &RgbImage, mesh: &Mesh) -> Result<(), Refusal> {
    let found = Measures::of(View { picture: crop, mask: None }, mesh);
    let seen = |measured: Option<f32>| measured.unwrap_or(0.0);
    at_least(ReasonCode::TooDark, seen(found.skin_median), SKIN_MEDIAN_MIN)?;
    at_most(ReasonCode::TooBright, seen(found.skin_clipped), SKIN_CLIPPED_MAX)?;
    // A chin outside the photo is not covered.
    if let Some(contrast) = found.lip_contrast {
        at_least(ReasonCode::Occluded, contrast, LIP_CONTRAST_MIN)?;
    }
    // Blur also flattens and dims the eyes, so it is named before them.
    at_least(ReasonCode::TooBlurry, found.sharpness, SHARPNESS_MIN)?;
    at_least(ReasonCode::Occluded, seen(found.eye_contrast), EYE_CONTRAST_MIN)?;
    at_least(ReasonCode::Occluded, seen(found.eye_light), EYE_LIGHT_MIN)?;
    found.bare.iter().try_for_each(|finding| match finding.limit {
        Limit::AtLeast(limit) => at_least(ReasonCode::Occluded, finding.measured, limit),
        Limit::AtMost(limit) => at_most(ReasonCode::Occluded, finding.measured, limit),
    })
}

/// Everything that is measured on a face's pixels and mesh; `None` is what is behind a template's mask.
pub(crate) struct Measures {
    /// Distance of the eye centres in pixels.
    pub(crate) eye_distance: f32,
    /// The head's turn away from the camera.
    pub(crate) turn_degrees: f32,
    /// Median luma of cheeks and nose.
    pub(crate) skin_median: Option<f32>,
    /// Share of cheeks and nose that is burnt out.
    pub(crate) skin_clipped: Option<f32>,
    /// How far the lips stand out from the chin.
    pub(crate) lip_contrast: Option<f32>,
    /// How bright the eyes' brightest part is beside the skin.
    pub(crate) eye_light: Option<f32>,
    /// How much the flatter eye stands out in itself.
    pub(crate) eye_contrast: Option<f32>,
    /// How much fine detail the eyes' surroundings have.
    pub(crate) sharpness: f32,
    /// What a bare face has in its parts.
    pub(crate) bare: Vec<Finding>,
}

impl Measures {
    /// Measures a raster with a face and the face's mesh in the raster's pixels.
    pub(crate) fn of(view: View<'_>, mesh: &Mesh) -> Self {
        let light = light::Light::on_skin(view, mesh, &SKIN_PATCHES);
        Self {
            eye_distance: eye_distance(mesh),
            turn_degrees: turn_degrees(mesh),
            skin_median: light.as_ref().map(|light| light.median),
            skin_clipped: light.map(|light| light.clipped),
            lip_contrast: occlusion::lip_contrast(view, mesh),
            eye_light: occlusion::eye_light(view, mesh),
            eye_contrast: occlusion::eye_contrast(view, mesh),
            sharpness: sharpness::sharpness(view.picture, mesh),
            bare: covers::findings(view, mesh),
        }
    }
}

/// Distance between the centres of the eyes in the mesh's pixels.
pub(crate) fn eye_distance(mesh: &Mesh) -> f32 {
    let (right, left) = (mean(mesh, &RIGHT_EYE), mean(mesh, &LEFT_EYE));
    (left[0] - right[0]).hypot(left[1] - right[1])
}

/// The angle between the face's forward direction and the camera's axis, roll not counted.
fn turn_degrees(mesh: &Mesh) -> f32 {
    // Across: between the outer corners of the eyes. Down: from the brow's middle to the chin's tip.
    let across = between(mesh.points()[33], mesh.points()[263]);
    let down = between(mesh.points()[9], mesh.points()[152]);
    let forward = [
        across[1] * down[2] - across[2] * down[1],
        across[2] * down[0] - across[0] * down[2],
        across[0] * down[1] - across[1] * down[0],
    ];
    (forward[0].hypot(forward[1])).atan2(forward[2].abs()).to_degrees()
}

fn between(from: [f32; 3], to: [f32; 3]) -> [f32; 3] {
    [to[0] - from[0], to[1] - from[1], to[2] - from[2]]
}

#[expect(clippy::cast_precision_loss, reason = "lists of points are short")]
fn mean(mesh: &Mesh, points: &[usize]) -> [f32; 2] {
    [0, 1].map(|k| points.iter().map(|&point| mesh.xy(point)[k]).sum::<f32>() / points.len() as f32)
}

fn at_least(reason: ReasonCode, measured: f32, threshold: f32) -> Result<(), Refusal> {
    if measured >= threshold { Ok(()) } else { Err(Refusal { reason, measured, threshold }) }
}

fn at_most(reason: ReasonCode, measured: f32, threshold: f32) -> Result<(), Refusal> {
    if measured <= threshold { Ok(()) } else { Err(Refusal { reason, measured, threshold }) }
}
