//! The JSON document of a favorite.

use domain::{Favorite, FavoriteKind};
use resources::{TemplateResource, WorkResource};
use serde::Serialize;

/// A favorite as the app receives it. In a list it holds its template or work.
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
    /// Creates the document without the template or work.
    pub(crate) fn of(favorite: &Favorite) -> Self {
        let (kind, id) = (favorite.target.kind(), favorite.target.id());
        Self { kind, id, saved_at: favorite.saved_at.to_rfc3339(), template: None, work: None }
    }

    /// Adds the template.
    pub(crate) fn with_template(self, template: TemplateResource) -> Self {
        Self { template: Some(template), ..self }
    }

    /// Adds the work.
    pub(crate) fn with_work(self, work: WorkResource) -> Self {
        Self { work: Some(work), ..self }
    }
}
