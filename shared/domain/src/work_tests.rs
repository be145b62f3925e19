//! Tests of the transitions of a work.

use proptest::prelude::*;

use super::*;

const NOON: UnixSeconds = UnixSeconds::from_second(1_795_000_000);

fn awaiting() -> Work {
    let photo = ExpectedPhoto { content_type: ContentType::Jpeg, bytes: 5, sha256: Sha256::of(b"photo") };
    Work {
        id: WorkId::new(jiff::Timestamp::UNIX_EPOCH, 1),
        subject: SubjectId::from_random(2),
        generation: 1,
        kind: WorkKind::Picture,
        template: TemplateVersion { id: "t".parse().expect("a slug"), version: 1, sha256: "00".into() },
        source: PhotoSource::Album,
        created_at: NOON,
        state: WorkState::AwaitingUpload {
            photo,
            upload_expires_at: NOON.plus(SignedDuration::from_mins(5)),
        },
    }
}

fn claimed(work: &Work, now: UnixSeconds) -> Work {
    match work.claim(now, LeaseToken::from_random(u128::from(work.attempt())), "request") {
        Admission::Claim(work) => *work,
        other => panic!("expected a claim, got {other:?}"),
    }
}

fn later(seconds: i64) -> UnixSeconds {
    NOON.plus(SignedDuration::from_secs(seconds))
}

const PICTURE: Picture = Picture { width: 10, height: 20, bytes: 30 };
const MONTH: SignedDuration = SignedDuration::from_hours(720);

#[test]
fn a_valid_lease_excludes_other_workers_and_an_expired_one_is_reclaimed() {
    let first = claimed(&awaiting(), NOON);
    assert_eq!(first.claim(later(49), LeaseToken::from_random(9), "another"), Admission::Busy);
    let second = claimed(&first, later(50));
    assert_eq!((first.attempt(), second.attempt()), (1, 2));
}

#[test]
fn the_same_request_reclaims_its_lease_at_once_but_within_the_limit_of_attempts() {
    let mut work = claimed(&awaiting(), NOON);
    for attempt in 2..=ATTEMPTS_MAX {
        work = claimed(&work, later(1));
        assert_eq!(work.attempt(), attempt);
    }
    assert_eq!(work.claim(later(1), LeaseToken::from_random(9), "request"), Admission::Exhausted);
}

#[test]
fn a_work_is_given_up_after_the_last_attempt() {
    let mut work = awaiting();
    for attempt in 0..ATTEMPTS_MAX {
        work = claimed(&work, later(i64::from(attempt) * 60));
    }
    assert_eq!(work.claim(later(1_000), LeaseToken::from_random(9), "request"), Admission::Exhausted);
}

#[test]
fn a_finished_work_is_never_claimed_again() {
    let work = claimed(&awaiting(), NOON);
    let failed = work.failed(Failure::of(ReasonCode::NoFace), NOON);
    for finished in [work.published(PICTURE, NOON, MONTH), failed, work.deleted(NOON)] {
        assert_eq!(finished.claim(later(1_000), LeaseToken::from_random(9), "request"), Admission::Finished);
    }
}

#[test]
fn the_row_drops_the_digest_with_the_photo() {
    let work = claimed(&awaiting(), NOON);
    let digest = Sha256::of(b"photo");
    let holds = |work: &Work| serde_json::to_string(work).expect("serialises").contains(digest.as_base64());
    assert!(holds(&work));
    for finished in [
        work.published(PICTURE, NOON, MONTH),
        work.failed(Failure::of(ReasonCode::NoFace), NOON),
        work.deleted(NOON),
    ] {
        assert!(!holds(&finished));
    }
}

#[test]
fn a_work_past_its_period_is_not_visible_even_before_the_purge() {
    let work = claimed(&awaiting(), NOON).published(PICTURE, NOON, MONTH);
    assert!(matches!(work.view(NOON.plus(MONTH - SignedDuration::from_secs(1))), Some(View::Ready { .. })));
    assert_eq!(work.view(NOON.plus(MONTH)), None);
    assert_eq!(work.due_action(NOON.plus(MONTH)), DueAction::Remove);
}

#[test]
fn a_deleted_work_is_hidden_at_once_and_its_row_waits_for_the_lease() {
    let work = claimed(&awaiting(), NOON).deleted(later(10));
    assert_eq!(work.view(later(10)), None);
    assert_eq!(work.due_action(later(10)), DueAction::Wait);
    assert_eq!(work.due_action(later(50)), DueAction::Remove);
}

#[test]
fn a_work_shows_as_failed_as_soon_as_its_upload_url_has_expired() {
    let expired = Some(View::Failed(Failure::of(ReasonCode::UploadExpired)));
    let work = awaiting();
    assert!(matches!(work.view(NOON), Some(View::AwaitingUpload { .. })));
    assert!(matches!(work.view(later(299)), Some(View::AwaitingUpload { .. })));
    // The upload URL expires here. `purge` settles the row 15 minutes later.
    assert_eq!(work.view(later(300)), expired);
    assert_eq!(work.due_action(later(300)), DueAction::Wait);
    assert_eq!(work.view(work.due_at()), expired);
}

#[test]
fn a_photo_that_arrives_after_its_url_expired_is_still_claimed() {
    let work = claimed(&awaiting(), later(301));
    assert_eq!(work.view(later(301)), Some(View::Processing));
}

#[test]
fn a_state_has_the_same_name_in_code_and_records() {
    let work = claimed(&awaiting(), NOON);
    let failed = work.failed(Failure::of(ReasonCode::NoFace), NOON);
    for work in [awaiting(), work.published(PICTURE, NOON, MONTH), failed, work.deleted(NOON), work] {
        assert_eq!(serde_json::to_value(&work).expect("serialises")["status"], work.state.name());
    }
}

#[test]
fn measured_values_are_rounded_to_two_digits() {
    for (value, expected) in [(0.0, 0.0), (123.4, 120.0), (-0.045_67, -0.046), (9.96, 10.0), (f64::NAN, 0.0)]
    {
        let failure = Failure::measured(ReasonCode::TooDark, value, 40.0);
        let rounded = failure.measured.expect("measured").value;
        assert!((rounded - expected).abs() < 1e-9, "{value} became {rounded}");
    }
}

#[test]
fn sizes_are_not_rounded() {
    let failure = Failure::measured(ReasonCode::TooLarge, 204_800_000.0, 202_000_000.0);
    let measured = failure.measured.expect("measured");
    assert_eq!([measured.value, measured.threshold], [204_800_000.0, 202_000_000.0]);
}

proptest! {
    /// After any steps in any order a work ends, and is then not visible.
    #[test]
    fn every_work_ends(steps in prop::collection::vec((0_u8..4, 0_i64..100_000), 0..12)) {
        let mut work = awaiting();
        let mut now = NOON;
        for (step, seconds) in steps {
            now = now.plus(SignedDuration::from_secs(seconds));
            let processing = matches!(work.state, WorkState::Processing { .. });
            match step {
                0 => if let Admission::Claim(next) = work.claim(now, LeaseToken::from_random(3), "request") { work = *next },
                1 if processing => work = work.published(PICTURE, now, MONTH),
                2 if processing => work = work.failed(Failure::of(ReasonCode::NoFace), now),
                3 => work = work.deleted(now),
                _ => {}
            }
            prop_assert!(work.attempt() <= ATTEMPTS_MAX);
        }
        for _ in 0..2 {
            now = now.max(work.due_at());
            match work.due_action(now) {
                DueAction::Fail(reason) => work = work.failed(Failure::of(reason), now),
                DueAction::Remove => break,
                DueAction::Wait => prop_assert!(false, "a due work has no action"),
            }
        }
        prop_assert_eq!(work.view(now.max(work.due_at())), None);
    }
}
