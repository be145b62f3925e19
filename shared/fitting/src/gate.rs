//! The quality gate: checks that a photo is good enough for a good work.
//!
//! Each check measures one thing and compares it with a constant; the constant's comment gives its reason. The first
//! check that fails refuses the photo; the checks with the clearest reasons come first. Thresholds are set where
//! works begin to look wrong. The degradation tests show where each threshold takes effect.

use domain::ReasonCode;

pub(crate) use self::light::{CLIPPED_MAX as SKIN_CLIPPED_MAX, MEDIAN_MIN as SKIN_MEDIAN_MIN};
pub(crate) use self::occlusion::eyes_and_mouth::{EYE_CONTRAST_MIN, EYE_LIGHT_MIN, LIP_CONTRAST_MIN};
pub(crate) use self::occlusion::parts::{FacePart, Limit, PartMeasure};
pub(crate) use self::patch::View;
pub(crate) use self::scene::{HairPlace, Scene};
pub(crate) use self::sharpness::SHARPNESS_MIN;
use crate::detect::Face;
use crate::find::FoundFace;
use crate::landmarks::{Landmarks, PRESENCE_MIN};
use crate::mesh::Mesh;
use crate::photo::Photo;
use crate::pixels::RgbImage;
use crate::refusal::Refusal;
use crate::topology::{LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, SKIN_PATCHES};

mod light;
mod occlusion;
mod patch;
mod relief;
mod scene;
mod sharpness;
#[cfg(test)]
mod tests;

/// A second face of this share of the first's size (sides of their meshes) makes it unclear whose face is meant. The
/// person who holds the phone is nearer to it than others: at arm's length, somebody half a metre behind has a face
/// of half the size.
const SECOND_FACE_MAX: f32 = 0.7;

/// Distance between the eye centres in photo pixels. Below it an iris has fewer than five pixels and loses its shape.
const EYE_DISTANCE_MIN: f32 = 32.0;

/// Height or width of the mesh as a share of the photo's. Works are good up to 1.41 as long as the features are
/// inside the photo. This limit only tells a face that is too near from a face at the photo's edge.
const FACE_SIDE_MAX: f32 = 1.4;

/// Share of the points of brows, eyes and lips that may lie outside the photo. Judged on 104 works of six portraits
/// that were cut at random, by up to a quarter of the face on each side. Up to 0.042 they look like the whole
/// portrait's, whatever share of forehead, cheeks or chin is missing. From 0.056 the ends of brows are missing, from
/// 0.08 eyes are cut.
const FEATURES_OUTSIDE_MAX: f32 = 0.05;

/// Turn of the head away from the camera in degrees. Beyond it one side of the nose hides the cheek.
const TURN_DEGREES_MAX: f32 = 35.0;

/// Turn of the photo's head relative to the template's, in degrees. On the test pictures works look natural up to
/// 30.4. From 33 most of the hidden side is invented: a second edge of the nose, smears beside the far eye.
pub(crate) const TURN_FROM_TEMPLATE_MAX: f32 = 31.0;

/// Refuses a photo after the search: no face, or no face that is clearly the largest.
pub(crate) fn admit_faces(faces: &[FoundFace]) -> Result<&Face, Refusal> {
    let first = faces.first().ok_or(Refusal { reason: ReasonCode::NoFace, measured: 0.0, threshold: 1.0 })?;
    let second = faces.get(1).map_or(0.0, |second| second.size / first.size);
    at_most(ReasonCode::MultipleFaces, second, SECOND_FACE_MAX)?;
    Ok(&first.face)
}

/// Refuses a photo by its mesh: the face's position, size and turn.
#[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
pub(crate) fn admit_geometry(found: &Landmarks, photo: &Photo) -> Result<(), Refusal> {
    let mesh = &found.mesh;
    at_least(ReasonCode::NoFace, found.presence, PRESENCE_MIN)?;
    at_least(ReasonCode::FaceTooSmall, mesh.eye_distance() * photo.reduction() as f32, EYE_DISTANCE_MIN)?;
    let (width, height) = (photo.width() as f32, photo.height() as f32);
    let [left, top, right, bottom] = mesh.bounds();
    let filled = ((right - left) / width).max((bottom - top) / height);
    at_most(ReasonCode::FaceTooLarge, filled, FACE_SIDE_MAX)?;
    at_most(ReasonCode::FaceCutOff, features_outside(mesh, [width, height]), FEATURES_OUTSIDE_MAX)?;
    at_most(ReasonCode::PoseTooLarge, turn_degrees(mesh), TURN_DEGREES_MAX)
}

/// The share of the points of brows, eyes and lips that lie outside a photo of this size.
#[expect(clippy::cast_precision_loss, reason = "the features have few points")]
fn features_outside(mesh: &Mesh, size: [f32; 2]) -> f32 {
    let points = || [&RIGHT_BROW[..], &LEFT_BROW, &RIGHT_EYE, &LEFT_EYE, &LIPS].into_iter().flatten();
    let is_outside = |&&point: &&usize| {
        let point = mesh.xy(point);
        (0..2).any(|k| point[k] < 0.0 || point[k] > size[k] - 1.0)
    };
    points().filter(is_outside).count() as f32 / points().count() as f32
}

/// Refuses a head that is turned too far from the template's, in degrees. The fit must compensate this difference.
pub(crate) fn admit_turn(from_template: f32) -> Result<(), Refusal> {
    at_most(ReasonCode::PoseTooLarge, from_template, TURN_FROM_TEMPLATE_MAX)
}

/// Refuses a photo by its pixels. `crop` shows the face and its surroundings, `mesh` is in the crop's pixels.
pub(crate) fn admit_pixels(crop: &RgbImage, mesh: &Mesh) -> Result<(), Refusal> {
    let measures = Measures::of(View { picture: crop, mask: None }, mesh);
    let or_zero = |measured: Option<f32>| measured.unwrap_or(0.0);
    at_least(ReasonCode::TooDark, or_zero(measures.skin_median), SKIN_MEDIAN_MIN)?;
    at_most(ReasonCode::TooBright, or_zero(measures.skin_clipped), SKIN_CLIPPED_MAX)?;
    // A chin outside the photo does not count as covered.
    if let Some(contrast) = measures.lip_contrast {
        at_least(ReasonCode::Occluded, contrast, LIP_CONTRAST_MIN)?;
    }
    // Checked before the eyes, because blur also reduces their contrast and brightness.
    at_least(ReasonCode::TooBlurry, measures.sharpness, SHARPNESS_MIN)?;
    at_least(ReasonCode::Occluded, or_zero(measures.eye_contrast), EYE_CONTRAST_MIN)?;
    at_least(ReasonCode::Occluded, or_zero(measures.eye_light), EYE_LIGHT_MIN)?;
    measures.parts.iter().try_for_each(|part| match part.limit {
        Limit::AtLeast(limit) => at_least(ReasonCode::Occluded, part.measured, limit),
        Limit::AtMost(limit) => at_most(ReasonCode::Occluded, part.measured, limit),
    })
}

/// All measures of a face's pixels and mesh; `None` where a template's mask hides the pixels.
pub(crate) struct Measures {
    /// Distance between the eye centres in pixels.
    pub(crate) eye_distance: f32,
    /// The head's turn away from the camera in degrees.
    pub(crate) turn_degrees: f32,
    /// Median luma of cheeks and nose.
    pub(crate) skin_median: Option<f32>,
    /// Share of cheeks and nose that is overexposed.
    pub(crate) skin_clipped: Option<f32>,
    /// Difference in colour between lips and chin.
    pub(crate) lip_contrast: Option<f32>,
    /// Brightness of the brightest part of the eyes, relative to the skin.
    pub(crate) eye_light: Option<f32>,
    /// Contrast within the eye that has less of it.
    pub(crate) eye_contrast: Option<f32>,
    /// Amount of fine detail around the eyes.
    pub(crate) sharpness: f32,
    /// Measures that show whether a part of the face is covered.
    pub(crate) parts: Vec<PartMeasure>,
}

impl Measures {
    /// Measures the face in a raster; `mesh` is in the raster's pixels.
    pub(crate) fn of(view: View<'_>, mesh: &Mesh) -> Self {
        let light = light::Light::on_skin(view, mesh, &SKIN_PATCHES);
        Self {
            eye_distance: mesh.eye_distance(),
            turn_degrees: turn_degrees(mesh),
            skin_median: light.as_ref().map(|light| light.median),
            skin_clipped: light.map(|light| light.clipped),
            lip_contrast: occlusion::eyes_and_mouth::lip_contrast(view, mesh),
            eye_light: occlusion::eyes_and_mouth::eye_light(view, mesh),
            eye_contrast: occlusion::eyes_and_mouth::eye_contrast(view, mesh),
            sharpness: sharpness::sharpness(view.picture, mesh),
            parts: occlusion::parts::measure_parts(view, mesh),
        }
    }
}

/// The angle between the face's forward direction and the camera's axis, without roll.
fn turn_degrees(mesh: &Mesh) -> f32 {
    // Across: between the outer corners of the eyes. Down: from the brow's middle to the chin's tip.
    let across = difference(mesh.points()[33], mesh.points()[263]);
    let down = difference(mesh.points()[9], mesh.points()[152]);
    let forward = [
        across[1] * down[2] - across[2] * down[1],
        across[2] * down[0] - across[0] * down[2],
        across[0] * down[1] - across[1] * down[0],
    ];
    (forward[0].hypot(forward[1])).atan2(forward[2].abs()).to_degrees()
}

fn difference(from: [f32; 3], to: [f32; 3]) -> [f32; 3] {
    [to[0] - from[0], to[1] - from[1], to[2] - from[2]]
}

fn at_least(reason: ReasonCode, measured: f32, threshold: f32) -> Result<(), Refusal> {
    if measured >= threshold { Ok(()) } else { Err(Refusal { reason, measured, threshold }) }
}

fn at_most(reason: ReasonCode, measured: f32, threshold: f32) -> Result<(), Refusal> {
    if measured <= threshold { Ok(()) } else { Err(Refusal { reason, measured, threshold }) }
}
