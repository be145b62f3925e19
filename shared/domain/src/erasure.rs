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
    pub fn looked_in_vain(&self, now: UnixSeconds, upload_window: SignedDuration) -> Self {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: UnixSeconds = UnixSeconds::from_second(1_795_000_000);
    const WINDOW: SignedDuration = SignedDuration::from_secs(300);

    fn received(scope: ErasureScope) -> Erasure {
        let reach = Reach { subject: SubjectId::from_random(1), works_before: 2, favorites_before: 2 };
        let id = RequestId::from_bits(2);
        Erasure {
            id,
            scope,
            received_at: NOON,
            deadline: later(9 * 86_400),
            requester: crate::receipt::Salt::from_bits([3; 32]).requester(id),
            state: ErasureState::Hidden { reach, hidden_at: NOON, leased_until: None },
        }
    }

    fn later(seconds: i64) -> UnixSeconds {
        NOON.plus(SignedDuration::from_secs(seconds))
    }

    fn verified(erasure: &Erasure, now: UnixSeconds) -> Erasure {
        let times = erasure.verification(now).expect("the second look is due");
        erasure.verified(times, "receipt".into())
    }

    #[test]
    fn the_second_look_waits_for_the_last_upload_and_the_last_lease() {
        let account = received(ErasureScope::Account);
        for (leased_until, look) in [(None, 600), (Some(later(40)), 600), (Some(later(700)), 700)] {
            let held = leased_until.map_or(account.clone(), |until| account.leased(until));
            let erased = held.erased(later(1), WINDOW);
            assert_eq!(erased.step(later(look - 1)), ErasureStep::Wait);
            assert!(matches!(erased.step(later(look)), ErasureStep::LookAgain(_)));
            assert_eq!(erased.verification(later(look - 1)), None);
        }
    }

    #[test]
    fn favorites_are_looked_for_again_at_once() {
        let erased = received(ErasureScope::Favorites).erased(later(1), WINDOW);
        assert!(matches!(erased.step(later(1)), ErasureStep::LookAgain(_)));
    }

    #[test]
    fn a_look_that_found_something_is_not_the_last() {
        let erased = received(ErasureScope::Account).erased(later(1), WINDOW);
        let again = erased.looked_in_vain(later(600), WINDOW);
        assert_eq!(again.verification(later(899)), None);
        let times = again.verification(later(900)).expect("due");
        assert_eq!((times.erased_at, times.verified_at), (later(600), later(900)));
    }

    #[test]
    fn whose_it_was_is_forgotten_when_the_last_backup_is_gone() {
        let erased = received(ErasureScope::Account).erased(later(1), WINDOW);
        let verified = verified(&erased, later(600));
        let week = later(600 + 7 * 86_400);
        assert_eq!((verified.step(later(601)), verified.status(later(601))), (ErasureStep::Wait, "verified"));
        assert!(matches!(verified.step(week), ErasureStep::Forget(_)));
        assert_eq!(verified.status(week), "unrecoverable");
        let forgotten = verified.forgotten();
        assert_eq!(forgotten.reach(), None);
        assert!(!serde_json::to_string(&forgotten).expect("serialises").contains("subject"));
        assert_eq!(forgotten.step(week), ErasureStep::Wait);
        assert_eq!(forgotten.step(later(731 * 86_400)), ErasureStep::Remove);
    }

    #[test]
    fn an_open_request_is_somebodys_business_after_two_days() {
        let open = received(ErasureScope::Works);
        assert!(!open.is_overdue(later(2 * 86_400 - 1)) && open.is_overdue(later(2 * 86_400)));
        assert!(later(2 * 86_400) < open.deadline);
        let done = verified(&open.erased(later(1), WINDOW), later(600));
        assert!(!done.is_overdue(later(9 * 86_400)));
    }

    #[test]
    fn a_state_is_named_as_it_is_stored() {
        let hidden = received(ErasureScope::Account);
        let erased = hidden.erased(later(1), WINDOW);
        for erasure in [verified(&erased, later(600)), erased, hidden] {
            let stored = serde_json::to_value(&erasure).expect("serialises");
            assert_eq!(stored["state"], erasure.state_name());
            assert_eq!(serde_json::from_value::<Erasure>(stored).expect("reads back"), erasure);
        }
    }

    proptest! {
        /// However late and however often somebody comes by, an erasure ends, and is verified only after a look that
        /// nobody could have written behind.
        #[test]
        fn every_erasure_ends(delays in prop::collection::vec(0_i64..200_000, 8), found in 0_usize..4, lease in 0_i64..60) {
            let mut erasure = received(ErasureScope::Account);
            let (mut now, mut looks) = (NOON, 0);
            for delay in delays {
                now = now.max(erasure.due_at()).plus(SignedDuration::from_secs(delay));
                match erasure.step(now) {
                    ErasureStep::Erase(_) => erasure = erasure.leased(later(lease)).erased(now, WINDOW),
                    ErasureStep::LookAgain(_) if looks < found => {
                        looks += 1;
                        erasure = erasure.looked_in_vain(now, WINDOW);
                    }
                    ErasureStep::LookAgain(_) => {
                        prop_assert!(now >= later(600));
                        erasure = verified(&erasure, now);
                    }
                    ErasureStep::Forget(_) => erasure = erasure.forgotten(),
                    ErasureStep::Remove => return Ok(()),
                    ErasureStep::Wait => prop_assert!(false, "due and yet nothing to do"),
                }
            }
            let ended = matches!(erasure.state, ErasureState::Verified { .. });
            prop_assert!(ended);
        }
    }
}
