//! Computes how long an app waits before it asks for a work again.

use crate::limits::LEASE;
use crate::{UnixSeconds, View, Work, WorkState};

/// The pause is a tenth of the time that has passed. So an app that polls learns of a change at most a tenth later
/// than possible. It asks some fifty times in five minutes, instead of three hundred times.
const SHARE: i64 = 10;

/// The longest pause, in seconds. A work that takes minutes is being retried, and its user may be waiting.
const PAUSE_SECONDS_MAX: i64 = 30;

impl Work {
    /// Returns after how many seconds the app should ask for this work again. `None` once the work has ended.
    ///
    /// The pause is one second at first, because a photo becomes a work in about a second. While the photo is
    /// awaited, a pause never goes beyond the end of the upload URL, because the work fails at that moment.
    pub fn retry_after(&self, now: UnixSeconds) -> Option<u32> {
        let (since, until) = match (self.view(now)?, &self.state) {
            (View::AwaitingUpload { upload_expires_at }, _) => (self.created_at, Some(upload_expires_at)),
            (View::Processing, WorkState::Processing { lease, .. }) => (lease.expires_at.plus(-LEASE), None),
            _ => return None,
        };
        let left = until.map_or(PAUSE_SECONDS_MAX, |until| until.since(now).as_secs());
        let pause = (now.since(since).as_secs() / SHARE).min(PAUSE_SECONDS_MAX).min(left).max(1);
        u32::try_from(pause).ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{
        Admission, ContentType, ExpectedPhoto, Failure, LeaseToken, PhotoSource, ReasonCode, Sha256,
        SubjectId, TemplateVersion, WorkId, WorkKind,
    };

    const NOON: UnixSeconds = UnixSeconds::from_second(1_795_000_000);

    fn later(seconds: i64) -> UnixSeconds {
        NOON.plus(SignedDuration::from_secs(seconds))
    }

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
            state: WorkState::AwaitingUpload { photo, upload_expires_at: later(300) },
        }
    }

    fn claimed_at(seconds: i64) -> Work {
        match awaiting().claim(later(seconds), LeaseToken::from_random(3), "request") {
            Admission::Claim(work) => *work,
            other => panic!("expected a claim, got {other:?}"),
        }
    }

    #[test]
    fn pauses_grow_while_the_photo_is_awaited_and_end_with_its_url() {
        let work = awaiting();
        for (seconds, pause) in
            [(0, Some(1)), (19, Some(1)), (60, Some(6)), (250, Some(25)), (290, Some(10)), (299, Some(1))]
        {
            assert_eq!(work.retry_after(later(seconds)), pause, "after {seconds} s");
        }
        assert_eq!(work.retry_after(later(300)), None, "the URL has expired");
    }

    #[test]
    fn a_poller_asks_some_fifty_times_in_five_minutes() {
        let (work, mut seconds, mut requests) = (awaiting(), 0, 0);
        while let Some(pause) = work.retry_after(later(seconds)) {
            seconds += i64::from(pause);
            requests += 1;
        }
        assert!((40..=60).contains(&requests), "{requests} requests");
        assert_eq!(seconds, 300, "the last request learns that the URL has expired");
    }

    #[test]
    fn pauses_of_a_work_in_processing_grow_from_its_claim() {
        let work = claimed_at(200);
        for (seconds, pause) in [(200, 1), (205, 1), (260, 6), (900, 30)] {
            assert_eq!(work.retry_after(later(seconds)), Some(pause), "after {seconds} s");
        }
    }

    #[test]
    fn a_work_that_has_ended_has_no_retry_after() {
        let failed = claimed_at(1).failed(Failure::of(ReasonCode::NoFace), later(2));
        assert_eq!(failed.retry_after(later(3)), None);
        assert_eq!(claimed_at(1).deleted(later(2)).retry_after(later(3)), None);
    }
}
