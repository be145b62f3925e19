//! `DELETE /v1/favorites/{kind}/{id}`: removes a favorite. The template or work it points to is untouched.

use lambda::{ApiError, Request, Response};

use crate::endpoints::{Endpoints, target};

/// Handles the request. Removing a favorite that does not exist succeeds, so that the app may repeat the request.
pub(crate) async fn handle(endpoints: &Endpoints, request: Request) -> Result<Response, ApiError> {
    let target = target(&request)?;
    if let Some(gate) = endpoints.subjects.find(&request.caller()?).await? {
        endpoints.favorites.delete(gate.subject, &target).await?;
    }
    Ok(Response::no_content())
}
