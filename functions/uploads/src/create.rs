//! From a request for an upload to a work that waits for its photo.

use std::collections::BTreeMap;

use cloud::{Closed, Gate, Photos, Subjects, Templates, Upload, Uploads, Works, random_bits};
use domain::limits::PHOTO_BYTES_MAX;
use domain::{
    ContentType, ExpectedPhoto, TemplateId, TemplateVersion, UnixSeconds, UploadError, UploadRequest, Work,
    WorkId, WorkKind, WorkState,
};
use jiff::{SignedDuration, Timestamp};
use lambda::{ApiError, Problem, Request, Response};
use resources::closed;
use serde::Serialize;

/// The endpoint and what it needs.
pub(crate) struct Create {
    pub(crate) subjects: Subjects,
    pub(crate) templates: Templates,
    pub(crate) photos: Photos,
    pub(crate) uploads: Uploads,
    pub(crate) works: Works,
    pub(crate) data_key: String,
    pub(crate) storage_key: String,
    pub(crate) window: SignedDuration,
}

/// The answer: the work, and how to send its photo.
#[derive(Serialize)]
struct Created {
    work_id: WorkId,
    status: &'static str,
    upload: PutPhoto,
}

/// One PUT, to be sent to the letter.
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
        let content_type = upload.check().map_err(problem)?;
        let template = self.pin(&upload.template_id).await?;
        let seconds = UnixSeconds::of(now);
        let gate = self.subjects.find_or_create(&identity, &self.data_key, seconds).await?.map_err(closed)?;
        let work = self.new_work(gate, upload, content_type, template, now)?;
        match self.uploads.admit(gate, &work, idempotency_key, now).await? {
            Upload::Created => self.answer(201, &work, seconds).await,
            Upload::Repeated(earlier) => self.repeat(gate, &work, earlier, seconds).await,
            Upload::OverQuota => Err(over_quota().into()),
            Upload::Closed => Err(closed(Closed::Changing).into()),
        }
    }

    /// The version of the template that the work gets, whatever is published afterwards.
    async fn pin(&self, template: &TemplateId) -> Result<TemplateVersion, ApiError> {
        let catalogue = self.templates.catalogue().await?;
        let entry = catalogue.iter().find(|entry| entry.id == *template);
        let detail = "There is no template with this template_id; GET /v1/templates lists those there are.";
        let unknown = || Problem::new(422, "unknown_template", "Unknown template", detail);
        Ok(entry.ok_or_else(unknown)?.pinned())
    }

    fn new_work(
        &self,
        gate: Gate,
        upload: UploadRequest,
        content_type: ContentType,
        template: TemplateVersion,
        now: Timestamp,
    ) -> Result<Work, ApiError> {
        let photo = ExpectedPhoto { content_type, bytes: upload.content_length, sha256: upload.sha256 };
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

    /// Answers a repeated request with the work of the first one, if it asks for the same and can still be met.
    async fn repeat(
        &self,
        gate: Gate,
        asked: &Work,
        earlier: WorkId,
        now: UnixSeconds,
    ) -> Result<Response, ApiError> {
        let earlier = self.works.own(gate, earlier).await?.ok_or_else(spent)?;
        if !asks_for_the_same(asked, &earlier) {
            return Err(key_reused().into());
        }
        self.answer(200, &earlier, now).await
    }

    /// Signs the URL anew each time, for what is left of the window: a presigned URL is never stored.
    async fn answer(&self, status: u16, work: &Work, now: UnixSeconds) -> Result<Response, ApiError> {
        let WorkState::AwaitingUpload { photo, upload_expires_at } = &work.state else {
            return Err(spent().into());
        };
        let left = upload_expires_at.since(now);
        if left <= SignedDuration::ZERO {
            return Err(spent().into());
        }
        let presigned = self.photos.presign(work.photo_key(), photo, &self.storage_key, left).await?;
        let upload = PutPhoto {
            method: "PUT",
            url: presigned.url,
            headers: presigned.headers,
            expires_at: upload_expires_at.to_rfc3339(),
        };
        Response::json(status, &Created { work_id: work.id, status: "awaiting_upload", upload })
    }
}

/// Whether two requests agree in all that the record still holds; the digest is compared while it is there.
fn asks_for_the_same(asked: &Work, earlier: &Work) -> bool {
    let photo = |work: &Work| match &work.state {
        WorkState::AwaitingUpload { photo, .. } | WorkState::Processing { photo, .. } => Some(photo.clone()),
        _ => None,
    };
    let same_photo = photo(earlier).is_none_or(|earlier| Some(earlier) == photo(asked));
    asked.template.id == earlier.template.id && asked.source == earlier.source && same_photo
}

fn problem(error: UploadError) -> Problem {
    match error {
        UploadError::BadFormat => {
            Problem::new(415, "bad_format", "Photos of this type are not read", format!("{error}."))
        }
        UploadError::Empty => Problem::new(422, "empty_photo", "The photo is empty", format!("{error}.")),
        UploadError::TooLarge => {
            let detail = format!("{error}. The limit is {} MiB.", PHOTO_BYTES_MAX >> 20);
            Problem::new(413, "too_large", "The photo is too large", detail)
        }
    }
}

fn over_quota() -> Problem {
    let detail = "Today's uploads are used up; try again tomorrow (UTC).";
    Problem::new(429, "quota_exceeded", "Too many uploads", detail).retry_after(3_600)
}

fn spent() -> Problem {
    let detail =
        "This Idempotency-Key belongs to an upload that is over; follow its work, or send a new key.";
    Problem::new(409, "idempotency_key_spent", "The upload is over", detail)
}

fn key_reused() -> Problem {
    let detail = "This Idempotency-Key was sent with another request; send a new key.";
    Problem::new(422, "idempotency_key_reused", "The key belongs to another request", detail)
}
