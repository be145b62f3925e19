//! A template as the app sees it.

use cloud::{CatalogueEntry, CloudError, Templates};
use domain::TemplateId;
use domain::limits::DOWNLOAD_WINDOW;
use serde::Serialize;

/// The JSON document of a template.
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
    /// The template with a thumbnail the app can show.
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
