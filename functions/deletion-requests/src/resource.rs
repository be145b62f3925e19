//! The JSON document of a deletion request.

use domain::{Erasure, ErasureScope, ErasureState, RequestId, UnixSeconds};
use serde::Serialize;

/// A deletion request as the app receives it: its state, and when it reached each state so far.
#[derive(Serialize)]
pub(crate) struct RequestResource {
    request_id: RequestId,
    scope: ErasureScope,
    status: &'static str,
    received_at: String,
    /// When the erasure must be done at the latest.
    deadline: String,
    hidden_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<String>,
    /// When the last backup that holds erased data expires. At first this time is in the future.
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecoverable_at: Option<String>,
}

impl RequestResource {
    /// Creates the document of this request as it is at `now`.
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
