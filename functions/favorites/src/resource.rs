//! A favorite as the app sees it.

use domain::{Favorite, FavoriteKind};
use resources::{TemplateResource, WorkResource};
use serde::Serialize;

/// The JSON document of a favorite; in a list with what it names.
#[derive(Serialize)]
pub(crate) struct FavoriteResource {
    kind: FavoriteKind,
    id: String,
    saved_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    work: Option<WorkResource>,
}

impl FavoriteResource {
    /// The favorite without what it names.
    pub(crate) fn of(favorite: &Favorite) -> Self {
        let (kind, id) = (favorite.target.kind(), favorite.target.id());
        Self { kind, id, saved_at: favorite.saved_at.to_rfc3339(), template: None, work: None }
    }

    /// The favorite with its template.
    pub(crate) fn with_template(self, template: TemplateResource) -> Self {
        Self { template: Some(template), ..self }
    }

    /// The favorite with its work.
    pub(crate) fn with_work(self, work: WorkResource) -> Self {
        Self { work: Some(work), ..self }
    }
}
