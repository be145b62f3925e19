//! The routes of favorites.

use cloud::{Favorites, Pictures, Subjects, Templates, Works};
use domain::{FavoriteTarget, UnixSeconds};
use lambda::{ApiError, Problem, Request, Response};

use crate::{delete, list, put};

/// The stores and the key that the endpoints use.
pub(crate) struct Endpoints {
    pub(crate) subjects: Subjects,
    pub(crate) favorites: Favorites,
    pub(crate) works: Works,
    pub(crate) pictures: Pictures,
    pub(crate) templates: Templates,
    pub(crate) data_key: String,
}

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

/// Parses the template or work that the path names.
pub(crate) fn target(request: &Request) -> Result<FavoriteTarget, Problem> {
    let (kind, id): (String, String) = (request.path("kind", "kind")?, request.path("id", "favorite")?);
    FavoriteTarget::of(&kind, &id).map_err(|_malformed| Problem::not_found("favorite"))
}
