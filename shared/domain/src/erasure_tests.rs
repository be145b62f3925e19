//! Tests of the states of an erasure and their times.

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
        requester: crate::salt::Salt::from_bits([3; 32]).requester(id),
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
fn the_verify_pass_waits_for_the_last_upload_and_the_last_lease() {
    let account = received(ErasureScope::Account);
    for (leased_until, look) in [(None, 600), (Some(later(40)), 600), (Some(later(700)), 700)] {
        let held = leased_until.map_or(account.clone(), |until| account.leased(until));
        let erased = held.erased(later(1), WINDOW);
        assert_eq!(erased.step(later(look - 1)), ErasureStep::Wait);
        assert!(matches!(erased.step(later(look)), ErasureStep::VerifyPass(_)));
        assert_eq!(erased.verification(later(look - 1)), None);
    }
}

#[test]
fn the_verify_pass_of_favorites_runs_at_once() {
    let erased = received(ErasureScope::Favorites).erased(later(1), WINDOW);
    assert!(matches!(erased.step(later(1)), ErasureStep::VerifyPass(_)));
}

#[test]
fn a_verify_pass_that_found_something_is_followed_by_another() {
    let erased = received(ErasureScope::Account).erased(later(1), WINDOW);
    let again = erased.found_more(later(600), WINDOW);
    assert_eq!(again.verification(later(899)), None);
    let times = again.verification(later(900)).expect("due");
    assert_eq!((times.erased_at, times.verified_at), (later(600), later(900)));
}

#[test]
fn the_subject_is_forgotten_when_the_last_backup_is_gone() {
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
fn an_open_request_is_overdue_after_two_days() {
    let open = received(ErasureScope::Works);
    assert!(!open.is_overdue(later(2 * 86_400 - 1)) && open.is_overdue(later(2 * 86_400)));
    assert!(later(2 * 86_400) < open.deadline);
    let done = verified(&open.erased(later(1), WINDOW), later(600));
    assert!(!done.is_overdue(later(9 * 86_400)));
}

#[test]
fn a_state_has_the_same_name_in_code_and_table() {
    let hidden = received(ErasureScope::Account);
    let erased = hidden.erased(later(1), WINDOW);
    for erasure in [verified(&erased, later(600)), erased, hidden] {
        let stored = serde_json::to_value(&erasure).expect("serialises");
        assert_eq!(stored["state"], erasure.state_name());
        assert_eq!(serde_json::from_value::<Erasure>(stored).expect("reads back"), erasure);
    }
}

proptest! {
    /// However late and however often its steps run, an erasure ends. It is verified only by a pass after which
    /// nobody could still write.
    #[test]
    fn every_erasure_ends(delays in prop::collection::vec(0_i64..200_000, 8), found in 0_usize..4, lease in 0_i64..60) {
        let mut erasure = received(ErasureScope::Account);
        let (mut now, mut looks) = (NOON, 0);
        for delay in delays {
            now = now.max(erasure.due_at()).plus(SignedDuration::from_secs(delay));
            match erasure.step(now) {
                ErasureStep::Erase(_) => erasure = erasure.leased(later(lease)).erased(now, WINDOW),
                ErasureStep::VerifyPass(_) if looks < found => {
                    looks += 1;
                    erasure = erasure.found_more(now, WINDOW);
                }
                ErasureStep::VerifyPass(_) => {
                    prop_assert!(now >= later(600));
                    erasure = verified(&erasure, now);
                }
                ErasureStep::Forget(_) => erasure = erasure.forgotten(),
                ErasureStep::Remove => return Ok(()),
                ErasureStep::Wait => prop_assert!(false, "a due erasure has no step"),
            }
        }
        let ended = matches!(erasure.state, ErasureState::Verified { .. });
        prop_assert!(ended);
    }
}
