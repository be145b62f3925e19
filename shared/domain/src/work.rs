//! A work and the ways it may change. Every transition is a function of the work and the time; whoever stores
//! the outcome does so on condition that the state it was computed from still stands.
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

/// A user's work, from the request for an upload until nothing of it is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Its id.
    pub id: WorkId,
    /// Whose it is.
    pub subject: SubjectId,
    /// The generation of the subject's gate row under which it was created.
    pub generation: u32,
    /// What it will be.
    pub kind: WorkKind,
    /// The template, pinned when the upload was asked for.
    pub template: TemplateVersion,
    /// Where the photo comes from.
    pub source: PhotoSource,
    /// When the upload was asked for.
    pub created_at: UnixSeconds,
    /// How far it has come.
    #[serde(flatten)]
    pub state: WorkState,
}

/// What a work is. Video and audio join here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A still picture.
    Picture,
}

/// One version of a template: what was published under this hash, and nothing else, is what the face goes onto.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateVersion {
    /// The template.
    pub id: TemplateId,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of its `template.json`, which lists the hashes of its other files; lower-case hexadecimal.
    pub sha256: String,
}

/// How far a work has come, and what is known at that point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum WorkState {
    /// The app holds a presigned URL.
    AwaitingUpload {
        /// What S3 was told to accept.
        photo: ExpectedPhoto,
        /// When the URL stops working.
        upload_expires_at: UnixSeconds,
    },
    /// A worker holds the lease.
    Processing {
        /// What S3 was told to accept.
        photo: ExpectedPhoto,
        /// Who may publish, and until when.
        lease: Lease,
        /// How many workers have claimed it, this one included.
        attempt: u32,
    },
    /// The picture can be fetched.
    Ready {
        /// The attempt that made it.
        attempt: u32,
        /// What it looks like from outside.
        picture: Picture,
        /// When it was published.
        ready_at: UnixSeconds,
        /// When it is deleted.
        expires_at: UnixSeconds,
    },
    /// No picture came of it.
    Failed {
        /// How many workers had claimed it.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// Since when.
        failed_at: UnixSeconds,
    },
    /// The user deleted it: it is shown nowhere, and its objects are being removed.
    Deleting {
        /// How many workers had claimed it.
        attempt: u32,
        /// From when on no worker can write an object of it any more.
        settled_at: UnixSeconds,
    },
}

/// What the presigned URL was bound to. The digest leaves the record with the photo.
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
    /// What the worker must show when it publishes.
    pub token: LeaseToken,
    /// The Lambda request the worker is on: the same for all attempts on one event.
    pub holder: String,
    /// Until when.
    pub expires_at: UnixSeconds,
}

/// A finished picture: JPEG, sizes in pixels and bytes.
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
    /// What was measured and the threshold it missed, where a person can act on them; gone with the row, within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// A measured value of the photo beside its threshold; rounded to two significant digits if it is of the face.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub value: f64,
    /// What it would have had to be.
    pub threshold: f64,
}

/// What a worker that received an event is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Admission {
    /// Store this work, on condition that the old one still stands, and go on.
    Claim(Box<Work>),
    /// Another worker holds the lease: leave everything to it.
    Busy,
    /// Too many workers have died over it: give it up.
    Exhausted,
    /// There is nothing left to do but to delete the photo.
    Finished,
}

/// What is to be done about a work at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueAction {
    /// Nothing yet.
    Wait,
    /// Record that it failed, after its photo and objects are gone.
    Fail(ReasonCode),
    /// Delete its objects, then its row.
    Remove,
}

/// What a work looks like to its user.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View<'a> {
    /// The photo has not arrived.
    AwaitingUpload {
        /// Until when it may.
        upload_expires_at: UnixSeconds,
    },
    /// It is being made.
    Processing,
    /// It can be fetched.
    Ready {
        /// The attempt that made it.
        attempt: u32,
        /// Its sizes.
        picture: &'a Picture,
        /// When it is deleted.
        expires_at: UnixSeconds,
    },
    /// It failed.
    Failed(Failure),
}

impl WorkState {
    /// The status as records and the API spell it.
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
    /// A failure that is not the photo's fault, or about which nothing was measured.
    pub fn of(reason: ReasonCode) -> Self {
        Self { reason, measured: None }
    }

    /// A refusal by the quality gate. The size of a file is no measurement of a face, so it is kept as it is.
    pub fn measured(reason: ReasonCode, value: f64, threshold: f64) -> Self {
        let measured = match reason {
            ReasonCode::TooLarge => Measured { value, threshold },
            _ => Measured { value: rounded(value), threshold: rounded(threshold) },
        };
        Self { reason, measured: Some(measured) }
    }
}

/// Two significant digits: enough to explain a refusal, too little to recognise a photo by.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = 1.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits);
    (value * scale).round() / scale
}

impl Work {
    /// The key of its photo.
    pub fn photo_key(&self) -> PhotoKey {
        PhotoKey { subject: self.subject, work: self.id }
    }

    /// The key of one of its objects.
    pub fn object_key(&self, attempt: u32, object: WorkObject) -> WorkObjectKey {
        WorkObjectKey { subject: self.subject, work: self.id, attempt, object }
    }

    /// How many workers have claimed it: its objects are those of the attempts 1 to this.
    pub fn attempt(&self) -> u32 {
        match self.state {
            WorkState::AwaitingUpload { .. } => 0,
            WorkState::Processing { attempt, .. }
            | WorkState::Ready { attempt, .. }
            | WorkState::Failed { attempt, .. }
            | WorkState::Deleting { attempt, .. } => attempt,
        }
    }

    /// Whether a worker other than those on the request `holder` may be at it.
    pub fn is_held_by_another(&self, now: UnixSeconds, holder: Option<&str>) -> bool {
        matches!(&self.state, WorkState::Processing { lease, .. }
            if now < lease.expires_at && Some(lease.holder.as_str()) != holder)
    }

    /// What a worker on the request `holder` is to do about the photo it was told of; `token` becomes its lease.
    ///
    /// A lease of the same request is reclaimed at once: Lambda tries an event again after its last worker has ended.
    /// Should that worker live all the same, it has lost its token, cannot publish, and leaves the photo to its successor;
    /// what it dies over goes with the work, whose attempts include it.
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

    /// The work with its picture, kept for `period`.
    #[must_use]
    pub fn published(&self, picture: Picture, now: UnixSeconds, period: SignedDuration) -> Self {
        let expires_at = now.plus(period);
        self.with(WorkState::Ready { attempt: self.attempt(), picture, ready_at: now, expires_at })
    }

    /// The work without a picture.
    #[must_use]
    pub fn failed(&self, failure: Failure, now: UnixSeconds) -> Self {
        self.with(WorkState::Failed { attempt: self.attempt(), failure, failed_at: now })
    }

    /// The work as its user leaves it when deleting it: shown nowhere from now on. Its row stays until no worker
    /// can write an object any more, so that even a worker that dies cannot leave one that no row names.
    #[must_use]
    pub fn deleted(&self, now: UnixSeconds) -> Self {
        let settled_at = match &self.state {
            WorkState::Processing { lease, .. } => lease.expires_at.max(now),
            WorkState::Deleting { settled_at, .. } => *settled_at,
            _ => now,
        };
        self.with(WorkState::Deleting { attempt: self.attempt(), settled_at })
    }

    /// Whether its user has deleted it.
    pub fn is_hidden(&self) -> bool {
        matches!(self.state, WorkState::Deleting { .. })
    }

    /// When something is next to be done about it; what, [`Work::due_action`] says then.
    pub fn due_at(&self) -> UnixSeconds {
        match &self.state {
            WorkState::AwaitingUpload { upload_expires_at, .. } => upload_expires_at.plus(PHOTO_AGE_MAX),
            WorkState::Processing { lease, .. } => lease.expires_at.plus(PHOTO_AGE_MAX),
            WorkState::Ready { expires_at, .. } => *expires_at,
            WorkState::Failed { failed_at, .. } => failed_at.plus(Record::FailedWork.retention().period),
            WorkState::Deleting { settled_at, .. } => *settled_at,
        }
    }

    /// What is to be done about it now.
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

    /// What its user sees at `now`, whatever `purge` has settled: nothing that is past its period, and an upload URL
    /// that has run out as a failure at once.
    ///
    /// S3 accepts a PUT that began while the URL was valid, however long it takes. Such a photo is still claimed, and
    /// its work goes from `upload_expired` to `processing`. No other failure changes.
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
