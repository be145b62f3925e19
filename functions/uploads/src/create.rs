//! `POST /v1/uploads`: creates a work that waits for its photo, and answers with a presigned PUT.

use std::collections::BTreeMap;

use cloud::{
    Addresses, AdmitOutcome, CatalogueEntry, Closed, Gate, Photos, Subjects, Templates, Uploads, Works,
    random_bits,
};
use domain::limits::{UPLOAD_SLOT, UPLOADS_PER_SLOT_MAX};
use domain::{
    ExpectedPhoto, IdentityHash, TemplateId, TemplateVersion, UnixSeconds, UploadError, UploadRequest, Work,
    WorkId, WorkKind, WorkState,
};
use jiff::{SignedDuration, Timestamp};
use lambda::{ApiError, Problem, Request, Response};
use resources::closed;
use serde::Serialize;

/// The endpoint, with the stores and settings it uses.
pub(crate) struct Create {
    pub(crate) subjects: Subjects,
    pub(crate) templates: Templates,
    pub(crate) photos: Photos,
    pub(crate) uploads: Uploads,
    pub(crate) addresses: Addresses,
    /// How many uploads one network address may request in one slot; 0 means no limit.
    pub(crate) per_address_max: u32,
    pub(crate) works: Works,
    pub(crate) data_key: String,
    pub(crate) window: SignedDuration,
}

/// The answer: the work, and how to upload its photo.
#[derive(Serialize)]
struct Created {
    work_id: WorkId,
    status: &'static str,
    upload: PutPhoto,
}

/// The PUT request that the app must send exactly as given.
#[derive(Serialize)]
struct PutPhoto {
    method: &'static str,
    url: String,
    headers: BTreeMap<String, String>,
    expires_at: String,
}

impl Create {
    /// Handles `POST /v1/uploads`.
    pub(crate) async fn handle(&self, request: Request, now: Timestamp) -> Result<Response, ApiError> {
        let identity = request.caller()?;
        let idempotency_key = request.idempotency_key()?;
        let upload: UploadRequest = request.json()?;
        let photo = expected_photo(&upload)?;
        let seconds = UnixSeconds::of(now);
        self.check_address(&request, seconds).await?;
        let Some(template) = self.pin(&upload.template_id).await? else {
            return self.repeat_withdrawn(&identity, &upload, &photo, idempotency_key, seconds).await;
        };
        let gate = self
            .subjects
            .find_or_create(&identity, &self.data_key, seconds)
            .await?
            .granted()
            .map_err(closed)?;
        let work = self.new_work(gate, &upload, photo.clone(), template, now)?;
        match self.uploads.admit(&identity, gate, &work, idempotency_key, now).await? {
            AdmitOutcome::Created => self.answer(201, &work, seconds).await,
            AdmitOutcome::Repeated(earlier) => self.repeat(gate, &upload, &photo, earlier, seconds).await,
            AdmitOutcome::OverQuota => Err(over_quota(seconds).into()),
            AdmitOutcome::OverSlot(until) => Err(over_slot(until.since(seconds)).into()),
            AdmitOutcome::Closed => Err(closed(Closed::Changing).into()),
        }
    }

    /// Refuses a request from a network address that has requested too many uploads, whoever the callers were.
    async fn check_address(&self, request: &Request, now: UnixSeconds) -> Result<(), ApiError> {
        let Some(address) = request.source_address().filter(|_address| self.per_address_max > 0) else {
            return Ok(());
        };
        if self.addresses.admit(address, self.per_address_max, now).await? {
            return Ok(());
        }
        Err(address_over_quota(left_of_slot(now)).into())
    }

    /// Returns the current version of the template. The work keeps this version, whatever is published later. `None`
    /// when the catalogue does not list the template.
    async fn pin(&self, template: &TemplateId) -> Result<Option<TemplateVersion>, ApiError> {
        let catalogue = self.templates.catalogue().await?;
        Ok(catalogue.iter().find(|entry| entry.id == *template).map(CatalogueEntry::pinned))
    }

    /// Answers a request for a template that the catalogue does not list. A repeated request still gets its earlier
    /// answer: its work has pinned the template's version, and the files of a version stay.
    async fn repeat_withdrawn(
        &self,
        identity: &IdentityHash,
        asked: &UploadRequest,
        photo: &ExpectedPhoto,
        idempotency_key: &str,
        now: UnixSeconds,
    ) -> Result<Response, ApiError> {
        let gate = self.subjects.find(identity).await?.ok_or_else(unknown_template)?;
        let earlier = self.uploads.earlier(gate, idempotency_key, now).await?.ok_or_else(unknown_template)?;
        self.repeat(gate, asked, photo, earlier, now).await
    }

    fn new_work(
        &self,
        gate: Gate,
        upload: &UploadRequest,
        photo: ExpectedPhoto,
        template: TemplateVersion,
        now: Timestamp,
    ) -> Result<Work, ApiError> {
        let created_at = UnixSeconds::of(now);
        Ok(Work {
            id: WorkId::new(now, random_bits()?),
            subject: gate.subject,
            generation: gate.works,
            kind: WorkKind::Picture,
            template,
            source: upload.source,
            created_at,
            state: WorkState::AwaitingUpload { photo, upload_expires_at: created_at.plus(self.window) },
        })
    }

    /// Answers a repeated request with the first request's work, if both ask for the same and the upload is still
    /// open.
    async fn repeat(
        &self,
        gate: Gate,
        asked: &UploadRequest,
        photo: &ExpectedPhoto,
        earlier: WorkId,
        now: UnixSeconds,
    ) -> Result<Response, ApiError> {
        let earlier = self.works.load_own(gate, earlier).await?.ok_or_else(spent)?;
        if !asks_for_the_same(asked, photo, &earlier) {
            return Err(key_reused().into());
        }
        self.answer(200, &earlier, now).await
    }

    /// Answers with the work and a newly signed URL, valid for the rest of the window. A presigned URL is never
    /// stored.
    async fn answer(&self, status: u16, work: &Work, now: UnixSeconds) -> Result<Response, ApiError> {
        let WorkState::AwaitingUpload { photo, upload_expires_at } = &work.state else {
            return Err(spent().into());
        };
        let left = upload_expires_at.since(now);
        if left <= SignedDuration::ZERO {
            return Err(spent().into());
        }
        let presigned = self.photos.presign(work.photo_key(), photo, left).await?;
        let upload = PutPhoto {
            method: "PUT",
            url: presigned.url,
            headers: presigned.headers,
            expires_at: upload_expires_at.to_rfc3339(),
        };
        Response::json(status, &Created { work_id: work.id, status: "awaiting_upload", upload })
    }
}

/// Tells whether a request asks for the same as the earlier one. Only what the row still holds can be compared; it
/// holds the photo's size, type and digest only until the work is done.
fn asks_for_the_same(asked: &UploadRequest, photo: &ExpectedPhoto, earlier: &Work) -> bool {
    let same_photo = match &earlier.state {
        WorkState::AwaitingUpload { photo: earlier, .. } | WorkState::Processing { photo: earlier, .. } => {
            earlier == photo
        }
        _ => true,
    };
    asked.template_id == earlier.template.id && asked.source == earlier.source && same_photo
}

/// Returns the photo that the request announces, if it may be uploaded.
fn expected_photo(upload: &UploadRequest) -> Result<ExpectedPhoto, Problem> {
    let content_type = upload.check().map_err(problem)?;
    Ok(ExpectedPhoto { content_type, bytes: upload.content_length, sha256: upload.sha256.clone() })
}

fn unknown_template() -> Problem {
    let detail = "There is no template with this template_id; GET /v1/templates lists all templates.";
    Problem::new(422, "unknown_template", "Unknown template", detail)
}

fn problem(error: UploadError) -> Problem {
    match error {
        UploadError::BadFormat => {
            Problem::new(415, "bad_format", "Photos of this type are not accepted", format!("{error}."))
        }
        UploadError::Empty => Problem::new(422, "empty_photo", "The photo is empty", format!("{error}.")),
        UploadError::TooLarge => {
            Problem::new(413, "too_large", "The photo is too large", format!("{error}."))
        }
    }
}

/// Answers that the day's quota is used up. A day ends at midnight UTC.
fn over_quota(now: UnixSeconds) -> Problem {
    let detail = "You have used all of today's uploads; try again tomorrow (UTC).";
    Problem::new(429, "quota_exceeded", "Too many uploads", detail).retry_after(now.until_next_day())
}

fn over_slot(wait: SignedDuration) -> Problem {
    let detail = format!(
        "At most {UPLOADS_PER_SLOT_MAX} uploads are allowed in {} minutes; try again later.",
        UPLOAD_SLOT.as_mins()
    );
    Problem::new(429, "too_many_uploads", "Too many uploads at once", detail).retry_after(seconds_of(wait))
}

fn address_over_quota(wait: SignedDuration) -> Problem {
    let detail = "Too many uploads come from your network address; try again later or from another network.";
    Problem::new(429, "address_quota_exceeded", "Too many uploads from this address", detail)
        .retry_after(seconds_of(wait))
}

/// Returns the time left of the slot that contains `now`.
fn left_of_slot(now: UnixSeconds) -> SignedDuration {
    SignedDuration::from_secs(UPLOAD_SLOT.as_secs() - now.as_second().rem_euclid(UPLOAD_SLOT.as_secs()))
}

fn seconds_of(wait: SignedDuration) -> u32 {
    u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX)
}

fn spent() -> Problem {
    let detail =
        "This Idempotency-Key belongs to an upload that has ended; follow its work, or send a new key.";
    Problem::new(409, "idempotency_key_spent", "The upload has ended", detail)
}

fn key_reused() -> Problem {
    let detail = "This Idempotency-Key was used for a different request; send a new key.";
    Problem::new(422, "idempotency_key_reused", "The key belongs to another request", detail)
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
