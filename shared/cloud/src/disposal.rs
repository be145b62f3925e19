//! How a work goes away, in the one order that leaves nothing behind: what is stored before the row that names it.

use std::collections::HashMap;

use domain::{Failure, PhotoKey, SubjectId, UnixSeconds, Work, WorkId, WorkObjectKey, WorkState};

use crate::{CloudError, Photos, Pictures, Replaced, Works};

/// Everything a work consists of, for those who take works away: its user, `synthesize`, `purge`.
#[derive(Debug, Clone)]
pub struct Disposal {
    /// The uploads bucket.
    pub photos: Photos,
    /// The works bucket.
    pub pictures: Pictures,
    /// The rows.
    pub works: Works,
}

impl Disposal {
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

    /// Deletes what a subject has in the buckets for works that there are not; how many objects there were. Every object
    /// is named by its work's row before it is put, so what no row names is nobody's.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn delete_strays(&self, subject: SubjectId) -> Result<usize, CloudError> {
        let photos = self.photos.keys_of(subject).await?;
        let photo_work = |key: &str| key.parse::<PhotoKey>().ok().map(|key| key.work);
        let stray_photos = self.strays(subject, photos, photo_work).await?;
        self.photos.delete_keys(&stray_photos).await?;
        let pictures = self.pictures.keys_of(subject).await?;
        let picture_work = |key: &str| key.parse::<WorkObjectKey>().ok().map(|key| key.work);
        let stray_pictures = self.strays(subject, pictures, picture_work).await?;
        self.pictures.delete_keys(&stray_pictures).await?;
        Ok(stray_photos.len() + stray_pictures.len())
    }

    /// Those of these keys that belong to no work there is.
    async fn strays(
        &self,
        subject: SubjectId,
        keys: Vec<String>,
        work_of: impl Fn(&str) -> Option<WorkId>,
    ) -> Result<Vec<String>, CloudError> {
        let mut exists = HashMap::new();
        let mut strays = Vec::new();
        for key in keys {
            let is_named = match work_of(&key) {
                None => false,
                Some(work) => match exists.get(&work) {
                    Some(known) => *known,
                    None => {
                        let found = self.works.load(subject, work).await?.is_some();
                        exists.insert(work, found);
                        found
                    }
                },
            };
            if !is_named {
                strays.push(key);
            }
        }
        Ok(strays)
    }

    async fn delete_stored(&self, work: &Work) -> Result<(), CloudError> {
        self.photos.delete(work.photo_key()).await?;
        self.pictures.delete(work, work.attempt()).await
    }
}
