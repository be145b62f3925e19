//! The catalogue with thumbnails the app can show.

use cloud::Templates;
use domain::TemplateId;
use domain::limits::DOWNLOAD_WINDOW;
use lambda::{ApiError, Request, Response};
use serde::Serialize;

#[derive(Serialize)]
struct List {
    templates: Vec<TemplateResource>,
}

#[derive(Serialize)]
struct TemplateResource {
    id: TemplateId,
    version: u32,
    title: String,
    licence: String,
    width: u32,
    height: u32,
    thumbnail_url: String,
}

/// Handles the request. The catalogue is the same for everybody; a caller must only be signed in.
pub(crate) async fn handle(templates: &Templates, request: Request) -> Result<Response, ApiError> {
    request.caller()?;
    let mut list = Vec::new();
    for entry in templates.catalogue().await? {
        let thumbnail_url = templates.presign_thumbnail(&entry, DOWNLOAD_WINDOW).await?;
        let (id, title, licence) = (entry.id, entry.title, entry.licence);
        let (version, width, height) = (entry.version, entry.width, entry.height);
        list.push(TemplateResource { id, version, title, licence, width, height, thumbnail_url });
    }
    Response::json(200, &List { templates: list })
}
