//! Making a template out of a picture: find the face, take its mesh, write and hash the files.

use std::collections::BTreeMap;

use domain::ReasonCode;

use super::{
    DESCRIPTION_FILE, FaceChoice, FileEntry, TEMPLATE_LIMITS, Template, TemplateDescription, TemplateFiles,
    fault, mask, unusable,
};
use crate::decode::{Detail, decode};
use crate::encode;
use crate::error::FittingError;
use crate::find::find_faces;
use crate::landmarks::landmarks;
use crate::models::Models;
use crate::outcome::Refusal;

/// The longest id.
const ID_LENGTH_MAX: usize = 64;

/// What an operator says about a new template.
pub struct Draft<'a> {
    /// Its id: lower-case letters, digits and hyphens.
    pub id: &'a str,
    /// Its version.
    pub version: u32,
    /// What the catalogue shows.
    pub title: &'a str,
    /// Under which terms the picture is used.
    pub licence: &'a str,
    /// The picture, in any format that photos may have.
    pub picture: &'a [u8],
    /// A grey picture of the same size; white stays in front of the fitted face.
    pub mask: Option<&'a [u8]>,
    /// Which face is replaced, counted from the largest.
    pub face: usize,
}

/// Makes a template's files and checks that they form one.
///
/// # Errors
/// [`FittingError::Template`] when the id, the picture or the mask cannot be used or the face is not there.
pub fn draft(models: &Models, draft: &Draft<'_>) -> Result<BTreeMap<String, Vec<u8>>, FittingError> {
    let id_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if draft.id.is_empty() || draft.id.len() > ID_LENGTH_MAX || !draft.id.chars().all(id_fits) {
        return Err(fault(format!("{:?} is no id: lower-case letters, digits and hyphens", draft.id)));
    }
    let mut photo = decode(draft.picture, &TEMPLATE_LIMITS, Detail::Full).map_err(unusable)?;
    let size = (photo.width(), photo.height());
    let faces = find_faces(models, &mut photo)?;
    if (photo.width(), photo.height()) != size {
        return Err(fault("the face lies on its side; turn the picture upright first".to_owned()));
    }
    let face = faces
        .get(draft.face)
        .ok_or_else(|| unusable(Refusal { reason: ReasonCode::NoFace, measured: 0.0, threshold: 1.0 }))?;
    let mesh = landmarks(models, &photo, face)?.mesh;
    if let Some(bytes) = draft.mask {
        mask(bytes, size)?;
    }

    // Upright, in sRGB and without any metadata, whatever the operator's file was.
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

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, FittingError> {
    serde_json::to_vec(value).map_err(|e| fault(e.to_string()))
}
