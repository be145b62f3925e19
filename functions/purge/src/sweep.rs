//! The sweep: deletes photos past their limit and settles works that are due. It is bounded in time; the next run, five
//! minutes later, resumes. Two sweeps at once are harmless, because every step is idempotent.

use cloud::{CloudError, CursorOf, Cursors, DueWork, WorkStores};
use domain::limits::{PHOTO_AGE_MAX, due_shards};
use domain::{DueAction, Failure, PhotoKey, ReasonCode, UnixSeconds, Work};
use futures_util::StreamExt as _;
use futures_util::stream;
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

use crate::residue;

/// How long a run may scan photos. It lists about 10,000 keys a second.
const PHOTOS_BUDGET: SignedDuration = SignedDuration::from_secs(60);

/// How long a run may take for photos and works together. The sweep and the resumed residue check share 180 s, so the
/// check keeps at least a minute.
const BUDGET: SignedDuration = SignedDuration::from_secs(120);

const _: () = assert!(BUDGET.as_secs() + 60 <= residue::BUDGET.as_secs());

/// How many works are marked failed, or photos given up, at once.
const AT_ONCE: usize = 16;

/// The metric of the oldest photo's age. An alarm in the SAM template watches it.
const OLDEST_PHOTO_AGE: &str = "oldest_photo_age_seconds";

/// The time between two sweeps.
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// How many characters of a photo's key the cursor keeps: the prefix and the first 4 of the subject's 26. They are
/// too few to identify anybody, and enough that almost nothing is listed twice.
const CURSOR_CHARS: usize = PhotoKey::PREFIX.len() + 4;

/// The sweep and what it needs.
pub(crate) struct Sweep<'a> {
    pub(crate) work_stores: &'a WorkStores,
    pub(crate) cursors: &'a Cursors,
    pub(crate) metrics: &'a Metrics,
    pub(crate) clock: fn() -> UnixSeconds,
}

impl Sweep<'_> {
    /// Runs the sweep. A failure does not stop the rest. The first error is returned at the end, which raises an
    /// alarm; the failed item stays due.
    pub(crate) async fn run(&self) -> Result<(), CloudError> {
        let now = (self.clock)();
        let mut tally = Tally::default();
        if let Err(error) = self.photos(now, &mut tally).await {
            tally.count(Err(error));
        }
        let photos = tally.done;
        for shard in due_shards(now, INTERVAL) {
            if let Err(error) = self.works(shard, now, &mut tally).await {
                tally.count(Err(error));
            }
        }
        tracing::info!(photos, works = tally.done - photos, "swept");
        tally.error.map_or(Ok(()), Err)
    }

    /// Scans the photos as far as time allows; the next run resumes. Reports the age of the oldest photo that it saw.
    /// In a healthy service there is none, or only that of an upload under way.
    async fn photos(&self, now: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let resumed = self.cursors.load(CursorOf::Photos).await?;
        let (mut after, mut oldest) = (resumed.clone(), now);
        loop {
            let page = self.work_stores.photos.page(after.as_deref(), PHOTO_AGE_MAX, now).await?;
            let old = page.old.iter().map(|key| give_up_orphan(self.work_stores, key, now));
            let given_up: Vec<_> = stream::iter(old).buffer_unordered(AT_ONCE).collect().await;
            given_up.into_iter().for_each(|outcome| tally.count(outcome));
            tally.note(self.work_stores.photos.delete_keys(&page.spent).await);
            oldest = page.oldest.map_or(oldest, |seen| seen.min(oldest));
            after = page.next;
            let Some(last) = &after else { break };
            if self.is_over(now, PHOTOS_BUDGET) {
                self.emit_age(oldest, now);
                return self.cursors.store(CursorOf::Photos, Some(&cursor(last))).await;
            }
        }
        self.emit_age(oldest, now);
        if resumed.is_some() {
            self.cursors.store(CursorOf::Photos, None).await?;
        }
        Ok(())
    }

    /// Settles the due works of one shard. What is left stays due, and comes first in the shard's next run.
    async fn works(&self, shard: u8, now: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let mut start = None;
        while !self.is_over(now, BUDGET) {
            let page = self.work_stores.works.due(shard, now, start).await?;
            let mut due = Vec::with_capacity(page.works.len());
            for work in page.works {
                match work {
                    Ok(work) => due.push(work),
                    Err(malformed) => tally.count(Err(malformed)),
                }
            }
            self.settle(&due, now, tally).await?;
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Settles a page of works: deletes their objects by the thousand, then their rows. The index may lag behind, so
    /// the rows decide. A work that still has an object keeps its row, and does not delay the others.
    async fn settle(&self, due: &[DueWork], now: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let mut works = Vec::with_capacity(due.len());
        for work in self.work_stores.works.load_all(due).await? {
            match work {
                Ok(work) if work.due_action(now) != DueAction::Wait => works.push(work),
                Ok(_early) => {}
                Err(malformed) => tally.count(Err(malformed)),
            }
        }
        for error in self.delete_stored_of(&mut works).await? {
            tally.count(Err(error));
        }
        let (failing, ended): (Vec<_>, Vec<_>) =
            works.into_iter().partition(|work| matches!(work.due_action(now), DueAction::Fail(_)));
        for removed in self.work_stores.works.remove_all(&ended).await {
            // Superseded: another run has removed it.
            tally.count(removed.map(|_either| true));
        }
        let failing = failing.iter().map(|work| self.fail(work, now));
        let failed: Vec<_> = stream::iter(failing).buffer_unordered(AT_ONCE).collect().await;
        failed.into_iter().for_each(|outcome| tally.count(outcome));
        Ok(())
    }

    /// Deletes the objects of these works. Removes from `works` those that still have an object, and returns the
    /// errors.
    async fn delete_stored_of(&self, works: &mut Vec<Work>) -> Result<Vec<CloudError>, CloudError> {
        let left = self.work_stores.delete_stored_of(works).await?;
        works.retain(|work| !left.contains_key(&(work.subject, work.id)));
        Ok(left.into_values().collect())
    }

    /// Marks a work failed after its objects are deleted.
    async fn fail(&self, work: &Work, now: UnixSeconds) -> Result<bool, CloudError> {
        let DueAction::Fail(reason) = work.due_action(now) else { return Ok(false) };
        // Superseded: the work has ended in another way, which stands.
        self.work_stores.works.replace(work, &work.failed(Failure::of(reason), now)).await.map(|_either| true)
    }

    fn emit_age(&self, oldest: UnixSeconds, now: UnixSeconds) {
        let value = u64::try_from(now.since(oldest).as_secs()).unwrap_or(0);
        self.metrics.emit(None, &[Metric { name: OLDEST_PHOTO_AGE, unit: Unit::Seconds, value }], now);
    }

    fn is_over(&self, start: UnixSeconds, budget: SignedDuration) -> bool {
        (self.clock)().since(start) >= budget
    }
}

/// Cuts the key up to which photos were scanned, so that it identifies nobody. Keys with the same beginning are
/// scanned again.
fn cursor(key: &str) -> String {
    key.chars().take(CURSOR_CHARS).collect()
}

/// The count of a run, and its first error.
#[derive(Default)]
struct Tally {
    done: usize,
    error: Option<CloudError>,
}

impl Tally {
    /// Keeps the first error, without counting a success.
    fn note(&mut self, outcome: Result<(), CloudError>) {
        self.count(outcome.map(|()| false));
    }

    fn count(&mut self, outcome: Result<bool, CloudError>) {
        match outcome {
            Ok(done) => self.done += usize::from(done),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
    }
}

/// Deletes a photo that is older than any synthesis can take, whatever its lease. This bounds how long a crash can
/// leave a photo behind. Then the work is marked failed, unless a worker still holds it and will end it.
async fn give_up_orphan(work_stores: &WorkStores, key: &str, now: UnixSeconds) -> Result<bool, CloudError> {
    work_stores.photos.delete_stray(key).await?;
    if let Ok(key) = key.parse::<PhotoKey>()
        && let Some(work) = work_stores.works.load(key.subject, key.work).await?
        && !work.is_held_by_another(now, None)
    {
        work_stores.abandon(&work, Failure::of(ReasonCode::InternalError), now).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_identifies_nobody_and_skips_no_key() {
        let key = "uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV/01BX5ZZKBKACTAV9WEVGEMMVRZ";
        assert_eq!(cursor(key), "uploads/01AR");
        // S3 lists keys after the cursor in byte order, so keys with the same beginning are listed again.
        assert!(cursor(key).as_str() < key && "uploads/01AR0" > cursor(key).as_str());
        assert_eq!(cursor("uploads/ü"), "uploads/ü", "a stray key is cut between characters, not inside one");
    }
}
