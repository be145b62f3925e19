//! `POST /v1/account`: the explicit act by which somebody whose account was erased starts anew, as a new subject to
//! which nothing leads from the old one. It needs a token that was issued after the erasure: an older one may be in the
//! hands of an app that does not know of it. For everybody else it makes sure that there is an account.

use cloud::Subjects;
use domain::UnixSeconds;
use lambda::{ApiError, Request, Response};
use resources::closed;
use serde::Serialize;

/// The endpoint and what it needs.
pub(crate) struct Start {
    pub(crate) subjects: Subjects,
    pub(crate) data_key: String,
}

#[derive(Serialize)]
struct Account {
    status: &'static str,
}

impl Start {
    /// Handles the request.
    pub(crate) async fn handle(&self, request: Request, now: UnixSeconds) -> Result<Response, ApiError> {
        let identity = request.caller()?;
        let started = self.subjects.start_anew(&identity, request.issued_at(), &self.data_key, now).await?;
        started.map_err(closed)?;
        Response::json(200, &Account { status: "open" })
    }
}
