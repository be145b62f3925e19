//! `GET /v1/deletion-requests/{id}` and `…/receipt`: show status and receipt to anybody who has the request's salt.
//! Both outlive the account, so these routes require no token.

use domain::Salt;
use domain::{Erasure, ErasureState, RequestId, UnixSeconds};
use lambda::{ApiError, Problem, Request, Response};

use crate::endpoints::Endpoints;
use crate::resource::RequestResource;

/// The header that carries the salt. A query parameter would put the salt into the logs of proxies on the way.
const SALT: &str = "erasure-salt";

/// After how many seconds the app should ask again. The states change within minutes.
const RETRY_AFTER_SECONDS: u32 = 60;

/// The media type of a JWS in its compact form (RFC 7515, section 9.2.1).
const JOSE: &str = "application/jose";

/// Handles the request for the status.
pub(crate) async fn status(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let erasure = load_with_salt(endpoints, &request).await?;
    let response = Response::json(200, &RequestResource::of(&erasure, now))?;
    let is_open = !matches!(erasure.state, ErasureState::Verified { .. });
    Ok(if is_open { response.retry_after(RETRY_AFTER_SECONDS) } else { response })
}

/// Handles the request for the signed receipt. 409 until the erasure is verified.
pub(crate) async fn receipt(endpoints: &Endpoints, request: Request) -> Result<Response, ApiError> {
    match load_with_salt(endpoints, &request).await?.state {
        ErasureState::Verified { receipt, .. } => Ok(Response::document(JOSE, receipt)),
        ErasureState::Hidden { .. } | ErasureState::Erased { .. } => {
            let detail =
                "The receipt is available as soon as the erasure is verified; please try again later.";
            let problem = Problem::new(409, "not_verified", "The erasure is not verified yet", detail);
            Err(problem.retry_after(RETRY_AFTER_SECONDS).into())
        }
    }
}

/// Loads the request that the path names, if the salt belongs to it. A wrong salt is answered like an unknown
/// request.
async fn load_with_salt(endpoints: &Endpoints, request: &Request) -> Result<Erasure, ApiError> {
    let not_found = || {
        let detail = "There is no deletion request with this id and this Erasure-Salt header.";
        Problem::new(404, "not_found", "Not found", detail)
    };
    let id: RequestId = request.path("id", "deletion request")?;
    let salt: Salt = request.header(SALT).and_then(|salt| salt.parse().ok()).ok_or_else(not_found)?;
    let erasure = endpoints.erasures.load(id).await?.ok_or_else(not_found)?;
    if erasure.requester.belongs_to(&salt, id) { Ok(erasure) } else { Err(not_found().into()) }
}
