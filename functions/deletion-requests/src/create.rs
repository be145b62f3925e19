//! `POST /v1/deletion-requests`: records what is to be erased and hides it, in one write.
//!
//! The answer holds the salt by which the requester finds status and receipt when there is no account any more. It is
//! told here and stored nowhere; the same request with the same `Idempotency-Key` is told it again while it can be.

use cloud::{Closed, Gate, Opened, Owner, Person, Purpose};
use domain::{ERASURE_WORKING_DAYS, Erasure, ErasureScope, ErasureState, RequestId, UnixSeconds};
use jiff::Timestamp;
use lambda::{ApiError, Problem, Request, Response};
use resources::closed;
use serde::Serialize;

use crate::body::Body;
use crate::endpoints::Endpoints;
use crate::resource::RequestResource;

/// How often a change of the gate that came in between is read and tried over.
const TRIES: u32 = 4;

#[derive(Serialize)]
struct Created {
    #[serde(flatten)]
    request: RequestResource,
    /// Opens status and receipt without signing in.
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
    let person = person(&request)?;
    let seconds = UnixSeconds::of(now);
    for _ in 0..TRIES {
        let owner = endpoints.subjects.owner(&person.identity, &endpoints.data_key, seconds).await?;
        let owner = owner.map_err(closed)?;
        let id = owner.key.request(&idempotency_key);
        if let Some(earlier) = endpoints.erasures.load(id).await? {
            return answer(200, &earlier, &owner, body.scope, seconds);
        }
        let gate = owner.gate.ok_or_else(|| closed(Closed::Erasing))?;
        let erasure = new_erasure(endpoints, gate, &owner, id, body.scope, now);
        let contact = contact.map(|contact| owner.key.seal(Purpose::Contact, contact)).transpose()?;
        match endpoints.erasures.open(gate, &erasure, &person, contact.as_ref()).await? {
            Opened::Opened(opened) => return answer(201, &opened, &owner, body.scope, seconds),
            Opened::Repeated(earlier) => return answer(200, &earlier, &owner, body.scope, seconds),
            Opened::OverQuota => return Err(over_quota(seconds).into()),
            Opened::Closed => {}
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
        let detail = "This Idempotency-Key was sent with another request; send a new key.";
        let title = "The key belongs to another request";
        return Err(Problem::new(422, "idempotency_key_reused", title, detail).into());
    }
    let salt = owner.key.salt(erasure.id).reveal();
    Response::json(status, &Created { request: RequestResource::of(erasure, now), salt })
}

/// The quota counts the days of UTC, so it is open again at the next midnight.
fn over_quota(now: UnixSeconds) -> Problem {
    let detail =
        "Today's deletion requests are used up; those that are open go on. Try again tomorrow (UTC).";
    Problem::new(429, "quota_exceeded", "Too many deletion requests", detail)
        .retry_after(now.until_next_day())
}

/// Who is asking, as the identity provider will have to be told.
fn person(request: &Request) -> Result<Person, Problem> {
    let identity = request.caller()?;
    let (issuer, sub) = request.issuer_and_subject()?;
    let username = request.username().map(str::to_owned);
    Ok(Person { identity, issuer: issuer.to_owned(), sub: sub.to_owned(), username })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_quota_opens_again_at_midnight() {
        let now: Timestamp = "2026-11-18T23:55:00Z".parse().expect("a time");
        assert_eq!(over_quota(UnixSeconds::of(now)).retry_after_seconds(), Some(300));
    }
}
