//! The routes of a caller's works.

use domain::UnixSeconds;
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::{delete, list, show};

/// Passes the request to its endpoint.
pub(crate) async fn route(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    match request.route() {
        "GET /v1/works" => list::handle(endpoints, request, now).await,
        "GET /v1/works/{id}" => show::handle(endpoints, request, now).await,
        "DELETE /v1/works/{id}" => delete::handle(endpoints, request, now).await,
        _ => Err(Problem::not_found("route").into()),
    }
}
