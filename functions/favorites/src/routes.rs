//! The routes of favorites.

use domain::UnixSeconds;
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::{delete, list, put};

/// Passes the request to its endpoint.
pub(crate) async fn route(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    match request.route() {
        "GET /v1/favorites" => list::handle(endpoints, request, now).await,
        "PUT /v1/favorites/{kind}/{id}" => put::handle(endpoints, request, now).await,
        "DELETE /v1/favorites/{kind}/{id}" => delete::handle(endpoints, request).await,
        _ => Err(Problem::not_found("route").into()),
    }
}
