//! Looking closely at a detection, upright and turned, and turning photos.

use crate::detect::{Face, detect_around};
use crate::error::FittingError;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn};

/// A close look takes in this many times the detection's box, also beyond the photo's edge: a face that fills its view
/// scores low. With twice the box a face of which the box is too small is cut off.
const LOOK_PER_BOX: f32 = 2.5;

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
    let side = LOOK_PER_BOX * detection.side();
    let mut best: Option<Face> = None;
    for turn in TURNS {
        let there = turn.map_or(*detection, |turn| detection.turned(turn, (photo.width(), photo.height())));
        let seen = turned(photo, turn, |photo| {
            let mut seen = detect_around(models, photo, there.centre, side)?;
            // A face whose eyes are not level stands upright in another view.
            seen.retain(Face::is_level);
            Ok(seen)
        })?;
        let same = seen.into_iter().filter(|face| face.touches(detection));
        best = same.chain(best).max_by(|a, b| a.score.total_cmp(&b.score));
        if best.is_some_and(|face| face.score >= UPRIGHT_SCORE) {
            break;
        }
    }
    Ok(best)
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
