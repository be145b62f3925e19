//! `GET /v1/deletion-requests/{id}` and `…/receipt`, for whoever has the request's salt: they outlive the account, so no
//! token is asked for.

use domain::receipt::Salt;
use domain::{Erasure, ErasureState, RequestId, UnixSeconds};
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::resource::RequestResource;

/// The header that carries the salt. A query would leave it in the logs of whatever is on the way.
const SALT: &str = "erasure-salt";

/// Seconds until it pays to ask again: the states change within minutes.
const RETRY_AFTER_SECONDS: u32 = 60;

/// The media type of a JWS in its compact form (RFC 7515, section 9.2.1).
const JOSE: &str = "application/jose";

/// How far the request is.
pub(crate) async fn status(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let erasure = requesters(endpoints, &request).await?;
    let response = Response::json(200, &RequestResource::of(&erasure, now))?;
    let is_open = !matches!(erasure.state, ErasureState::Verified { .. });
    Ok(if is_open { response.retry_after(RETRY_AFTER_SECONDS) } else { response })
}

/// The signed receipt, once there is one.
pub(crate) async fn receipt(endpoints: &Endpoints, request: Request) -> Result<Response, ApiError> {
    match requesters(endpoints, &request).await?.state {
        ErasureState::Verified { receipt, .. } => Ok(Response::document(JOSE, receipt)),
        ErasureState::Hidden { .. } | ErasureState::Erased { .. } => {
            let detail = "There is a receipt as soon as the erasure is verified.";
            let problem = Problem::new(409, "not_verified", "The erasure is not verified yet", detail);
            Err(problem.retry_after(RETRY_AFTER_SECONDS).into())
        }
    }
}

/// The request that the path names, if the salt is its own. A wrong salt is answered as an unknown request.
async fn requesters(endpoints: &Endpoints, request: &Request) -> Result<Erasure, ApiError> {
    let not_found = || {
        let detail = "There is no deletion request of this id and Erasure-Salt header.";
        Problem::new(404, "not_found", "Not found", detail)
    };
    let id: RequestId = request.path("id", "deletion request")?;
    let salt: Salt = request.header(SALT).and_then(|salt| salt.parse().ok()).ok_or_else(not_found)?;
    let erasure = endpoints.erasures.load(id).await?.ok_or_else(not_found)?;
    if erasure.requester.is_of(&salt, id) { Ok(erasure) } else { Err(not_found().into()) }
}
