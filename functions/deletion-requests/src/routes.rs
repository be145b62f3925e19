//! The routes of deletion requests.

use domain::UnixSeconds;
use jiff::Timestamp;
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::{create, keys, list, show};

/// Passes the request to its endpoint.
pub(crate) async fn route(
    endpoints: &Endpoints,
    request: Request,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let seconds = UnixSeconds::of(now);
    match request.route() {
        "POST /v1/deletion-requests" => create::handle(endpoints, request, now).await,
        "GET /v1/deletion-requests" => list::handle(endpoints, request, seconds).await,
        "GET /v1/deletion-requests/{id}" => show::status(endpoints, request, seconds).await,
        "GET /v1/deletion-requests/{id}/receipt" => show::receipt(endpoints, request).await,
        "GET /v1/receipts/keys" => keys::handle(endpoints).await,
        _ => Err(Problem::not_found("route").into()),
    }
}
