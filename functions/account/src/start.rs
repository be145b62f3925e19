//! `POST /v1/account`: starts a new account after an erasure, on the user's explicit request. The new account is a
//! new subject; nothing leads from the old subject to it. The request needs a token that was issued after the
//! erasure, because an app may still hold an older token without knowing of the erasure. For all other callers the
//! request makes sure that an account exists.

use cloud::Subjects;
use domain::UnixSeconds;
use lambda::{ApiError, Request, Response};
use resources::closed;
use serde::Serialize;

/// The endpoint, with the store and the key it uses.
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
        let started =
            self.subjects.start_new_account(&identity, request.issued_at(), &self.data_key, now).await?;
        started.granted().map_err(closed)?;
        Response::json(200, &Account { status: "open" })
    }
}
