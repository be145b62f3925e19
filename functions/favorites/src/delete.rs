//! `DELETE /v1/favorites/{kind}/{id}`: the favorite is none any more. What it named stays as it is.

use lambda::{ApiError, Request, Response};

use crate::endpoints::{Endpoints, target};

/// Handles the request. To unmark what is not marked is a success, so that the app may repeat it.
pub(crate) async fn handle(endpoints: &Endpoints, request: Request) -> Result<Response, ApiError> {
    let target = target(&request)?;
    if let Some(gate) = endpoints.subjects.find(&request.caller()?).await? {
        endpoints.favorites.delete(gate.subject, &target).await?;
    }
    Ok(Response::no_content())
}
