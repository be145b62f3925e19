//! Deletes works in the only order that leaves nothing behind: objects before the row that names them.

use std::collections::HashMap;

use domain::{Failure, PhotoKey, SubjectId, UnixSeconds, Work, WorkId, WorkObjectKey, WorkState};

use crate::bucket::Undeleted;
use crate::{CloudError, Photos, Pictures, ReplaceOutcome, Works};

/// The three stores that hold parts of a work. Everything that deletes works uses them together.
#[derive(Debug, Clone)]
pub struct WorkStores {
    /// The uploads bucket.
    pub photos: Photos,
    /// The works bucket.
    pub pictures: Pictures,
    /// The rows of works.
    pub works: Works,
}

impl WorkStores {
    /// Deletes a work for its user: hides it, deletes its objects, then its row. While a worker may still hold the
    /// work, the hidden row stays, and `purge` deletes everything again after the lease. So if a worker dies after it
    /// has stored an object, a row still names that object.
    ///
    /// # Errors
    /// When a store fails. The row then still names what is left, and `purge` resumes.
    pub async fn delete(&self, work: &Work, now: UnixSeconds) -> Result<ReplaceOutcome, CloudError> {
        let hidden = work.deleted(now);
        let replaced = self.works.replace(work, &hidden).await?;
        if replaced != ReplaceOutcome::Stored {
            return Ok(replaced);
        }
        if work.is_hidden() && hidden.due_at() > now {
            // Do not delete again: deleting the photo's marker would make its upload URL work again. The worker, or
            // the sweep after the lease, deletes what the first try left.
            return Ok(ReplaceOutcome::Stored);
        }
        self.delete_stored(&hidden).await?;
        if hidden.due_at() <= now {
            self.works.remove(&hidden).await?;
        }
        Ok(ReplaceOutcome::Stored)
    }

    /// Gives up a work that no worker holds: deletes its photo and objects, and marks it failed. If the work has
    /// already ended, this deletes only the photo, which a dead worker left.
    ///
    /// # Errors
    /// When a store fails. The row then stays due, and `purge` retries.
    pub async fn abandon(&self, work: &Work, failure: Failure, now: UnixSeconds) -> Result<(), CloudError> {
        match work.state {
            WorkState::AwaitingUpload { .. } | WorkState::Processing { .. } => {
                self.delete_stored(work).await?;
                // Superseded: the work has ended in another way, which stands.
                self.works.replace(work, &work.failed(failure, now)).await.map(|_either| ())
            }
            WorkState::Ready { .. } | WorkState::Failed { .. } | WorkState::Deleting { .. } => {
                self.photos.delete(work.photo_key()).await
            }
        }
    }

    /// Removes a work whose period is over.
    ///
    /// # Errors
    /// When a store fails. The row then stays due, and `purge` retries.
    pub async fn remove(&self, work: &Work) -> Result<(), CloudError> {
        self.delete_stored(work).await?;
        // Superseded: another run has removed it.
        self.works.remove(work).await.map(|_either| ())
    }

    /// Deletes the objects of many works, but not their rows. Returns the works that still have an object, with the
    /// errors.
    ///
    /// # Errors
    /// When a store fails as a whole.
    pub async fn delete_stored_of(
        &self,
        works: &[Work],
    ) -> Result<HashMap<(SubjectId, WorkId), CloudError>, CloudError> {
        let mut left = HashMap::new();
        for Undeleted { key, error } in self.photos.delete_of_works(works).await? {
            let PhotoKey { subject, work } =
                key.parse::<PhotoKey>().map_err(|_none_of_ours| error.clone())?;
            left.insert((subject, work), error);
        }
        for Undeleted { key, error } in self.pictures.delete_of_works(works).await? {
            let WorkObjectKey { subject, work, .. } =
                key.parse::<WorkObjectKey>().map_err(|_none_of_ours| error.clone())?;
            left.insert((subject, work), error);
        }
        Ok(left)
    }

    /// Deletes a subject's objects that belong to no work; returns their number. A row names every object before it
    /// is put, so an object without a row belongs to nobody.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn delete_strays(&self, subject: SubjectId) -> Result<usize, CloudError> {
        // Objects first: so a row that is written after the listing is not missed.
        let (mut photos, mut pictures) =
            (self.photos.keys_of(subject).await?, self.pictures.keys_of(subject).await?);
        if photos.is_empty() && pictures.is_empty() {
            return Ok(0);
        }
        let works = self.works.ids_of(subject).await?;
        photos.retain(|key| !key.parse::<PhotoKey>().is_ok_and(|key| works.contains(&key.work)));
        pictures.retain(|key| !key.parse::<WorkObjectKey>().is_ok_and(|key| works.contains(&key.work)));
        self.photos.delete_keys(&photos).await?;
        self.pictures.delete_keys(&pictures).await?;
        Ok(photos.len() + pictures.len())
    }

    async fn delete_stored(&self, work: &Work) -> Result<(), CloudError> {
        self.photos.delete(work.photo_key()).await?;
        self.pictures.delete(work, work.attempt()).await
    }
}
