//! How a work goes away, in the one order that leaves nothing behind: what is stored before the row that names it.

use std::collections::HashMap;

use domain::{Failure, PhotoKey, SubjectId, UnixSeconds, Work, WorkId, WorkObjectKey, WorkState};

use crate::bucket::Undeleted;
use crate::{CloudError, Photos, Pictures, Replaced, Works};

/// Everything a work consists of, for those who take works away: its user, `synthesize`, `purge`.
#[derive(Debug, Clone)]
pub struct WorkStores {
    /// The uploads bucket.
    pub photos: Photos,
    /// The works bucket.
    pub pictures: Pictures,
    /// The rows.
    pub works: Works,
}

impl WorkStores {
    /// Deletes a work for its user: hidden first, then what is stored, then the row. While a worker may still be
    /// at it, the row stays, hidden, and `purge` deletes once more when the lease has run out: a worker that dies
    /// with its picture just stored leaves nothing that no row names.
    ///
    /// # Errors
    /// When a store fails; the row then still names what is left, and `purge` goes on.
    pub async fn delete(&self, work: &Work, now: UnixSeconds) -> Result<Replaced, CloudError> {
        let hidden = work.deleted(now);
        let replaced = self.works.replace(work, &hidden).await?;
        if replaced != Replaced::Stored {
            return Ok(replaced);
        }
        if work.is_hidden() && hidden.due_at() > now {
            // Once is enough: to delete the photo's marker again and again would open its upload URL each time. What a
            // first try left behind, the worker or the sweep deletes when the lease runs out.
            return Ok(Replaced::Stored);
        }
        self.delete_stored(&hidden).await?;
        if hidden.due_at() <= now {
            self.works.remove(&hidden).await?;
        }
        Ok(Replaced::Stored)
    }

    /// Gives up a work nobody is at: its photo and objects go, and its row says why. Of a work that has ended only
    /// the photo goes, which somebody must have died over.
    ///
    /// # Errors
    /// When a store fails; the row then still is due, and `purge` goes on.
    pub async fn abandon(&self, work: &Work, failure: Failure, now: UnixSeconds) -> Result<(), CloudError> {
        match work.state {
            WorkState::AwaitingUpload { .. } | WorkState::Processing { .. } => {
                self.delete_stored(work).await?;
                // Superseded means that the work has ended in another way, which stands.
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
    /// When a store fails; the row then still is due, and `purge` goes on.
    pub async fn remove(&self, work: &Work) -> Result<(), CloudError> {
        self.delete_stored(work).await?;
        // Superseded means that somebody else has removed it.
        self.works.remove(work).await.map(|_either| ())
    }

    /// Deletes what is stored of many works, their rows left alone. Those of which something is left, each with the reason.
    ///
    /// # Errors
    /// When a store fails as a whole.
    pub async fn delete_stored_of(
        &self,
        works: &[Work],
    ) -> Result<HashMap<(SubjectId, WorkId), CloudError>, CloudError> {
        let mut left = HashMap::new();
        for Undeleted { key, error } in self.photos.delete_of(works).await? {
            let PhotoKey { subject, work } =
                key.parse::<PhotoKey>().map_err(|_none_of_ours| error.clone())?;
            left.insert((subject, work), error);
        }
        for Undeleted { key, error } in self.pictures.delete_of(works).await? {
            let WorkObjectKey { subject, work, .. } =
                key.parse::<WorkObjectKey>().map_err(|_none_of_ours| error.clone())?;
            left.insert((subject, work), error);
        }
        Ok(left)
    }

    /// Deletes what a subject has in the buckets for works that there are not; how many objects there were. Every object
    /// is named by its work's row before it is put, so what no row names is nobody's.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn delete_strays(&self, subject: SubjectId) -> Result<usize, CloudError> {
        // Objects first: a row that is read after its object was listed is not missed.
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
