//! The stores and settings of the endpoints of favorites.

use cloud::{Favorites, Pictures, Subjects, Templates, Works};
use domain::FavoriteTarget;
use lambda::{Problem, Request};

/// The stores and the key that the endpoints use.
pub(crate) struct Endpoints {
    pub(crate) subjects: Subjects,
    pub(crate) favorites: Favorites,
    pub(crate) works: Works,
    pub(crate) pictures: Pictures,
    pub(crate) templates: Templates,
    pub(crate) data_key: String,
}

/// Parses the template or work that the path names.
pub(crate) fn target(request: &Request) -> Result<FavoriteTarget, Problem> {
    let (kind, id): (String, String) = (request.path("kind", "kind")?, request.path("id", "favorite")?);
    FavoriteTarget::of(&kind, &id).map_err(|_malformed| Problem::not_found("favorite"))
}
