//! An erasure, from the user's request until the last backup of its data has expired.
//!
//! ```text
//! received ─▶ hidden ──first pass──▶ erased ──verify pass──▶ verified ──backups expire──▶ unrecoverable ──▶ (gone)
//!    └─ one write ┘                    ▲  └─found something─┐
//!                                      └───────────────────┘
//! ```
//!
//! One write records a request and hides its data, so neither exists without the other. This module computes the next
//! step and its time. Its caller stores the outcome on condition that the state from which it was computed is
//! unchanged.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::retention::Record;
use crate::salt::Requester;
use crate::{ESCALATION_AFTER, RequestId, SubjectId, UnixSeconds};

/// What is to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureScope {
    /// Every work made until now.
    Works,
    /// Every favorite marked until now.
    Favorites,
    /// Everything: works, favorites, photos under way, the subject, and the link to the person.
    Account,
}

/// A request for an erasure, and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The id of the request.
    pub id: RequestId,
    /// What is to be erased.
    pub scope: ErasureScope,
    /// When the request was received.
    pub received_at: UnixSeconds,
    /// When the erasure must be done at the latest.
    pub deadline: UnixSeconds,
    /// The value that the requester's salt must match.
    pub requester: Requester,
    /// The state of the erasure.
    #[serde(flatten)]
    pub state: ErasureState,
}

/// The data that an erasure reaches: a subject's works and favorites of earlier generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The subject.
    pub subject: SubjectId,
    /// The erasure reaches works of generations below this one.
    pub works_before: u32,
    /// The erasure reaches favorites of generations below this one.
    pub favorites_before: u32,
}

/// The state of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ErasureState {
    /// The data is visible to nobody.
    Hidden {
        /// What is to be erased.
        reach: Reach,
        /// Since when the data has been hidden.
        hidden_at: UnixSeconds,
        /// The end of the last lease on the data, stored before the rows that hold leases are deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        leased_until: Option<UnixSeconds>,
    },
    /// Everything was deleted once. A worker that began before the hiding may have stored something afterwards.
    Erased {
        /// What the verify pass must check.
        reach: Reach,
        /// Since when the data has been hidden.
        hidden_at: UnixSeconds,
        /// When everything was deleted.
        erased_at: UnixSeconds,
        /// When the verify pass may run, because nobody can store anything any more.
        look_again_at: UnixSeconds,
    },
    /// A verify pass found nothing.
    Verified {
        /// What must be deleted from a restored backup. `None` once no backup holds the data any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        reach: Option<Reach>,
        /// The times, which the receipt also states.
        #[serde(flatten)]
        times: ErasureTimes,
        /// The signed receipt.
        receipt: String,
    },
}

/// When a verified erasure reached each of its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureTimes {
    /// When the data was hidden.
    pub hidden_at: UnixSeconds,
    /// When everything was deleted.
    pub erased_at: UnixSeconds,
    /// When a verify pass found nothing.
    pub verified_at: UnixSeconds,
    /// When the last backup that holds erased data expires.
    pub unrecoverable_at: UnixSeconds,
}

/// The next step of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureStep {
    /// Nothing is due.
    Wait,
    /// Delete everything in reach.
    Erase(Reach),
    /// Run the verify pass: check for data that is left, and delete it.
    VerifyPass(Reach),
    /// Delete the subject's id and the contact from the request, because no backup holds the data any more.
    Forget(Reach),
    /// Remove the request itself.
    Remove,
}

impl Erasure {
    /// Returns when the next step is due. [`Erasure::step`] returns the step itself.
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

    /// Returns the step that is due at `now`.
    pub fn step(&self, now: UnixSeconds) -> ErasureStep {
        if now < self.due_at() {
            return ErasureStep::Wait;
        }
        match &self.state {
            ErasureState::Hidden { reach, .. } => ErasureStep::Erase(*reach),
            ErasureState::Erased { reach, .. } => ErasureStep::VerifyPass(*reach),
            ErasureState::Verified { reach: Some(reach), .. } => ErasureStep::Forget(*reach),
            ErasureState::Verified { reach: None, .. } => ErasureStep::Remove,
        }
    }

    /// Returns the erasure with the end of the last lease. Store it before the rows that hold leases are deleted.
    #[must_use]
    pub fn leased(&self, until: UnixSeconds) -> Self {
        let ErasureState::Hidden { reach, hidden_at, leased_until } = self.state else { return self.clone() };
        let leased_until = Some(leased_until.map_or(until, |noted| noted.max(until)));
        self.with(ErasureState::Hidden { reach, hidden_at, leased_until })
    }

    /// Returns the erasure after everything was deleted at `now`. The verify pass is due when nobody can store
    /// anything any more. That is after the last lease, and after twice `upload_window`: by then the last upload URL
    /// has expired, and uploads under way have had as long again.
    ///
    /// Download URLs do not matter, because their objects are deleted.
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

    /// Returns the erasure after a verify pass that found and deleted something. Another pass must follow.
    #[must_use]
    pub fn found_more(&self, now: UnixSeconds, upload_window: SignedDuration) -> Self {
        let ErasureState::Erased { reach, hidden_at, .. } = self.state else { return self.clone() };
        let look_again_at = now.plus(upload_window);
        self.with(ErasureState::Erased { reach, hidden_at, erased_at: now, look_again_at })
    }

    /// Returns the times for the receipt of a verification at `now`. `None` before the verify pass is due.
    pub fn verification(&self, now: UnixSeconds) -> Option<ErasureTimes> {
        match self.state {
            ErasureState::Erased { hidden_at, erased_at, look_again_at, .. } if look_again_at <= now => {
                let unrecoverable_at = now.plus(Record::Backup.retention().period);
                Some(ErasureTimes { hidden_at, erased_at, verified_at: now, unrecoverable_at })
            }
            _ => None,
        }
    }

    /// Returns the erasure after a verify pass that found nothing, with its receipt.
    #[must_use]
    pub fn verified(&self, times: ErasureTimes, receipt: String) -> Self {
        let ErasureState::Erased { reach, .. } = self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: Some(reach), times, receipt })
    }

    /// Returns the erasure without its reach, and so without the subject's id.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        let ErasureState::Verified { times, receipt, .. } = &self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: None, times: *times, receipt: receipt.clone() })
    }

    /// Returns what must be deleted from a restored copy of the records. `None` when no copy can hold the data any
    /// more.
    pub fn reach(&self) -> Option<Reach> {
        match &self.state {
            ErasureState::Hidden { reach, .. } | ErasureState::Erased { reach, .. } => Some(*reach),
            ErasureState::Verified { reach, .. } => *reach,
        }
    }

    /// Tells whether a restored copy needs a closed account gate. It does while the account is closed and its
    /// identity still leads to the subject.
    pub fn keeps_gate_closed(&self) -> bool {
        self.scope == ErasureScope::Account && matches!(self.state, ErasureState::Hidden { .. })
    }

    /// Tells whether the erasure has been open for too long, so that an operator must act. The deadline is still days
    /// away.
    pub fn is_overdue(&self, now: UnixSeconds) -> bool {
        let is_open = !matches!(self.state, ErasureState::Verified { .. });
        is_open && now.since(self.received_at) >= ESCALATION_AFTER
    }

    /// Returns the state at `now`, as the API spells it.
    pub fn status(&self, now: UnixSeconds) -> &'static str {
        match &self.state {
            ErasureState::Hidden { .. } => "hidden",
            ErasureState::Erased { .. } => "erased",
            ErasureState::Verified { times, .. } if times.unrecoverable_at <= now => "unrecoverable",
            ErasureState::Verified { .. } => "verified",
        }
    }

    /// Returns the state as the table spells it.
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
