//! The sweep: photos that outlived their bound, and works about which something is due. Bounded in time: what is left
//! over is gone on with five minutes later. Two sweeps at once do everything twice, which changes nothing.

use cloud::{CloudError, CursorOf, Cursors, Disposal, DueWork};
use domain::limits::{DUE_SHARDS, PHOTO_AGE_MAX};
use domain::{DueAction, Failure, PhotoKey, ReasonCode, UnixSeconds};
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

/// How long a run looks through photos. It lists some 10,000 keys a second.
const PHOTOS_BUDGET: SignedDuration = SignedDuration::from_secs(90);

/// How long a run may take with the works: well below the function's time-out of 240 s.
const BUDGET: SignedDuration = SignedDuration::from_secs(180);

/// The metric that the template's alarm is on.
const OLDEST_PHOTO_AGE: &str = "oldest_photo_age_seconds";

/// Seconds from one sweep to the next, by which the shards take turns in coming first.
const INTERVAL_SECONDS: i64 = 300;

/// Characters of a photo's key that a cursor keeps: the prefix and the first four of the subject's 26, too few to name
/// anybody, enough that next to nothing is listed twice.
const CURSOR_CHARS: usize = PhotoKey::PREFIX.len() + 4;

/// The sweep and what it needs.
pub(crate) struct Sweep<'a> {
    pub(crate) disposal: &'a Disposal,
    pub(crate) cursors: &'a Cursors,
    pub(crate) metrics: &'a Metrics,
    pub(crate) clock: fn() -> UnixSeconds,
}

impl Sweep<'_> {
    /// Runs it. What fails does not keep the rest from being purged; the first error is returned in the end, for the
    /// alarm, and what it was about is still due in the next run.
    pub(crate) async fn run(&self) -> Result<(), CloudError> {
        let now = (self.clock)();
        let mut tally = Tally::default();
        if let Err(error) = self.photos(now, &mut tally).await {
            tally.count(Err(error));
        }
        let photos = tally.done;
        let first = u8::try_from((now.as_second() / INTERVAL_SECONDS).rem_euclid(i64::from(DUE_SHARDS)));
        let first = first.unwrap_or(0);
        for turn in 0..DUE_SHARDS {
            let shard = (first + turn) % DUE_SHARDS;
            if let Err(error) = self.works(shard, now, &mut tally).await {
                tally.count(Err(error));
            }
        }
        tracing::info!(photos, works = tally.done - photos, "swept");
        tally.error.map_or(Ok(()), Err)
    }

    /// Looks at every photo, or at as many as there is time for: the next run goes on where this one stops. Tells how old
    /// the oldest was that it saw; in health that is none, or one of an upload under way.
    async fn photos(&self, now: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let resumed = self.cursors.load(CursorOf::Photos).await?;
        let (mut after, mut oldest) = (resumed.clone(), now);
        loop {
            let page = self.disposal.photos.page(after.as_deref(), now.plus(-PHOTO_AGE_MAX)).await?;
            for key in &page.old {
                tally.count(give_up_orphan(self.disposal, key, now).await);
            }
            oldest = page.oldest.map_or(oldest, |seen| seen.min(oldest));
            after = page.next;
            let Some(last) = &after else { break };
            if self.is_over(now, PHOTOS_BUDGET) {
                self.tell_age(oldest, now);
                return self.cursors.store(CursorOf::Photos, Some(&cursor(last))).await;
            }
        }
        self.tell_age(oldest, now);
        if resumed.is_some() {
            self.cursors.store(CursorOf::Photos, None).await?;
        }
        Ok(())
    }

    /// Settles what is due in one shard. What is left over stays due, and is the earliest of the next run.
    async fn works(&self, shard: u8, now: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let mut start = None;
        while !self.is_over(now, BUDGET) {
            let page = self.disposal.works.due(shard, now, start).await?;
            for due in page.works {
                let settled = match due {
                    Ok(due) => settle(self.disposal, due, now).await,
                    Err(malformed) => Err(malformed),
                };
                tally.count(settled);
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn tell_age(&self, oldest: UnixSeconds, now: UnixSeconds) {
        let value = u64::try_from(now.since(oldest).as_secs()).unwrap_or(0);
        self.metrics.emit(None, &[Metric { name: OLDEST_PHOTO_AGE, unit: Unit::Seconds, value }], now);
    }

    fn is_over(&self, start: UnixSeconds, budget: SignedDuration) -> bool {
        (self.clock)().since(start) >= budget
    }
}

/// The key up to which all was looked at, cut so that it names nobody; what begins like it is looked at again.
fn cursor(key: &str) -> String {
    key.chars().take(CURSOR_CHARS).collect()
}

/// What a run has done, and what first went wrong.
#[derive(Default)]
struct Tally {
    done: usize,
    error: Option<CloudError>,
}

impl Tally {
    fn count(&mut self, outcome: Result<bool, CloudError>) {
        match outcome {
            Ok(done) => self.done += usize::from(done),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
    }
}

/// Deletes a photo that is older than any synthesis, lease or no lease: this bounds what a crash leaves behind. The
/// photo goes first, whatever state its row is in; then its work fails, unless a worker is still at it and ends it.
async fn give_up_orphan(disposal: &Disposal, key: &str, now: UnixSeconds) -> Result<bool, CloudError> {
    disposal.photos.delete_stray(key).await?;
    if let Ok(key) = key.parse::<PhotoKey>()
        && let Some(work) = disposal.works.load(key.subject, key.work).await?
        && !work.is_held_by_another(now, None)
    {
        disposal.abandon(&work, Failure::of(ReasonCode::InternalError), now).await?;
    }
    Ok(true)
}

/// Does what is due about one work; the index may be behind, so the row decides. Whether anything was done.
async fn settle(disposal: &Disposal, due: DueWork, now: UnixSeconds) -> Result<bool, CloudError> {
    let Some(work) = disposal.works.load(due.subject, due.work).await? else { return Ok(false) };
    match work.due_action(now) {
        DueAction::Wait => return Ok(false),
        DueAction::Fail(reason) => disposal.abandon(&work, Failure::of(reason), now).await?,
        DueAction::Remove => disposal.remove(&work).await?,
    };
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_nobody_and_passes_no_key_over() {
        let key = "uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV/01BX5ZZKBKACTAV9WEVGEMMVRZ";
        assert_eq!(cursor(key), "uploads/01AR");
        // S3 begins after the cursor, in the order of bytes: everything that begins like it comes again.
        assert!(cursor(key).as_str() < key && "uploads/01AR0" > cursor(key).as_str());
        assert_eq!(cursor("uploads/ü"), "uploads/ü", "a stray key of other characters is cut between them");
    }
}
