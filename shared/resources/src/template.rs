//! The JSON document of a template.

use cloud::{CatalogueEntry, CloudError, Templates};
use domain::TemplateId;
use domain::limits::DOWNLOAD_WINDOW;
use serde::Serialize;

/// A template as the app receives it.
#[derive(Serialize)]
pub struct TemplateResource {
    id: TemplateId,
    version: u32,
    title: String,
    licence: String,
    width: u32,
    height: u32,
    thumbnail_url: String,
}

impl TemplateResource {
    /// Creates the document, with a presigned URL for the thumbnail.
    ///
    /// # Errors
    /// When the thumbnail's URL cannot be signed.
    pub async fn of(entry: CatalogueEntry, templates: &Templates) -> Result<Self, CloudError> {
        let thumbnail_url = templates.presign_thumbnail(&entry, DOWNLOAD_WINDOW).await?;
        let (id, title, licence) = (entry.id, entry.title, entry.licence);
        let (version, width, height) = (entry.version, entry.width, entry.height);
        Ok(Self { id, version, title, licence, width, height, thumbnail_url })
    }
}
