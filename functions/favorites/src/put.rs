//! `PUT /v1/favorites/{kind}/{id}`: marks a template of the catalogue, or a work of the caller, as a favorite.

use cloud::{Closed, SaveOutcome};
use domain::limits::FAVORITES_MAX;
use domain::{FavoriteTarget, TemplateId, UnixSeconds, WorkId};
use lambda::{ApiError, Problem, Request, Response};
use resources::closed;

use crate::endpoints::{Endpoints, target};
use crate::resource::FavoriteResource;

/// Handles the request. A repeated request is answered with the time of the first one.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    let target = target(&request)?;
    match &target {
        FavoriteTarget::Template(template) => check_template_is_listed(endpoints, template).await?,
        FavoriteTarget::Work(work) => check_work_is_visible(endpoints, &request, *work, now).await?,
    }
    let (subjects, identity) = (&endpoints.subjects, request.caller()?);
    let gate =
        subjects.find_or_create(&identity, &endpoints.data_key, now).await?.granted().map_err(closed)?;
    match endpoints.favorites.save(gate, target, now).await? {
        SaveOutcome::Favorite(favorite) => Response::json(200, &FavoriteResource::of(&favorite)),
        SaveOutcome::LimitReached => Err(full().into()),
        SaveOutcome::WorkGone => Err(Problem::not_found("work").into()),
        SaveOutcome::Closed => Err(closed(Closed::Changing).into()),
    }
}

async fn check_template_is_listed(endpoints: &Endpoints, template: &TemplateId) -> Result<(), ApiError> {
    let catalogue = endpoints.templates.catalogue().await?;
    let listed = catalogue.iter().any(|entry| entry.id == *template);
    if listed { Ok(()) } else { Err(Problem::not_found("template").into()) }
}

/// Checks that the work is in the caller's own partition and visible. Otherwise it is not found.
async fn check_work_is_visible(
    endpoints: &Endpoints,
    request: &Request,
    work: WorkId,
    now: UnixSeconds,
) -> Result<(), ApiError> {
    let not_found = || Problem::not_found("work");
    let gate = endpoints.subjects.find(&request.caller()?).await?.ok_or_else(not_found)?;
    let work = endpoints.works.load_own(gate, work).await?.ok_or_else(not_found)?;
    if work.view(now).is_some() { Ok(()) } else { Err(not_found().into()) }
}

fn full() -> Problem {
    let detail = format!("You have {FAVORITES_MAX} favorites, the most that are allowed; remove one first.");
    Problem::new(409, "too_many_favorites", "Too many favorites", detail)
}
