//! A work and its transitions. Every transition is a function of the work and the time. Its caller stores the outcome
//! on condition that the state from which it was computed is unchanged.
//!
//! ```text
//! awaiting_upload ──claim──▶ processing ──publish──▶ ready ──expiry──▶ (gone)
//!        │                   │   ▲  └─────fail─────▶ failed ──a day──▶ (gone)
//!        │                   └───┘ reclaim              ▲
//!        └───────────── upload expired ────────────────┘      any of them ──delete──▶ deleting ──▶ (gone)
//! ```

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::limits::{ATTEMPTS_MAX, LEASE, PHOTO_AGE_MAX};
use crate::retention::Record;
use crate::{
    ContentType, LeaseToken, PhotoKey, PhotoSource, ReasonCode, Sha256, SubjectId, TemplateId, UnixSeconds,
    WorkId, WorkObject, WorkObjectKey,
};

/// A user's work, from the request for an upload until it is deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The id of the work.
    pub id: WorkId,
    /// The owner of the work.
    pub subject: SubjectId,
    /// The generation in the account gate under which it was created.
    pub generation: u32,
    /// The kind of the work.
    pub kind: WorkKind,
    /// The template, pinned when the upload was requested.
    pub template: TemplateVersion,
    /// Where the photo comes from.
    pub source: PhotoSource,
    /// When the upload was requested.
    pub created_at: UnixSeconds,
    /// The state of the work.
    #[serde(flatten)]
    pub state: WorkState,
}

/// The kind of a work. Video and audio would be added here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A still picture.
    Picture,
}

/// One version of a template. The hash pins its content, so the face goes onto exactly what was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// The template.
    pub id: TemplateId,
    /// The version, from 1.
    pub version: u32,
    /// SHA-256 of the version's `template.json`, in lower-case hexadecimal. That file lists the hashes of the other
    /// files.
    pub sha256: String,
}

/// The state of a work, with the data of that state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum WorkState {
    /// The app holds a presigned URL.
    AwaitingUpload {
        /// The photo that S3 accepts.
        photo: ExpectedPhoto,
        /// When the URL expires.
        upload_expires_at: UnixSeconds,
    },
    /// A worker holds the lease.
    Processing {
        /// The photo that S3 accepted.
        photo: ExpectedPhoto,
        /// The right to publish, and its end.
        lease: Lease,
        /// How many workers have claimed the work, including this one.
        attempt: u32,
    },
    /// The picture can be fetched.
    Ready {
        /// The attempt that made the picture.
        attempt: u32,
        /// The sizes of the picture.
        picture: Picture,
        /// When the picture was published.
        ready_at: UnixSeconds,
        /// When the work is deleted.
        expires_at: UnixSeconds,
    },
    /// The work failed and has no picture.
    Failed {
        /// How many workers had claimed the work.
        attempt: u32,
        /// Why the work failed.
        failure: Failure,
        /// When the work failed.
        failed_at: UnixSeconds,
    },
    /// The user deleted the work. It is hidden, and its objects are being deleted.
    Deleting {
        /// How many workers had claimed the work.
        attempt: u32,
        /// From when on no worker can store an object of the work any more.
        settled_at: UnixSeconds,
    },
}

/// The photo to which the presigned URL is bound. The row drops the digest when the photo is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedPhoto {
    /// Media type.
    pub content_type: ContentType,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
}

/// A worker's exclusive right to a work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The token that the worker must present when it publishes.
    pub token: LeaseToken,
    /// The id of the worker's Lambda request. It is the same for all attempts at one event.
    pub holder: String,
    /// When the lease expires.
    pub expires_at: UnixSeconds,
}

/// The sizes of a finished picture, which is a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// Why a work failed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The code.
    pub reason: ReasonCode,
    /// The measured value and the threshold that it missed, if a user can act on them. Both are deleted with the row,
    /// within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// A measured value of the photo and its threshold. Values of the face are rounded to two significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The measured value.
    pub value: f64,
    /// The value that was required.
    pub threshold: f64,
}

/// What a worker that received an event must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// Store this work, on condition that the old state is unchanged, and continue.
    Claim(Box<Work>),
    /// Leave everything to another worker, which holds the lease.
    Busy,
    /// Give the work up, because too many workers have died while processing it.
    Exhausted,
    /// Only delete the photo, because the work has ended.
    Finished,
}

/// What the sweep must do about a work at a given time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueAction {
    /// Nothing yet.
    Wait,
    /// Delete the photo and the objects, then mark the work failed.
    Fail(ReasonCode),
    /// Delete the objects, then the row.
    Remove,
}

/// A work as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View<'a> {
    /// The photo has not arrived.
    AwaitingUpload {
        /// When the upload URL expires.
        upload_expires_at: UnixSeconds,
    },
    /// The work is being made.
    Processing,
    /// The work can be fetched.
    Ready {
        /// The attempt that made the picture.
        attempt: u32,
        /// The sizes of the picture.
        picture: &'a Picture,
        /// When the work is deleted.
        expires_at: UnixSeconds,
    },
    /// The work failed.
    Failed(Failure),
}

impl WorkState {
    /// Returns the status as records and the API spell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AwaitingUpload { .. } => "awaiting_upload",
            Self::Processing { .. } => "processing",
            Self::Ready { .. } => "ready",
            Self::Failed { .. } => "failed",
            Self::Deleting { .. } => "deleting",
        }
    }
}

impl Failure {
    /// Creates a failure without a measured value.
    pub fn of(reason: ReasonCode) -> Self {
        Self { reason, measured: None }
    }

    /// Creates a refusal by the quality gate. A size is not a measurement of the face, so it is not rounded.
    pub fn measured(reason: ReasonCode, value: f64, threshold: f64) -> Self {
        let measured = match reason {
            ReasonCode::TooLarge => Measured { value, threshold },
            _ => Measured { value: rounded(value), threshold: rounded(threshold) },
        };
        Self { reason, measured: Some(measured) }
    }
}

/// Rounds to two significant digits. That is enough to explain a refusal, and too little to recognise a photo.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 1.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits);
    (value * scale).round() / scale
}

impl Work {
    /// Returns the key of the photo.
    pub fn photo_key(&self) -> PhotoKey {
        PhotoKey { subject: self.subject, work: self.id }
    }

    /// Returns the key of one object of the work.
    pub fn object_key(&self, attempt: u32, object: WorkObject) -> WorkObjectKey {
        WorkObjectKey { subject: self.subject, work: self.id, attempt, object }
    }

    /// Returns how many workers have claimed the work. Its objects are those of the attempts 1 to this number.
    pub fn attempt(&self) -> u32 {
        match self.state {
            WorkState::AwaitingUpload { .. } => 0,
            WorkState::Processing { attempt, .. }
            | WorkState::Ready { attempt, .. }
            | WorkState::Failed { attempt, .. }
            | WorkState::Deleting { attempt, .. } => attempt,
        }
    }

    /// Tells whether a worker on a request other than `holder` may hold the work.
    pub fn is_held_by_another(&self, now: UnixSeconds, holder: Option<&str>) -> bool {
        matches!(&self.state, WorkState::Processing { lease, .. }
            if now < lease.expires_at && Some(lease.holder.as_str()) != holder)
    }

    /// Decides what a worker on the request `holder` must do with a photo. `token` becomes the token of its lease.
    ///
    /// A lease of the same request is reclaimed at once, because Lambda retries an event only after its last worker
    /// has ended. If that worker is still alive, it has lost its token: it cannot publish, and leaves the photo to
    /// its successor. Objects that it stored are deleted with the work, because the work's attempts include them.
    pub fn claim(&self, now: UnixSeconds, token: LeaseToken, holder: &str) -> Admission {
        if self.is_held_by_another(now, Some(holder)) {
            return Admission::Busy;
        }
        let (photo, attempt) = match &self.state {
            WorkState::AwaitingUpload { photo, .. } => (photo, 0),
            WorkState::Processing { attempt, .. } if *attempt >= ATTEMPTS_MAX => return Admission::Exhausted,
            WorkState::Processing { photo, attempt, .. } => (photo, *attempt),
            WorkState::Ready { .. } | WorkState::Failed { .. } | WorkState::Deleting { .. } => {
                return Admission::Finished;
            }
        };
        let lease = Lease { token, holder: holder.to_owned(), expires_at: now.plus(LEASE) };
        let state = WorkState::Processing { photo: photo.clone(), lease, attempt: attempt + 1 };
        Admission::Claim(Box::new(self.with(state)))
    }

    /// Returns the work as ready, with its picture, to be kept for `period`.
    #[must_use]
    pub fn published(&self, picture: Picture, now: UnixSeconds, period: SignedDuration) -> Self {
        let expires_at = now.plus(period);
        self.with(WorkState::Ready { attempt: self.attempt(), picture, ready_at: now, expires_at })
    }

    /// Returns the work as failed.
    #[must_use]
    pub fn failed(&self, failure: Failure, now: UnixSeconds) -> Self {
        self.with(WorkState::Failed { attempt: self.attempt(), failure, failed_at: now })
    }

    /// Returns the work as deleted by its user: it is hidden from now on. The row stays until no worker can store an
    /// object any more. So even a worker that dies leaves no object without a row.
    #[must_use]
    pub fn deleted(&self, now: UnixSeconds) -> Self {
        let settled_at = match &self.state {
            WorkState::Processing { lease, .. } => lease.expires_at.max(now),
            WorkState::Deleting { settled_at, .. } => *settled_at,
            _ => now,
        };
        self.with(WorkState::Deleting { attempt: self.attempt(), settled_at })
    }

    /// Tells whether the user has deleted the work.
    pub fn is_hidden(&self) -> bool {
        matches!(self.state, WorkState::Deleting { .. })
    }

    /// Returns when the next action is due. [`Work::due_action`] returns the action itself.
    pub fn due_at(&self) -> UnixSeconds {
        match &self.state {
            WorkState::AwaitingUpload { upload_expires_at, .. } => upload_expires_at.plus(PHOTO_AGE_MAX),
            WorkState::Processing { lease, .. } => lease.expires_at.plus(PHOTO_AGE_MAX),
            WorkState::Ready { expires_at, .. } => *expires_at,
            WorkState::Failed { failed_at, .. } => failed_at.plus(Record::FailedWork.retention().period),
            WorkState::Deleting { settled_at, .. } => *settled_at,
        }
    }

    /// Returns the action that is due at `now`.
    pub fn due_action(&self, now: UnixSeconds) -> DueAction {
        if now < self.due_at() {
            return DueAction::Wait;
        }
        match self.state {
            WorkState::AwaitingUpload { .. } => DueAction::Fail(ReasonCode::UploadExpired),
            WorkState::Processing { .. } => DueAction::Fail(ReasonCode::InternalError),
            WorkState::Ready { .. } | WorkState::Failed { .. } | WorkState::Deleting { .. } => {
                DueAction::Remove
            }
        }
    }

    /// Returns what the user sees at `now`, whether or not `purge` has already settled the work. A work past its
    /// period is not visible. A work whose upload URL has expired shows as failed at once.
    ///
    /// S3 accepts a PUT that began while the URL was valid, however long it takes. `synthesize` still claims such a
    /// photo, so its work changes from `upload_expired` to `processing`. No other failure changes.
    pub fn view(&self, now: UnixSeconds) -> Option<View<'_>> {
        match self.due_action(now) {
            DueAction::Remove => return None,
            DueAction::Fail(reason) => return Some(View::Failed(Failure::of(reason))),
            DueAction::Wait => {}
        }
        match &self.state {
            WorkState::AwaitingUpload { upload_expires_at, .. } if now < *upload_expires_at => {
                Some(View::AwaitingUpload { upload_expires_at: *upload_expires_at })
            }
            WorkState::AwaitingUpload { .. } => Some(View::Failed(Failure::of(ReasonCode::UploadExpired))),
            WorkState::Processing { .. } => Some(View::Processing),
            WorkState::Ready { attempt, picture, expires_at, .. } => {
                Some(View::Ready { attempt: *attempt, picture, expires_at: *expires_at })
            }
            WorkState::Failed { failure, .. } => Some(View::Failed(*failure)),
            WorkState::Deleting { .. } => None,
        }
    }

    fn with(&self, state: WorkState) -> Self {
        Self { state, ..self.clone() }
    }
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
