//! An erasure, from the user's request until the last backup of its data has expired.
//!
//! ```text
//! received ─▶ hidden ──first pass──▶ erased ──verify pass──▶ verified ──backups expire──▶ unrecoverable ──▶ (gone)
//!    └─ one write ┘                    ▲  └─found something─┐
//!                                      └───────────────────┘
//! ```
//!
//! One write records a request and hides its data, so neither exists without the other. This module computes the next
//! step and its time. Its caller stores the outcome on condition that the state it was computed from still stands.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::receipt::Requester;
use crate::retention::Record;
use crate::{ESCALATION_AFTER, RequestId, SubjectId, UnixSeconds};

/// What is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureScope {
    /// Every work made until now.
    Works,
    /// Every favorite marked until now.
    Favorites,
    /// Everything: works, favorites, photos on their way, the subject, and the link to the person.
    Account,
}

/// A request for an erasure, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: RequestId,
    /// What is to be erased.
    pub scope: ErasureScope,
    /// When it was asked for.
    pub received_at: UnixSeconds,
    /// When it must be done at the latest.
    pub deadline: UnixSeconds,
    /// How the requester proves to be the requester.
    pub requester: Requester,
    /// How far it has come.
    #[serde(flatten)]
    pub state: ErasureState,
}

/// The subject whose data an erasure reaches, and how far: data of earlier generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The subject.
    pub subject: SubjectId,
    /// Works of earlier generations than this.
    pub works_before: u32,
    /// Favorites of earlier generations than this.
    pub favorites_before: u32,
}

/// How far an erasure has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ErasureState {
    /// Its data is visible to nobody.
    Hidden {
        /// What is to be erased.
        reach: Reach,
        /// Since when.
        hidden_at: UnixSeconds,
        /// The end of the last lease on it, noted before the rows that hold leases are deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        leased_until: Option<UnixSeconds>,
    },
    /// Everything was deleted once. A worker that began before the hiding may still have stored something.
    Erased {
        /// What the verify pass looks for.
        reach: Reach,
        /// Since when it was hidden.
        hidden_at: UnixSeconds,
        /// When everything was deleted.
        erased_at: UnixSeconds,
        /// When nobody can store anything any more, so that the verify pass may run.
        look_again_at: UnixSeconds,
    },
    /// A verify pass found nothing.
    Verified {
        /// What a restored backup must be cleared of; `None` when there is no such backup any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        reach: Option<Reach>,
        /// The times, which the receipt states too.
        #[serde(flatten)]
        times: ErasureTimes,
        /// The signed receipt.
        receipt: String,
    },
}

/// When a verified erasure reached each of its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureTimes {
    /// When its data was hidden.
    pub hidden_at: UnixSeconds,
    /// When everything was deleted.
    pub erased_at: UnixSeconds,
    /// When a verify pass found nothing.
    pub verified_at: UnixSeconds,
    /// When the last backup with any of it expires.
    pub unrecoverable_at: UnixSeconds,
}

/// The next step of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureStep {
    /// Nothing is due.
    Wait,
    /// Delete what it reaches.
    Erase(Reach),
    /// Run the verify pass: look for anything that is left, and delete it.
    LookAgain(Reach),
    /// Forget the subject and the contact: no backup is left to be cleared.
    Forget(Reach),
    /// Remove the request itself.
    Remove,
}

impl Erasure {
    /// When the next step is due; [`Erasure::step`] says which it is.
    pub fn due_at(&self) -> UnixSeconds {
        match &self.state {
            ErasureState::Hidden { hidden_at, .. } => *hidden_at,
            ErasureState::Erased { look_again_at, .. } => *look_again_at,
            ErasureState::Verified { reach: Some(_), times, .. } => times.unrecoverable_at,
            ErasureState::Verified { reach: None, .. } => {
                self.received_at.plus(Record::Erasure.retention().period)
            }
        }
    }

    /// The step that is due at `now`.
    pub fn step(&self, now: UnixSeconds) -> ErasureStep {
        if now < self.due_at() {
            return ErasureStep::Wait;
        }
        match &self.state {
            ErasureState::Hidden { reach, .. } => ErasureStep::Erase(*reach),
            ErasureState::Erased { reach, .. } => ErasureStep::LookAgain(*reach),
            ErasureState::Verified { reach: Some(reach), .. } => ErasureStep::Forget(*reach),
            ErasureState::Verified { reach: None, .. } => ErasureStep::Remove,
        }
    }

    /// The erasure with a note of the last lease. It must be stored before the rows that hold leases are deleted.
    #[must_use]
    pub fn leased(&self, until: UnixSeconds) -> Self {
        let ErasureState::Hidden { reach, hidden_at, leased_until } = self.state else { return self.clone() };
        let leased_until = Some(leased_until.map_or(until, |noted| noted.max(until)));
        self.with(ErasureState::Hidden { reach, hidden_at, leased_until })
    }

    /// The erasure after everything was deleted at `now`. The verify pass is due when nobody can store anything any
    /// more: after the last lease, and after the last upload URL has expired and uploads under way have had as long
    /// again (`upload_window`, twice).
    ///
    /// URLs for downloads do not count, because their objects are deleted.
    #[must_use]
    pub fn erased(&self, now: UnixSeconds, upload_window: SignedDuration) -> Self {
        let ErasureState::Hidden { reach, hidden_at, leased_until } = self.state else {
            return self.clone();
        };
        let uploaded_until = match self.scope {
            ErasureScope::Works | ErasureScope::Account => hidden_at.plus(upload_window * 2),
            ErasureScope::Favorites => hidden_at,
        };
        let look_again_at = leased_until.map_or(uploaded_until, |lease| lease.max(uploaded_until));
        self.with(ErasureState::Erased { reach, hidden_at, erased_at: now, look_again_at })
    }

    /// The erasure after a verify pass that found and deleted something: another must follow.
    #[must_use]
    pub fn found_more(&self, now: UnixSeconds, upload_window: SignedDuration) -> Self {
        let ErasureState::Erased { reach, hidden_at, .. } = self.state else { return self.clone() };
        let look_again_at = now.plus(upload_window);
        self.with(ErasureState::Erased { reach, hidden_at, erased_at: now, look_again_at })
    }

    /// The times of a verification at `now`, for the receipt; `None` before the verify pass is due.
    pub fn verification(&self, now: UnixSeconds) -> Option<ErasureTimes> {
        match self.state {
            ErasureState::Erased { hidden_at, erased_at, look_again_at, .. } if look_again_at <= now => {
                let unrecoverable_at = now.plus(Record::Backup.retention().period);
                Some(ErasureTimes { hidden_at, erased_at, verified_at: now, unrecoverable_at })
            }
            _ => None,
        }
    }

    /// The erasure after a verify pass that found nothing, with its receipt.
    #[must_use]
    pub fn verified(&self, times: ErasureTimes, receipt: String) -> Self {
        let ErasureState::Erased { reach, .. } = self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: Some(reach), times, receipt })
    }

    /// The erasure without its subject.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        let ErasureState::Verified { times, receipt, .. } = &self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: None, times: *times, receipt: receipt.clone() })
    }

    /// What a restored copy of the records must be cleared of; `None` when no copy can hold it any more.
    pub fn reach(&self) -> Option<Reach> {
        match &self.state {
            ErasureState::Hidden { reach, .. } | ErasureState::Erased { reach, .. } => Some(*reach),
            ErasureState::Verified { reach, .. } => *reach,
        }
    }

    /// Whether the account is closed and its identity still leads to the subject, so that a copy needs a closed gate.
    pub fn keeps_gate_closed(&self) -> bool {
        self.scope == ErasureScope::Account && matches!(self.state, ErasureState::Hidden { .. })
    }

    /// Whether it has been open for so long that an operator must look at it, days before the deadline.
    pub fn is_overdue(&self, now: UnixSeconds) -> bool {
        let is_open = !matches!(self.state, ErasureState::Verified { .. });
        is_open && now.since(self.received_at) >= ESCALATION_AFTER
    }

    /// The state at `now`, as the API spells it.
    pub fn status(&self, now: UnixSeconds) -> &'static str {
        match &self.state {
            ErasureState::Hidden { .. } => "hidden",
            ErasureState::Erased { .. } => "erased",
            ErasureState::Verified { times, .. } if times.unrecoverable_at <= now => "unrecoverable",
            ErasureState::Verified { .. } => "verified",
        }
    }

    /// The state as the record spells it.
    pub fn state_name(&self) -> &'static str {
        match &self.state {
            ErasureState::Hidden { .. } => "hidden",
            ErasureState::Erased { .. } => "erased",
            ErasureState::Verified { .. } => "verified",
        }
    }

    fn with(&self, state: ErasureState) -> Self {
        Self { state, ..self.clone() }
    }
}

#[cfg(test)]
#[path = "erasure_tests.rs"]
mod tests;
