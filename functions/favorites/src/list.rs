//! `GET /v1/favorites?limit=…&cursor=…`: lists the caller's favorites, newest first, each with its template or work.

use cloud::CatalogueEntry;
use domain::limits::PAGE_FAVORITES_MAX;
use domain::{Favorite, FavoriteTarget, FavoritesPage, TemplateId, UnixSeconds, Work};
use lambda::{ApiError, Request, Response};
use resources::{TemplateResource, WorkResource};
use serde::Serialize;

use crate::endpoints::Endpoints;
use crate::resource::FavoriteResource;

#[derive(Serialize)]
struct List {
    favorites: Vec<FavoriteResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Handles the request. A favorite is left out if its work is deleted or past its period, or if its template has left
/// the catalogue. So a page may be shorter than `limit`, or empty, and still have a `next_cursor`.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let limit = request.limit(PAGE_FAVORITES_MAX)?;
    let cursor: Option<Favorite> = request.cursor()?;
    let Some(gate) = endpoints.subjects.find(&request.caller()?).await? else {
        return Response::json(200, &List { favorites: Vec::new(), next_cursor: None });
    };
    let all = endpoints.favorites.all(gate).await?;
    let page = FavoritesPage::of(all, cursor.as_ref(), limit);
    let works = page.favorites.iter().filter_map(|favorite| match favorite.target {
        FavoriteTarget::Work(work) => Some(work),
        FavoriteTarget::Template(_) => None,
    });
    let works = endpoints.favorites.works(gate, &works.collect::<Vec<_>>()).await?;
    let catalogue = load_catalogue(endpoints, &page).await?;
    let mut favorites = Vec::with_capacity(page.favorites.len());
    for favorite in &page.favorites {
        favorites.extend(favorite_resource(endpoints, favorite, &works, &catalogue, now).await?);
    }
    Response::json(200, &List { favorites, next_cursor: page.next.map(|next| next.to_string()) })
}

/// Loads the catalogue, if the page holds a template. Otherwise the list is empty.
async fn load_catalogue(
    endpoints: &Endpoints,
    page: &FavoritesPage,
) -> Result<Vec<CatalogueEntry>, ApiError> {
    let is_template = |favorite: &Favorite| matches!(favorite.target, FavoriteTarget::Template(_));
    if page.favorites.iter().any(is_template) {
        Ok(endpoints.templates.catalogue().await?)
    } else {
        Ok(Vec::new())
    }
}

/// Creates the favorite's document with its template or work. `None` when that is no longer visible.
async fn favorite_resource(
    endpoints: &Endpoints,
    favorite: &Favorite,
    works: &[Work],
    catalogue: &[CatalogueEntry],
    now: UnixSeconds,
) -> Result<Option<FavoriteResource>, ApiError> {
    let resource = FavoriteResource::of(favorite);
    Ok(match &favorite.target {
        FavoriteTarget::Template(id) => template_resource(endpoints, id, catalogue)
            .await?
            .map(|template| resource.with_template(template)),
        FavoriteTarget::Work(id) => match works.iter().find(|work| work.id == *id) {
            Some(work) => {
                WorkResource::of(work, &endpoints.pictures, now).await?.map(|work| resource.with_work(work))
            }
            None => None,
        },
    })
}

async fn template_resource(
    endpoints: &Endpoints,
    id: &TemplateId,
    catalogue: &[CatalogueEntry],
) -> Result<Option<TemplateResource>, ApiError> {
    let Some(entry) = catalogue.iter().find(|entry| entry.id == *id) else { return Ok(None) };
    Ok(Some(TemplateResource::of(entry.clone(), &endpoints.templates).await?))
}
