//! `GET /v1/works/{id}`: shows one work, with `Retry-After` while it is being made.

use domain::{UnixSeconds, Work, WorkId};
use lambda::{ApiError, Problem, Request, Response};
use resources::WorkResource;

use crate::endpoints::Endpoints;

/// Handles the request.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let work = load_own_work(endpoints, &request).await?;
    let pictures = &endpoints.work_stores.pictures;
    let resource = WorkResource::of(&work, pictures, now).await?.ok_or_else(|| Problem::not_found("work"))?;
    let response = Response::json(200, &resource)?;
    Ok(match work.retry_after(now) {
        Some(seconds) => response.retry_after(seconds),
        None => response,
    })
}

/// Loads the work that the path names, only from the caller's own partition. So the work of another user is not
/// found.
pub(crate) async fn load_own_work(endpoints: &Endpoints, request: &Request) -> Result<Work, ApiError> {
    let not_found = || Problem::not_found("work");
    let id: WorkId = request.path("id", "work")?;
    let gate = endpoints.subjects.find(&request.caller()?).await?.ok_or_else(not_found)?;
    let work = endpoints.work_stores.works.load_own(gate, id).await?;
    Ok(work.ok_or_else(not_found)?)
}
