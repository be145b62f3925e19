//! Makes a template from a picture: finds the face, computes its mesh, writes and hashes the files.

use std::collections::BTreeMap;

use super::{
    DESCRIPTION_FILE, FaceChoice, FileEntry, TEMPLATE_LIMITS, Template, TemplateDescription, TemplateFiles,
    fault, mask, unusable,
};
use crate::decode::{Detail, decode};
use crate::encode;
use crate::error::FittingError;
use crate::find::find_faces;
use crate::landmarks::{Landmarks, PRESENCE_MIN, landmarks};
use crate::mesh::Mesh;
use crate::models::Models;

/// The longest id, in bytes.
const ID_LENGTH_MAX: usize = 64;

/// The least distance between the eye centres, in pixels. Below it an iris has fewer than five pixels, and a work
/// shows no recognisable face. Most false detections are smaller, too.
const EYE_DISTANCE_MIN: f32 = 32.0;

/// An operator's input for a new template.
pub struct Draft<'a> {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: &'a str,
    /// Its version.
    pub version: u32,
    /// The title that the catalogue shows.
    pub title: &'a str,
    /// The terms under which the picture is used.
    pub licence: &'a str,
    /// The picture, in any format that photos may have.
    pub picture: &'a [u8],
    /// A grey picture of the same size; white keeps the template in front of the fitted face.
    pub mask: Option<&'a [u8]>,
    /// The index of the face to replace, counted from the largest (0).
    pub face: usize,
}

/// Makes a template's files and checks that they are a valid template.
///
/// # Errors
/// [`FittingError::Template`] when the id, the picture or the mask cannot be used, or the picture has no such face.
pub fn draft(models: &Models, draft: &Draft<'_>) -> Result<BTreeMap<String, Vec<u8>>, FittingError> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if draft.id.is_empty() || draft.id.len() > ID_LENGTH_MAX || !draft.id.chars().all(is_allowed) {
        return Err(fault(format!(
            "{:?} is not a valid id: use 1 to {ID_LENGTH_MAX} lower-case letters, digits and hyphens",
            draft.id
        )));
    }
    let mut photo = decode(draft.picture, &TEMPLATE_LIMITS, Detail::Full).map_err(unusable)?;
    let size = (photo.width(), photo.height());
    let faces = find_faces(models, &mut photo)?;
    if (photo.width(), photo.height()) != size {
        return Err(fault("the face lies on its side; turn the picture upright first".to_owned()));
    }
    let face = faces.get(draft.face).ok_or_else(|| fault(no_such_face(draft.face, faces.len())))?;
    let mesh = usable(landmarks(models, &photo, face)?)?;
    if let Some(bytes) = draft.mask {
        mask(bytes, size)?;
    }

    // Upright, in sRGB and without metadata, whatever the operator's file is.
    let picture = photo.upright();
    let mut files = BTreeMap::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        let entry = FileEntry::of(name, &bytes);
        files.insert(name.to_owned(), bytes);
        entry
    };
    let description = TemplateDescription {
        id: draft.id.to_owned(),
        version: draft.version,
        title: draft.title.to_owned(),
        licence: draft.licence.to_owned(),
        width: size.0,
        height: size.1,
        face: FaceChoice { index: draft.face, bounds: mesh.bounds() },
        files: TemplateFiles {
            picture: add("picture.png", encode::png(&picture, None)?),
            mesh: add("mesh.json", json(&mesh.points())?),
            mask: draft.mask.map(|bytes| add("mask.png", bytes.to_vec())),
            thumbnail: add("thumbnail.jpg", encode::thumbnail(&picture, None)?),
        },
    };
    let mut text = serde_json::to_vec_pretty(&description).map_err(|e| fault(e.to_string()))?;
    text.push(b'\n');
    files.insert(DESCRIPTION_FILE.to_owned(), text);
    Template::from_files(&files)?;
    Ok(files)
}

/// The message for a face number, counted from 0, that does not exist among `found` faces.
fn no_such_face(number: usize, found: usize) -> String {
    match found {
        0 => "there is no face in the picture".to_owned(),
        1 => format!("there is no face {number}: the picture has one face, number 0"),
        _ => format!(
            "there is no face {number}: the picture has {found} faces, numbered from 0 to {}",
            found - 1
        ),
    }
}

/// Returns the mesh if it is a face's and the face is large enough to be replaced.
fn usable(found: Landmarks) -> Result<Mesh, FittingError> {
    if found.presence < PRESENCE_MIN {
        return Err(fault(
            "the detection is not a face; use another picture, or --face for the next face".to_owned(),
        ));
    }
    let eyes = found.mesh.eye_distance();
    if eyes < EYE_DISTANCE_MIN {
        return Err(fault(format!(
            "the face is too small: its eyes are {eyes:.0} pixels apart and must be at least {EYE_DISTANCE_MIN:.0}; \
             use a larger picture"
        )));
    }
    Ok(found.mesh)
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, FittingError> {
    serde_json::to_vec(value).map_err(|e| fault(e.to_string()))
}
