//! The search for the faces of a photo: near ones, far ones, lying ones, small ones, in that order.
//!
//! The detectors know faces that are more or less upright and not too small. Where they find nothing in the
//! photo as it is, or nothing sure, it is turned by quarters, then searched in parts. A photo in which the face lies on its
//! side stays turned, so that everything after the search deals with upright faces only.

use std::f32::consts::FRAC_PI_4;

use crate::detect::{Face, detect, detect_far};
use crate::error::FittingError;
use crate::landmarks::landmarks;
use crate::mesh::Mesh;
use crate::models::Models;
use crate::photo::{Photo, QuarterTurn, Region};

/// Upright faces score above this (0.92 to 0.94 on the test pictures), lying ones below (0.64 to 0.88), often
/// with keypoints that do not show it; so below this the photo is also searched turned.
const SURE_SCORE: f32 = 0.9;

/// Parts are half the photo wide and high and overlap by half, so that a face is whole in one of them.
const PARTS_PER_SIDE: usize = 3;

/// The mesh of the largest face, in pixels of the upright photo; `None` when there is no face.
///
/// # Errors
/// [`FittingError::Model`] when a network cannot be run.
pub fn find_mesh(models: &Models, photo: &mut Photo) -> Result<Option<Mesh>, FittingError> {
    let faces = find_faces(models, photo)?;
    faces.first().map(|face| Ok(landmarks(models, photo, face)?.mesh)).transpose()
}

/// The faces of a photo, the largest first; turns the photo when that one lies on its side.
pub(crate) fn find_faces(models: &Models, photo: &mut Photo) -> Result<Vec<Face>, FittingError> {
    let faces = upright_faces(models, photo)?;
    let score = faces.first().map_or(0.0, |face| face.score);
    if score >= SURE_SCORE {
        return Ok(faces);
    }
    match surer_turn(models, photo, score)? {
        Some(turn) => {
            photo.turn(turn);
            upright_faces(models, photo)
        }
        None if faces.is_empty() => faces_in_parts(models, photo),
        None => Ok(faces),
    }
}

fn upright_faces(models: &Models, photo: &Photo) -> Result<Vec<Face>, FittingError> {
    let mut faces = detect(models, photo, photo.whole())?;
    largest_first(&mut faces);
    Ok(faces)
}

/// The quarter turn under which the surest face is found, if it is surer than `score`; the photo is left as
/// it was. A find whose eyes are not level says that the photo was upright before: a head turned aside scores
/// 0.91 on its side and 0.89 upright.
fn surer_turn(models: &Models, photo: &mut Photo, score: f32) -> Result<Option<QuarterTurn>, FittingError> {
    let mut best = (score, None);
    for turn in [QuarterTurn::Right, QuarterTurn::Half, QuarterTurn::Left] {
        photo.turn(turn);
        let faces = detect(models, photo, photo.whole());
        photo.turn(turn.back());
        for face in faces? {
            let is_level = face.roll().abs() < FRAC_PI_4;
            if is_level && face.score > best.0 {
                best = (face.score, Some(turn));
            }
        }
    }
    Ok(best.1)
}

/// Faces too small for the whole view. Parts overlap, so what overlaps the largest face is that face again.
fn faces_in_parts(models: &Models, photo: &Photo) -> Result<Vec<Face>, FittingError> {
    let (width, height) = (photo.width().div_ceil(2), photo.height().div_ceil(2));
    let mut found = Vec::new();
    for row in 0..PARTS_PER_SIDE {
        for column in 0..PARTS_PER_SIDE {
            let (left, top) = (column * (photo.width() - width) / 2, row * (photo.height() - height) / 2);
            found.extend(detect_far(models, photo, Region { left, top, width, height })?);
        }
    }
    largest_first(&mut found);
    let mut faces: Vec<Face> = Vec::new();
    for face in found {
        if faces.iter().all(|other| !other.overlaps(&face)) {
            faces.push(face);
        }
    }
    Ok(faces)
}

fn largest_first(faces: &mut [Face]) {
    faces.sort_by(|a, b| b.area().total_cmp(&a.area()));
}
