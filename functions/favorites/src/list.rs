//! `GET /v1/favorites?limit=…&cursor=…`: the caller's favorites with what they name, newest first.

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

/// Handles the request. A favorite whose work is deleted or past its period, or whose template has left the catalogue,
/// is left out, so a page may be shorter than asked for, or empty, and still have a `next_cursor`.
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
    let catalogue = catalogue(endpoints, &page).await?;
    let mut favorites = Vec::with_capacity(page.favorites.len());
    for favorite in &page.favorites {
        favorites.extend(shown(endpoints, favorite, &works, &catalogue, now).await?);
    }
    Response::json(200, &List { favorites, next_cursor: page.next.map(|next| next.to_string()) })
}

/// The catalogue, if the page has any template.
async fn catalogue(endpoints: &Endpoints, page: &FavoritesPage) -> Result<Vec<CatalogueEntry>, ApiError> {
    let is_template = |favorite: &Favorite| matches!(favorite.target, FavoriteTarget::Template(_));
    if page.favorites.iter().any(is_template) {
        Ok(endpoints.templates.catalogue().await?)
    } else {
        Ok(Vec::new())
    }
}

/// The favorite with what it names, unless there is nothing to see of that.
async fn shown(
    endpoints: &Endpoints,
    favorite: &Favorite,
    works: &[Work],
    catalogue: &[CatalogueEntry],
    now: UnixSeconds,
) -> Result<Option<FavoriteResource>, ApiError> {
    let resource = FavoriteResource::of(favorite);
    Ok(match &favorite.target {
        FavoriteTarget::Template(id) => {
            template(endpoints, id, catalogue).await?.map(|template| resource.with_template(template))
        }
        FavoriteTarget::Work(id) => match works.iter().find(|work| work.id == *id) {
            Some(work) => {
                WorkResource::of(work, &endpoints.pictures, now).await?.map(|work| resource.with_work(work))
            }
            None => None,
        },
    })
}

async fn template(
    endpoints: &Endpoints,
    id: &TemplateId,
    catalogue: &[CatalogueEntry],
) -> Result<Option<TemplateResource>, ApiError> {
    let Some(entry) = catalogue.iter().find(|entry| entry.id == *id) else { return Ok(None) };
    Ok(Some(TemplateResource::of(entry.clone(), &endpoints.templates).await?))
}
