//! The templates bucket: a catalogue, and a folder for each published version of a template. A folder never changes.
//!
//! Layout: `catalogue.json`, and `templates/{id}/{version}/{file}` with `template.json` among the files. A version
//! is pinned by the SHA-256 of its `template.json`, which lists the hashes of the other files.

use std::collections::BTreeMap;

use aws_sdk_s3::primitives::ByteStream;
use domain::{TemplateId, TemplateVersion};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::photos::presigning;
use crate::{CloudError, Connection};

/// The largest template file that is read, in bytes. A 4096 × 4096 PNG is well below it.
const FILE_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// The file that describes a template and lists its other files.
const DESCRIPTION: &str = "template.json";

/// The templates bucket.
#[derive(Debug, Clone)]
pub struct Templates {
    connection: Connection,
    bucket: String,
}

/// A template as the catalogue lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// The template.
    pub id: TemplateId,
    /// The version that a new work gets.
    pub version: u32,
    /// SHA-256 of that version's `template.json`, lower-case hexadecimal.
    pub sha256: String,
    /// The name that the app shows.
    pub title: String,
    /// The licence of the picture.
    pub licence: String,
    /// Width of the picture, and so of a work, in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file name of the thumbnail in the template's folder.
    pub thumbnail: String,
}

/// The files of one version of a template by name. They include the pinned `template.json`.
pub type TemplateFiles = BTreeMap<String, Vec<u8>>;

impl CatalogueEntry {
    /// Returns the version that a new work pins.
    pub fn pinned(&self) -> TemplateVersion {
        TemplateVersion { id: self.id.clone(), version: self.version, sha256: self.sha256.clone() }
    }
}

impl Templates {
    /// Creates the store of the templates in `bucket`.
    pub fn new(connection: &Connection, bucket: String) -> Self {
        Self { connection: connection.clone(), bucket }
    }

    /// Loads the catalogue: every template that users can choose.
    ///
    /// # Errors
    /// When the catalogue is missing or cannot be read.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, CloudError> {
        let bytes = self.file("catalogue.json").await?;
        serde_json::from_slice(&bytes).map_err(CloudError::malformed("the catalogue of templates"))
    }

    /// Signs a URL for a template's thumbnail, valid for `valid_for`.
    ///
    /// # Errors
    /// When the URL cannot be signed.
    pub async fn presign_thumbnail(
        &self,
        entry: &CatalogueEntry,
        valid_for: SignedDuration,
    ) -> Result<String, CloudError> {
        let key = file_key(&entry.id, entry.version, &entry.thumbnail);
        let request = self.connection.s3.get_object().bucket(&self.bucket).key(key);
        let presigned =
            request.presigned(presigning(valid_for)?).await.map_err(CloudError::of("presign GetObject"))?;
        Ok(presigned.uri().to_owned())
    }

    /// Loads the files of exactly the version that a work has pinned.
    ///
    /// # Errors
    /// When a file cannot be read, or the description is not the pinned one. The caller must check that the other
    /// files match the description.
    pub async fn files(&self, pinned: &TemplateVersion) -> Result<TemplateFiles, CloudError> {
        let description = self.file(&file_key(&pinned.id, pinned.version, DESCRIPTION)).await?;
        if hex(&sha2::Sha256::digest(&description)) != pinned.sha256 {
            return Err(CloudError::Malformed { what: "a template that is not the pinned one" });
        }
        let names = listed_files(&description)?;
        let fetched = names.into_iter().map(async |name| {
            let bytes = self.file(&file_key(&pinned.id, pinned.version, &name)).await?;
            Ok::<_, CloudError>((name, bytes))
        });
        let mut files: TemplateFiles =
            futures_util::future::try_join_all(fetched).await?.into_iter().collect();
        files.insert(DESCRIPTION.to_owned(), description);
        Ok(files)
    }

    async fn file(&self, key: &str) -> Result<Vec<u8>, CloudError> {
        let request = self.connection.s3.get_object().bucket(&self.bucket).key(key);
        let object = request.send().await.map_err(CloudError::of("GetObject"))?;
        let bytes = object.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(u64::MAX);
        if bytes > FILE_BYTES_MAX {
            return Err(CloudError::Malformed { what: "a template file over the limit" });
        }
        body(object.body).await
    }
}

async fn body(stream: ByteStream) -> Result<Vec<u8>, CloudError> {
    let body = stream.collect().await.map_err(CloudError::malformed("the body of a template file"))?;
    Ok(body.to_vec())
}

fn file_key(id: &TemplateId, version: u32, file: &str) -> String {
    format!("templates/{id}/{version}/{file}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the names of all files that a description lists.
fn listed_files(description: &[u8]) -> Result<Vec<String>, CloudError> {
    #[derive(Deserialize)]
    struct Description {
        files: BTreeMap<String, File>,
    }
    #[derive(Deserialize)]
    struct File {
        name: String,
    }
    let description: Description = serde_json::from_slice(description)
        .map_err(CloudError::malformed("the description of a template"))?;
    Ok(description.files.into_values().map(|file| file.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_lists_its_files() {
        let description = br#"{"id": "t", "files": {"picture": {"name": "picture.png", "sha256": ""},
            "mesh": {"name": "mesh.json", "sha256": ""}}}"#;
        assert_eq!(listed_files(description).expect("listed"), ["mesh.json", "picture.png"]);
        assert!(listed_files(b"{}").is_err());
    }
}
