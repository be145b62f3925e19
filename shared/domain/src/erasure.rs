//! An erasure that a user asked for, from the request until the last backup of what it was about has gone.
//!
//! ```text
//! received ─▶ hidden ──first look──▶ erased ──second look──▶ verified ──backups run out──▶ unrecoverable ──▶ (gone)
//!    └─ one write ┘                    ▲  └─found something─┐
//!                                      └───────────────────┘
//! ```
//!
//! A request is recorded and what it is about is hidden in one write, so there is no moment at which the one is true
//! and the other is not. What is to be done next and when is computed here; whoever stores the outcome does so on
//! condition that the state it was computed from still stands.

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
    /// By what the requester is known again.
    pub requester: Requester,
    /// How far it has come.
    #[serde(flatten)]
    pub state: ErasureState,
}

/// Whose data an erasure reaches, and how far: what was made under an earlier generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Whose.
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
    /// Nothing of it can be seen any more.
    Hidden {
        /// What is to be erased.
        reach: Reach,
        /// Since when.
        hidden_at: UnixSeconds,
        /// Until when a worker holds any of it, noted before the rows that tell so are deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        leased_until: Option<UnixSeconds>,
    },
    /// Everything was deleted once. Somebody who began before it was hidden may still have stored something.
    Erased {
        /// What is to be looked for.
        reach: Reach,
        /// Since when it was hidden.
        hidden_at: UnixSeconds,
        /// When everything was deleted.
        erased_at: UnixSeconds,
        /// When nobody can store anything any more.
        look_again_at: UnixSeconds,
    },
    /// A look after the last writer's time found nothing.
    Verified {
        /// What a restored backup must be cleared of; forgotten when there is no such backup any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        reach: Option<Reach>,
        /// The times, which the receipt tells too.
        #[serde(flatten)]
        times: ErasureTimes,
        /// The signed receipt.
        receipt: String,
    },
}

/// When a verified erasure came to each of its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureTimes {
    /// Since when nothing of it could be seen.
    pub hidden_at: UnixSeconds,
    /// When everything was deleted.
    pub erased_at: UnixSeconds,
    /// When a second look found nothing.
    pub verified_at: UnixSeconds,
    /// When the last backup that holds any of it is gone.
    pub unrecoverable_at: UnixSeconds,
}

/// What is to be done about an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureStep {
    /// Nothing yet.
    Wait,
    /// Delete what it reaches.
    Erase(Reach),
    /// Look whether anything is left, and delete that.
    LookAgain(Reach),
    /// Forget whose it was and how to reach them: no backup is left to be cleared.
    Forget(Reach),
    /// Remove the request itself.
    Remove,
}

impl Erasure {
    /// When something is next to be done about it; what, [`Erasure::step`] says then.
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

    /// What is to be done about it now.
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

    /// The erasure with a note of the last lease, which must be stored before the rows that hold leases are deleted.
    #[must_use]
    pub fn leased(&self, until: UnixSeconds) -> Self {
        let ErasureState::Hidden { reach, hidden_at, leased_until } = self.state else { return self.clone() };
        let leased_until = Some(leased_until.map_or(until, |noted| noted.max(until)));
        self.with(ErasureState::Hidden { reach, hidden_at, leased_until })
    }

    /// The erasure after everything was deleted at `now`, to be looked at again when nobody can store anything any
    /// more: when the last upload URL has run out and what was begun with it has ended (`upload_window`, twice), and
    /// when the last lease has.
    ///
    /// URLs for downloads do not count: what they lead to is gone.
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

    /// The erasure after a look that found something and deleted it: there must be a look that finds nothing.
    #[must_use]
    pub fn found_more(&self, now: UnixSeconds, upload_window: SignedDuration) -> Self {
        let ErasureState::Erased { reach, hidden_at, .. } = self.state else { return self.clone() };
        let look_again_at = now.plus(upload_window);
        self.with(ErasureState::Erased { reach, hidden_at, erased_at: now, look_again_at })
    }

    /// The times of a verification at `now`, for the receipt; `None` before the second look is due.
    pub fn verification(&self, now: UnixSeconds) -> Option<ErasureTimes> {
        match self.state {
            ErasureState::Erased { hidden_at, erased_at, look_again_at, .. } if look_again_at <= now => {
                let unrecoverable_at = now.plus(Record::Backup.retention().period);
                Some(ErasureTimes { hidden_at, erased_at, verified_at: now, unrecoverable_at })
            }
            _ => None,
        }
    }

    /// The erasure after a look that found nothing, with its receipt.
    #[must_use]
    pub fn verified(&self, times: ErasureTimes, receipt: String) -> Self {
        let ErasureState::Erased { reach, .. } = self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: Some(reach), times, receipt })
    }

    /// The erasure without a word of whose it was.
    #[must_use]
    pub fn forgotten(&self) -> Self {
        let ErasureState::Verified { times, receipt, .. } = &self.state else { return self.clone() };
        self.with(ErasureState::Verified { reach: None, times: *times, receipt: receipt.clone() })
    }

    /// What a copy of the records must be cleared of before it serves; `None` when no copy can hold it any more.
    pub fn reach(&self) -> Option<Reach> {
        match &self.state {
            ErasureState::Hidden { reach, .. } | ErasureState::Erased { reach, .. } => Some(*reach),
            ErasureState::Verified { reach, .. } => *reach,
        }
    }

    /// Whether the account is closed and its identity not yet forgotten, so that a copy needs a closed gate.
    pub fn keeps_gate_closed(&self) -> bool {
        self.scope == ErasureScope::Account && matches!(self.state, ErasureState::Hidden { .. })
    }

    /// Whether it takes longer than it should, and somebody is to look after it long before the deadline.
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
