//! How what an erasure reaches is deleted: objects by the thousand, then rows by the batch, for as long as there is time.
//! What is left over is found again by the next run, which begins with what is still there.

use cloud::CloudError;
use domain::{Erasure, ErasureScope, ErasureState, Reach, UnixSeconds};

use crate::erase::Erase;

/// How long a run may go on.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// The time.
    pub(crate) clock: fn() -> UnixSeconds,
    /// When it is used up.
    pub(crate) until: UnixSeconds,
}

impl Budget {
    /// A budget that is used up when half of this one is.
    pub(crate) fn half(self) -> Self {
        let left = self.until.since((self.clock)());
        Self { until: self.until.plus(-(left / 2)), ..self }
    }

    /// Whether no more is to be begun.
    pub(crate) fn is_over(self) -> bool {
        (self.clock)() >= self.until
    }
}

/// Whether all was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All of it.
    Complete,
    /// The time ran out.
    Partial,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// How many objects and rows there were.
    pub(crate) found: usize,
    /// Whether that was all.
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
    /// Deletes what is in reach, objects before rows.
    pub(crate) async fn delete(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Deleted, CloudError> {
        match erasure.scope {
            ErasureScope::Account => self.delete_everything(erasure, reach, budget).await,
            ErasureScope::Works => self.delete_works(reach, budget).await,
            // They are at most 1,000 rows.
            ErasureScope::Favorites => {
                let found = self.favorites.delete_earlier(reach.subject, reach.favorites_before).await?;
                Ok(Deleted::all(found))
            }
        }
    }

    /// Deletes all of a subject. The first look leaves the gate closed, to go with the identity in one write. A later look
    /// deletes a gate too, and counts it: nobody can reach it, but what is verified leaves no row at all.
    async fn delete_everything(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Deleted, CloudError> {
        let subject = reach.subject;
        let mut found = 0;
        loop {
            // A marker holds nothing, and `synthesize` may put one as it ends: it goes, and is not counted.
            let (photos, markers) = self.work_stores.photos.delete_some(subject).await?;
            let pictures = self.work_stores.pictures.delete_some(subject).await?;
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

    /// Deletes the works in reach, then what lies in the buckets for works that there are not: a worker may have
    /// stored it that died, or an upload that came late.
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
