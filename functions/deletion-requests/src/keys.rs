//! `GET /v1/receipts/keys`: the public keys by which anybody can check a receipt, as a JSON Web Key Set (RFC 7517).

use lambda::{ApiError, Response};

use crate::endpoints::Endpoints;

/// Handles the request.
pub(crate) async fn handle(endpoints: &Endpoints) -> Result<Response, ApiError> {
    Response::json(200, &endpoints.receipt_keys.published().await?)
}
