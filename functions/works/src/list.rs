//! `GET /v1/works?limit=…&cursor=…`: the caller's works, newest first.

use domain::limits::PAGE_WORKS_MAX;
use domain::{UnixSeconds, WorkId};
use lambda::{ApiError, Problem, Request, Response};
use serde::Serialize;

use crate::endpoints::Endpoints;
use crate::resource::WorkResource;

#[derive(Serialize)]
struct List {
    works: Vec<WorkResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<WorkId>,
}

/// Handles the request. Works past their period are left out, so a page may be shorter than asked for, or empty,
/// and still have a `next_cursor`.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let limit = limit(&request)?;
    let cursor = cursor(&request)?;
    let Some(gate) = endpoints.subjects.find(&request.caller()?).await? else {
        return Response::json(200, &List { works: Vec::new(), next_cursor: None });
    };
    let page = endpoints.disposal.works.page(gate.subject, cursor, limit).await?;
    let mut works = Vec::with_capacity(page.works.len());
    for work in &page.works {
        works.extend(WorkResource::of(work, &endpoints.disposal.pictures, now).await?);
    }
    Response::json(200, &List { works, next_cursor: page.next })
}

fn limit(request: &Request) -> Result<usize, Problem> {
    let Some(text) = request.query("limit") else { return Ok(PAGE_WORKS_MAX) };
    let number = text.parse().ok().filter(|limit| (1..=PAGE_WORKS_MAX).contains(limit));
    number.ok_or_else(|| {
        Problem::bad_request("invalid_limit", format!("limit is a number from 1 to {PAGE_WORKS_MAX}."))
    })
}

/// Where the page begins: the id of a work, looked for among the caller's own only.
fn cursor(request: &Request) -> Result<Option<WorkId>, Problem> {
    let parse = |text: &str| text.parse().map_err(|_malformed| ());
    let cursor = request.query("cursor").map(parse).transpose();
    cursor
        .map_err(|()| Problem::bad_request("invalid_cursor", "cursor is the next_cursor of the page before."))
}
