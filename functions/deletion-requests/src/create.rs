//! `POST /v1/deletion-requests`: records an erasure and hides the data, in one write.
//!
//! The answer holds the salt with which the requester reads status and receipt after the account is gone. The salt is
//! stored nowhere. A repeated request with the same `Idempotency-Key` gets it again for as long as the subject's key
//! exists.

use cloud::{Closed, Gate, OpenOutcome, Owner, Purpose, RequesterIdentity};
use domain::{ERASURE_WORKING_DAYS, Erasure, ErasureScope, ErasureState, RequestId, UnixSeconds};
use jiff::Timestamp;
use lambda::{ApiError, Problem, Request, Response};
use resources::closed;
use serde::Serialize;

use crate::body::Body;
use crate::endpoints::Endpoints;
use crate::resource::RequestResource;

/// How often the request is tried when another request changes the account gate first.
const TRIES: u32 = 4;

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    request: RequestResource,
    /// Gives access to status and receipt without signing in.
    salt: String,
}

/// Handles the request.
pub(crate) async fn handle(
    endpoints: &Endpoints,
    request: Request,
    now: Timestamp,
) -> Result<Response, ApiError> {
    let idempotency_key = request.idempotency_key()?.to_owned();
    let body: Body = request.json()?;
    let contact = body.contact()?;
    let requester = requester(&request)?;
    let seconds = UnixSeconds::of(now);
    for _ in 0..TRIES {
        let owner = endpoints.subjects.owner(&requester.identity, &endpoints.data_key, seconds).await?;
        let owner = owner.granted().map_err(closed)?;
        let id = owner.key.request(&idempotency_key);
        if let Some(earlier) = endpoints.erasures.load(id).await? {
            return answer(200, &earlier, &owner, body.scope, seconds);
        }
        let gate = owner.gate.ok_or_else(|| closed(Closed::Erasing))?;
        let erasure = new_erasure(endpoints, gate, &owner, id, body.scope, now);
        let contact = contact.map(|contact| owner.key.seal(Purpose::Contact, contact)).transpose()?;
        match endpoints.erasures.open(gate, &erasure, &requester, contact.as_ref()).await? {
            OpenOutcome::Opened(opened) => return answer(201, &opened, &owner, body.scope, seconds),
            OpenOutcome::Repeated(earlier) => return answer(200, &earlier, &owner, body.scope, seconds),
            OpenOutcome::OverQuota => return Err(over_quota(seconds).into()),
            OpenOutcome::Closed => {}
        }
    }
    Err(closed(Closed::Changing).into())
}

fn new_erasure(
    endpoints: &Endpoints,
    gate: Gate,
    owner: &Owner,
    id: RequestId,
    scope: ErasureScope,
    now: Timestamp,
) -> Erasure {
    let (deadline, now) = (endpoints.working_days.deadline(now, ERASURE_WORKING_DAYS), UnixSeconds::of(now));
    Erasure {
        id,
        scope,
        received_at: now,
        deadline: UnixSeconds::of(deadline),
        requester: owner.key.salt(id).requester(id),
        state: ErasureState::Hidden { reach: gate.reach(scope), hidden_at: now, leased_until: None },
    }
}

fn answer(
    status: u16,
    erasure: &Erasure,
    owner: &Owner,
    scope: ErasureScope,
    now: UnixSeconds,
) -> Result<Response, ApiError> {
    if erasure.scope != scope {
        let detail = "This Idempotency-Key was used for a different request; send a new key.";
        let title = "The key belongs to another request";
        return Err(Problem::new(422, "idempotency_key_reused", title, detail).into());
    }
    let salt = owner.key.salt(erasure.id).reveal();
    Response::json(status, &Created { request: RequestResource::of(erasure, now), salt })
}

/// Answers that the day's quota is used up. A day ends at midnight UTC.
fn over_quota(now: UnixSeconds) -> Problem {
    let detail = "You have used up today's deletion requests; open ones continue. Try again tomorrow (UTC).";
    Problem::new(429, "quota_exceeded", "Too many deletion requests", detail)
        .retry_after(now.until_next_day())
}

/// Returns the requester, with what the identity provider must be told later.
fn requester(request: &Request) -> Result<RequesterIdentity, Problem> {
    let identity = request.caller()?;
    let (issuer, sub) = request.issuer_and_subject()?;
    let username = request.username().map(str::to_owned);
    Ok(RequesterIdentity { identity, issuer: issuer.to_owned(), sub: sub.to_owned(), username })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_quota_is_available_again_at_midnight_utc() {
        let now: Timestamp = "2026-11-18T23:55:00Z".parse().expect("a time");
        assert_eq!(over_quota(UnixSeconds::of(now)).retry_after_seconds(), Some(300));
    }
}
