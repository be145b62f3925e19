//! Looking closely at a detection, upright and turned, and turning photos.

use crate::detect::{Face, detect_around};
use crate::error::FittingError;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn};

/// The least score of a close look at a face. Measured with 60 small portraits, upright and turned, on nine busy pictures, eight
/// beside a cup, and with 45 whole or closely cut portraits of which the first glance is not sure: faces score 0.76 and
/// more. Of what is no face little scores as high, and the mesh network sees no face there (`PRESENCE_MIN`).
const FACE_SCORE_MIN: f32 = 0.73;

/// A close look takes in this many times the detection's box, also beyond the photo's edge: a face that fills its view
/// scores low.
const LOOK_PER_BOX: f32 = 3.0;

/// What is no face yet is looked at once more, more closely: masks, drawings and faces that are cut off score up to 0.2
/// higher then.
const SECOND_LOOK_PER_BOX: f32 = 2.0;

/// An upright face scores up to 0.98, one that does not stand upright in its view 0.9 at most: above this no other turn
/// needs to be looked at.
const UPRIGHT_SCORE: f32 = 0.92;

/// Every way a face may lie.
const TURNS: [Option<QuarterTurn>; 4] =
    [None, Some(QuarterTurn::Right), Some(QuarterTurn::Half), Some(QuarterTurn::Left)];

/// The face that is seen where something was detected, with the score of the view in which it stands upright; `None` when
/// none is seen. The photo stays as it is.
pub(super) fn close_look(
    models: &Models,
    photo: &mut Photo,
    detection: &Face,
) -> Result<Option<Face>, FittingError> {
    let mut best: Option<(Face, Option<QuarterTurn>)> = None;
    for turn in TURNS {
        let face = look(models, photo, detection, turn, LOOK_PER_BOX)?;
        best = surer(best, face.map(|face| (face, turn)));
        if best.is_some_and(|(face, _)| face.score >= UPRIGHT_SCORE) {
            break;
        }
    }
    let Some((face, turn)) = best else { return Ok(None) };
    let face = if face.score < FACE_SCORE_MIN {
        look(models, photo, detection, turn, SECOND_LOOK_PER_BOX)?
    } else {
        Some(face)
    };
    Ok(face.filter(|face| face.score >= FACE_SCORE_MIN))
}

fn surer<T>(a: Option<(Face, T)>, b: Option<(Face, T)>) -> Option<(Face, T)> {
    a.into_iter().chain(b).max_by(|a, b| a.0.score.total_cmp(&b.0.score))
}

/// The face that is seen upright in a square around a detection, in the photo turned so.
fn look(
    models: &Models,
    photo: &mut Photo,
    detection: &Face,
    turn: Option<QuarterTurn>,
    per_box: f32,
) -> Result<Option<Face>, FittingError> {
    let there = turn.map_or(*detection, |turn| detection.turned(turn, (photo.width(), photo.height())));
    let seen = turned(photo, turn, |photo| {
        let mut seen = detect_around(models, photo, there.centre, per_box * detection.side())?;
        // A face whose eyes are not level stands upright in another view.
        seen.retain(Face::is_level);
        Ok(seen)
    })?;
    let same = seen.into_iter().filter(|face| face.touches(detection));
    Ok(same.max_by(|a, b| a.score.total_cmp(&b.score)))
}

/// Turns the photo, lets `detect` look at it, and turns it and what was detected back.
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

/// Turns the photo so that the first face stands upright; the faces in the turned photo.
pub(crate) fn upright(photo: &mut Photo, faces: &[Face]) -> Vec<Face> {
    let Some(turn) = faces.first().and_then(Face::turn_upright) else { return faces.to_vec() };
    let size = (photo.width(), photo.height());
    photo.turn(turn);
    faces.iter().map(|face| face.turned(turn, size)).collect()
}
