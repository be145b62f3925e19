//! Deletes what an erasure reaches, within a time budget: objects by the thousand, then rows by the batch. It stores
//! no progress, because the next run lists what is still there.

use cloud::CloudError;
use domain::{Erasure, ErasureScope, ErasureState, Reach, UnixSeconds};

use crate::erase::Erase;

/// The time budget of a run.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// The clock.
    pub(crate) clock: fn() -> UnixSeconds,
    /// When the budget is used up.
    pub(crate) until: UnixSeconds,
}

impl Budget {
    /// Returns a budget of half the remaining time.
    pub(crate) fn half(self) -> Self {
        let left = self.until.since((self.clock)());
        Self { until: self.until.plus(-(left / 2)), ..self }
    }

    /// Tells whether the time is up, so that nothing more may begin.
    pub(crate) fn is_over(self) -> bool {
        (self.clock)() >= self.until
    }
}

/// How far a deletion came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Everything is deleted.
    Complete,
    /// Time ran out.
    Partial,
}

/// The outcome of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The number of objects and rows that were found and deleted.
    pub(crate) found: usize,
    /// Whether everything is deleted.
    pub(crate) progress: Progress,
}

impl Deleted {
    fn all(found: usize) -> Self {
        Self { found, progress: Progress::Complete }
    }

    fn part(found: usize) -> Self {
        Self { found, progress: Progress::Partial }
    }
}

impl Erase {
    /// Deletes what the erasure reaches, objects before rows.
    pub(crate) async fn delete(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Deleted, CloudError> {
        match erasure.scope {
            ErasureScope::Account => self.delete_everything(erasure, reach, budget).await,
            ErasureScope::Works => self.delete_works(reach, budget).await,
            // There are at most 1,000 rows.
            ErasureScope::Favorites => {
                let found = self.favorites.delete_earlier(reach.subject, reach.favorites_before).await?;
                Ok(Deleted::all(found))
            }
        }
    }

    /// Deletes everything of a subject. The first pass leaves the closed account gate, which one write later removes
    /// together with the identity. A verify pass deletes and counts a gate too: nobody can reach it, but a verified
    /// erasure leaves no row at all.
    async fn delete_everything(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Deleted, CloudError> {
        let subject = reach.subject;
        let mut found = 0;
        loop {
            // A marker holds no data of a photo, and `synthesize` may put one when it ends. So markers are deleted
            // but not counted.
            let (photos, markers) = self.work_stores.photos.delete_first_page(subject).await?;
            let pictures = self.work_stores.pictures.delete_first_page(subject).await?;
            found += photos + pictures;
            if photos + markers + pictures == 0 {
                break;
            }
            if budget.is_over() {
                return Ok(Deleted::part(found));
            }
        }
        let partition = self.partitions.load(subject).await?;
        self.partitions.delete(&partition).await?;
        let has_identity = matches!(erasure.state, ErasureState::Hidden { .. });
        if partition.has_gate && !has_identity {
            self.partitions.delete_gate(subject).await?;
        }
        Ok(Deleted::all(found + partition.len()))
    }

    /// Deletes the works in reach, then the objects without a row. A worker that died, or a late upload, may have
    /// left such objects.
    async fn delete_works(&self, reach: Reach, budget: Budget) -> Result<Deleted, CloudError> {
        let (mut found, mut start) = (0, None);
        loop {
            let (works, next) =
                self.work_stores.works.of_earlier(reach.subject, reach.works_before, start).await?;
            let left = self.work_stores.delete_stored_of(&works).await?;
            if let Some(error) = left.into_values().next() {
                return Err(error);
            }
            let rows: Vec<_> = works.iter().map(|work| (work.subject, work.id)).collect();
            self.partitions.delete_works(&rows).await?;
            found += works.len();
            start = next;
            if start.is_none() {
                break;
            }
            if budget.is_over() {
                return Ok(Deleted::part(found));
            }
        }
        Ok(Deleted::all(found + self.work_stores.delete_strays(reach.subject).await?))
    }
}
