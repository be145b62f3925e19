//! `GET /v1/receipts/keys`: publishes the public keys with which anybody can check a receipt, as a JSON Web Key Set
//! (RFC 7517).

use lambda::{ApiError, Response};

use crate::endpoints::Endpoints;

/// How long caches may keep the keys. After a change of the signing key, a cached set lacks the new key for at most
/// this long.
const CACHED_SECONDS: u32 = 300;

/// Handles the request.
pub(crate) async fn handle(endpoints: &Endpoints) -> Result<Response, ApiError> {
    let keys = endpoints.receipt_keys.published().await?;
    Ok(Response::json(200, &keys)?.cached_for(CACHED_SECONDS))
}
