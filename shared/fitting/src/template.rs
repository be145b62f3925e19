//! A template: the picture that a user chose, with the mesh of the face that is replaced.
//!
//! On disk or in a bucket it is a folder of files that `template.json` describes. In memory it holds everything that
//! can be computed before a photo arrives. [`draft`] makes a template from a picture.

mod check;
mod description;
mod draft;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

pub use check::{Concern, concerns};
pub use description::{DESCRIPTION_FILE, FaceChoice, FileEntry, TemplateDescription, TemplateFiles};
pub use draft::{Draft, draft};

use domain::ReasonCode;

use crate::compose::PreparedTemplate;
use crate::decode::{Detail, Limits, decode};
use crate::error::FittingError;
use crate::hash::sha256_hex;
use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};
use crate::refusal::Refusal;

/// Limits on a template's picture: 4096 pixels a side.
pub const TEMPLATE_LIMITS: Limits =
    Limits { photo_bytes_max: 64 << 20, pixels_max: 4096 * 4096, side_max: 4096 };

/// A template ready to be fitted onto.
pub struct Template {
    description: TemplateDescription,
    hash: String,
    prepared: PreparedTemplate,
}

impl Template {
    /// Builds a template from its files (by name) and checks each against its hash.
    ///
    /// # Errors
    /// [`FittingError::Template`] when a file is missing, has another hash, or contradicts the description.
    pub fn from_files(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, FittingError> {
        let json =
            files.get(DESCRIPTION_FILE).ok_or_else(|| fault(format!("{DESCRIPTION_FILE} is missing")))?;
        let description = TemplateDescription::parse(json)?;
        let named = &description.files;
        let picture = picture(named.picture.verified(files)?)?;
        let size = (picture.width(), picture.height());
        if size != (description.width, description.height) {
            return Err(fault(format!("the picture's size differs from the size in {DESCRIPTION_FILE}")));
        }
        let mesh = mesh(named.mesh.verified(files)?)?;
        let mask = named.mask.as_ref().map(|entry| mask(entry.verified(files)?, size)).transpose()?;
        named.thumbnail.verified(files)?;
        let prepared = PreparedTemplate::new(picture, &mesh, mask);
        Ok(Self { description, hash: sha256_hex(json), prepared })
    }

    /// Reads a template from its folder.
    ///
    /// # Errors
    /// [`FittingError::Read`] when a file cannot be read, otherwise as [`Template::from_files`].
    pub fn open(dir: &Path) -> Result<Self, FittingError> {
        Self::from_files(&read_files(dir)?)
    }

    /// The content of `template.json`.
    #[must_use]
    pub fn description(&self) -> &TemplateDescription {
        &self.description
    }

    /// The hash that pins the template: the SHA-256 of `template.json` in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The picture and everything computed from it.
    pub(crate) fn prepared(&self) -> &PreparedTemplate {
        &self.prepared
    }
}

/// Reads the files of a template's folder that its description names.
///
/// # Errors
/// [`FittingError::Read`] when a file cannot be read, [`FittingError::Template`] when the description is not
/// valid.
pub fn read_files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, FittingError> {
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read(&path).map_err(|source| FittingError::Read { path, source })
    };
    let json = read(DESCRIPTION_FILE)?;
    let description = TemplateDescription::parse(&json)?;
    let mut files = BTreeMap::from([(DESCRIPTION_FILE.to_owned(), json)]);
    for entry in description.files.all() {
        // Anyone may have written the description: no name may lead out of the folder.
        if entry.name.contains(['/', '\\']) {
            return Err(fault(format!("{} is not a plain file name", entry.name)));
        }
        files.insert(entry.name.clone(), read(&entry.name)?);
    }
    Ok(files)
}

/// Reads a template's mesh points.
fn mesh(json: &[u8]) -> Result<Mesh, FittingError> {
    let points = serde_json::from_slice(json).map_err(|e| fault(format!("mesh: {e}")))?;
    Mesh::from_points(points).ok_or_else(|| fault("the mesh is incomplete or not finite".to_owned()))
}

/// Decodes a template's picture.
fn picture(bytes: &[u8]) -> Result<RgbImage, FittingError> {
    Ok(decode(bytes, &TEMPLATE_LIMITS, Detail::Full).map_err(unusable)?.upright())
}

/// Decodes a mask; white keeps the template in front of the face.
fn mask(bytes: &[u8], (width, height): (usize, usize)) -> Result<GreyImage, FittingError> {
    let grey = picture(bytes)?.data().iter().step_by(3).copied().collect();
    GreyImage::from_raw(width, height, grey)
        .ok_or_else(|| fault("the mask's size differs from the picture's".to_owned()))
}

/// Turns a refusal of a template's picture into an error for the operator.
fn unusable(refusal: Refusal) -> FittingError {
    fault(match refusal.reason {
        ReasonCode::BadFormat => "the picture is not a JPEG, PNG or WebP".to_owned(),
        ReasonCode::TooLarge => format!(
            "the picture is too large: a template has at most {} pixels a side and {} MiB",
            TEMPLATE_LIMITS.side_max,
            TEMPLATE_LIMITS.photo_bytes_max >> 20
        ),
        ReasonCode::CorruptImage => "the picture is damaged".to_owned(),
        reason => format!("the picture cannot be used: {}", reason.as_str()),
    })
}

fn fault(message: String) -> FittingError {
    FittingError::Template { message }
}
