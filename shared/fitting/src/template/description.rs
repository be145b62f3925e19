//! `template.json`: the description of a template, and the hash of each of its other files.
//!
//! The SHA-256 of this file's bytes pins the whole template. A template shows a published picture, so its mesh points
//! may be stored. A user's mesh points never are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::FittingError;
use crate::hash::sha256_hex;

/// The name of the description among a template's files.
pub const DESCRIPTION_FILE: &str = "template.json";

/// The content of `template.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateDescription {
    /// The template's id: lower-case letters, digits and hyphens.
    pub id: String,
    /// Increased with each change of any file.
    pub version: u32,
    /// The title that the catalogue shows.
    pub title: String,
    /// The terms under which the picture is used.
    pub licence: String,
    /// Width of the picture, and so of every work, in pixels.
    pub width: usize,
    /// Height of the picture, and so of every work, in pixels.
    pub height: usize,
    /// The face that is replaced.
    pub face: FaceChoice,
    /// The other files.
    pub files: TemplateFiles,
}

/// The choice of the face to replace in a template's picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceChoice {
    /// Its index among the picture's faces, counted from the largest (0).
    pub index: usize,
    /// Left, top, right, bottom of its mesh in pixels.
    pub bounds: [f32; 4],
}

/// The files besides `template.json`, by purpose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateFiles {
    /// The picture, JPEG or PNG.
    pub picture: FileEntry,
    /// The mesh points: a JSON array of `[x, y, z]` in pixels.
    pub mesh: FileEntry,
    /// A grey PNG of the picture's size; white keeps the template in front of the fitted face.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<FileEntry>,
    /// A small JPEG for the catalogue.
    pub thumbnail: FileEntry,
}

impl TemplateFiles {
    /// All files.
    pub fn all(&self) -> impl Iterator<Item = &FileEntry> {
        [&self.picture, &self.mesh, &self.thumbnail].into_iter().chain(&self.mask)
    }
}

/// One file and its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The file's name inside the template's folder.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl FileEntry {
    /// Makes the entry of a file with this name and content.
    #[must_use]
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), sha256: sha256_hex(bytes) }
    }

    /// Returns the file's bytes if the file exists and has the right hash.
    ///
    /// # Errors
    /// [`FittingError::Template`] when the file is missing or is not the one described.
    pub fn verified<'a>(&self, files: &'a BTreeMap<String, Vec<u8>>) -> Result<&'a [u8], FittingError> {
        let fault = |what| FittingError::Template { message: format!("{} {what}", self.name) };
        let bytes = files.get(&self.name).ok_or_else(|| fault("is missing"))?;
        if sha256_hex(bytes) == self.sha256 { Ok(bytes) } else { Err(fault("has the wrong SHA-256")) }
    }
}

impl TemplateDescription {
    /// Reads `template.json`.
    ///
    /// # Errors
    /// [`FittingError::Template`] when it is not valid.
    pub fn parse(bytes: &[u8]) -> Result<Self, FittingError> {
        serde_json::from_slice(bytes)
            .map_err(|e| FittingError::Template { message: format!("{DESCRIPTION_FILE}: {e}") })
    }
}
