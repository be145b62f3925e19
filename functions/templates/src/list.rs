//! `GET /v1/templates`: lists the catalogue, with a presigned URL for each thumbnail.

use cloud::Templates;
use lambda::{ApiError, Request, Response};
use resources::TemplateResource;
use serde::Serialize;

#[derive(Serialize)]
struct List {
    templates: Vec<TemplateResource>,
}

/// Handles the request. The catalogue is the same for everybody; a caller must only be signed in.
pub(crate) async fn handle(templates: &Templates, request: Request) -> Result<Response, ApiError> {
    request.caller()?;
    let mut list = Vec::new();
    for entry in templates.catalogue().await? {
        list.push(TemplateResource::of(entry, templates).await?);
    }
    Response::json(200, &List { templates: list })
}
