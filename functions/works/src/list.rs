//! `GET /v1/works?limit=…&cursor=…`: lists the caller's works, newest first.

use domain::limits::PAGE_WORKS_MAX;
use domain::{UnixSeconds, WorkId};
use lambda::{ApiError, Request, Response};
use resources::WorkResource;
use serde::Serialize;

use crate::endpoints::Endpoints;

#[derive(Serialize)]
struct List {
    works: Vec<WorkResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<WorkId>,
}

/// Handles the request. Works past their period are left out. So a page may be shorter than `limit`, or empty, and
/// still have a `next_cursor`.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let limit = request.limit(PAGE_WORKS_MAX)?;
    let cursor: Option<WorkId> = request.cursor()?;
    let Some(gate) = endpoints.subjects.find(&request.caller()?).await? else {
        return Response::json(200, &List { works: Vec::new(), next_cursor: None });
    };
    let page = endpoints.work_stores.works.page(gate, cursor, limit).await?;
    let mut works = Vec::with_capacity(page.works.len());
    for work in &page.works {
        works.extend(WorkResource::of(work, &endpoints.work_stores.pictures, now).await?);
    }
    Response::json(200, &List { works, next_cursor: page.next })
}
