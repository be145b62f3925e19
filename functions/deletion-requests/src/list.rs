//! `GET /v1/deletion-requests?limit=…&cursor=…`: lists the caller's requests, for as long as the account exists.

use cloud::{Access, Purpose};
use domain::limits::PAGE_REQUESTS_MAX;
use domain::{RequestId, UnixSeconds};
use lambda::{ApiError, Request, Response};
use serde::Serialize;

use crate::endpoints::Endpoints;
use crate::resource::RequestResource;

#[derive(Serialize)]
struct List {
    deletion_requests: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<RequestId>,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    request: RequestResource,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
}

/// Handles the request.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let limit = request.limit(PAGE_REQUESTS_MAX)?;
    let cursor: Option<RequestId> = request.cursor()?;
    let identity = request.caller()?;
    let mut list = List { deletion_requests: Vec::new(), next_cursor: None };
    // A caller without a subject, or whose subject is being erased, gets an empty list.
    if let Some(gate) = endpoints.subjects.find(&identity).await?
        && let Access::Open(owner) = endpoints.subjects.owner(&identity, &endpoints.data_key, now).await?
    {
        let (page, next) = endpoints.erasures.page(gate.subject, cursor, limit).await?;
        for listed in page {
            let Some(erasure) = endpoints.erasures.load(listed.id).await? else { continue };
            let contact =
                listed.contact.map(|sealed| owner.key.open(Purpose::Contact, &sealed)).transpose()?;
            list.deletion_requests.push(Listed { request: RequestResource::of(&erasure, now), contact });
        }
        list.next_cursor = next;
    }
    Response::json(200, &list)
}
