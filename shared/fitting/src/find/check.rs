//! Checks a detection closely, upright and turned; turns photos.

use crate::detect::{Face, detect_around};
use crate::error::FittingError;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn};

/// The least score of a face in a close check. Measured with 60 small portraits, upright and turned, on nine busy
/// pictures, eight beside a cup, and with 45 whole or closely cut portraits whose first detection is not sure: faces
/// score 0.76 and more. Few detections that are not faces score as high, and the mesh network rejects them
/// (`PRESENCE_MIN`).
const FACE_SCORE_MIN: f32 = 0.73;

/// A close check covers a square of this many times the detection's box, also beyond the photo's edge: a face that
/// fills the view scores low.
const VIEW_PER_BOX: f32 = 3.0;

/// If the first check fails, a second one covers a smaller square: masks, drawings and cut-off faces score up to 0.2
/// higher there.
const SECOND_VIEW_PER_BOX: f32 = 2.0;

/// Upright faces score up to 0.98, faces that are not upright in the view 0.9 at most. Above this score no other turn
/// needs to be checked.
const UPRIGHT_SCORE: f32 = 0.92;

/// All orientations of a face.
const TURNS: [Option<QuarterTurn>; 4] =
    [None, Some(QuarterTurn::Right), Some(QuarterTurn::Half), Some(QuarterTurn::Left)];

/// Checks a detection in all four orientations. Returns the face with the score of the view in which it is upright;
/// `None` if there is no face. The photo stays as it is.
pub(super) fn check_closely(
    models: &Models,
    photo: &mut Photo,
    detection: &Face,
) -> Result<Option<Face>, FittingError> {
    let mut best: Option<(Face, Option<QuarterTurn>)> = None;
    for turn in TURNS {
        let face = detect_upright(models, photo, detection, turn, VIEW_PER_BOX)?;
        best = higher_scored(best, face.map(|face| (face, turn)));
        if best.is_some_and(|(face, _)| face.score >= UPRIGHT_SCORE) {
            break;
        }
    }
    let Some((face, turn)) = best else { return Ok(None) };
    let face = if face.score < FACE_SCORE_MIN {
        detect_upright(models, photo, detection, turn, SECOND_VIEW_PER_BOX)?
    } else {
        Some(face)
    };
    Ok(face.filter(|face| face.score >= FACE_SCORE_MIN))
}

fn higher_scored<T>(a: Option<(Face, T)>, b: Option<(Face, T)>) -> Option<(Face, T)> {
    a.into_iter().chain(b).max_by(|a, b| a.0.score.total_cmp(&b.0.score))
}

/// Returns the most probable upright face in a square around a detection, in the photo turned by `turn`.
fn detect_upright(
    models: &Models,
    photo: &mut Photo,
    detection: &Face,
    turn: Option<QuarterTurn>,
    per_box: f32,
) -> Result<Option<Face>, FittingError> {
    let there = turn.map_or(*detection, |turn| detection.turned(turn, (photo.width(), photo.height())));
    let seen = turned(photo, turn, |photo| {
        let mut seen = detect_around(models, photo, there.centre, per_box * detection.side())?;
        // A face whose eyes are not level is upright in another view.
        seen.retain(Face::is_level);
        Ok(seen)
    })?;
    let same = seen.into_iter().filter(|face| face.touches(detection));
    Ok(same.max_by(|a, b| a.score.total_cmp(&b.score)))
}

/// Turns the photo, runs `detect`, and turns the photo and the detections back.
pub(super) fn turned(
    photo: &mut Photo,
    turn: Option<QuarterTurn>,
    detect: impl FnOnce(&Photo) -> Result<Vec<Face>, FittingError>,
) -> Result<Vec<Face>, FittingError> {
    let Some(turn) = turn else { return detect(photo) };
    photo.turn(turn);
    let size = (photo.width(), photo.height());
    let faces = detect(photo);
    photo.turn(turn.back());
    Ok(faces?.iter().map(|face| face.turned(turn.back(), size)).collect())
}

/// Turns the photo so that the first face is upright; returns the faces in the turned photo.
pub(crate) fn upright(photo: &mut Photo, faces: &[Face]) -> Vec<Face> {
    let Some(turn) = faces.first().and_then(Face::turn_upright) else { return faces.to_vec() };
    let size = (photo.width(), photo.height());
    photo.turn(turn);
    faces.iter().map(|face| face.turned(turn, size)).collect()
}
