//! A deletion request as the app sees it.

use domain::{Erasure, ErasureScope, ErasureState, RequestId, UnixSeconds};
use serde::Serialize;

/// The JSON document of a request: its state, and when it came to each of those it has been in.
#[derive(Serialize)]
pub(crate) struct RequestResource {
    request_id: RequestId,
    scope: ErasureScope,
    status: &'static str,
    received_at: String,
    /// When it will have been done at the latest.
    deadline: String,
    hidden_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<String>,
    /// When the last backup that holds any of it is gone; in the future at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecoverable_at: Option<String>,
}

impl RequestResource {
    /// The document of this request as it stands at `now`.
    pub(crate) fn of(erasure: &Erasure, now: UnixSeconds) -> Self {
        let (hidden_at, erased_at, verified_at, unrecoverable_at) = match &erasure.state {
            ErasureState::Hidden { hidden_at, .. } => (*hidden_at, None, None, None),
            ErasureState::Erased { hidden_at, erased_at, .. } => (*hidden_at, Some(*erased_at), None, None),
            ErasureState::Verified { times, .. } => (
                times.hidden_at,
                Some(times.erased_at),
                Some(times.verified_at),
                Some(times.unrecoverable_at),
            ),
        };
        Self {
            request_id: erasure.id,
            scope: erasure.scope,
            status: erasure.status(now),
            received_at: erasure.received_at.to_rfc3339(),
            deadline: erasure.deadline.to_rfc3339(),
            hidden_at: hidden_at.to_rfc3339(),
            erased_at: erased_at.map(UnixSeconds::to_rfc3339),
            verified_at: verified_at.map(UnixSeconds::to_rfc3339),
            unrecoverable_at: unrecoverable_at.map(UnixSeconds::to_rfc3339),
        }
    }
}
