//! The replay: a copy of the records that was restored from a backup is cleared of what was erased or deleted since,
//! before it serves.

use cloud::{CloudError, Disposal, Erasures, Favorites, Partitions, Works};
use domain::{ErasureScope, Reach};
use futures_util::future::try_join_all;

use crate::erase::Erase;

/// Works whose pictures are looked for at once.
const AT_ONCE: usize = 32;

impl Erase {
    /// Clears the copy named `table`. To do it twice changes nothing.
    pub(crate) async fn replay(&self, table: String) -> Result<(), CloudError> {
        let copy = Copy {
            partitions: Partitions::new(&self.connection, table.clone()),
            favorites: Favorites::new(&self.connection, table.clone()),
            works: Works::new(&self.connection, table.clone()),
            requests: self.erasures.beside(table),
        };
        let reaches = self.erasures.reaches().await?;
        for (scope, reach) in &reaches {
            copy.clear(*scope, *reach).await?;
        }
        copy.forget_contacts().await?;
        let vanished = copy.remove_vanished_works(&self.disposal).await?;
        tracing::info!(erasures = reaches.len(), vanished, "replayed");
        Ok(())
    }
}

/// A restored copy of the records.
struct Copy {
    partitions: Partitions,
    favorites: Favorites,
    works: Works,
    /// The requests as they are now, beside the copy.
    requests: Erasures,
}

impl Copy {
    async fn clear(&self, scope: ErasureScope, reach: Reach) -> Result<(), CloudError> {
        match scope {
            ErasureScope::Account => {
                let partition = self.partitions.load(reach.subject).await?;
                self.partitions.delete(&partition).await?;
                self.partitions.delete_gate(reach.subject).await
            }
            ErasureScope::Works => {
                for work in self.works.of_earlier(reach.subject, reach.works_before).await? {
                    self.works.remove(&work).await?;
                }
                self.partitions.raise_generations(reach).await
            }
            ErasureScope::Favorites => {
                self.favorites.delete_earlier(reach.subject, reach.favorites_before).await?;
                self.partitions.raise_generations(reach).await
            }
        }
    }

    /// Forgets how to reach those whose requests have forgotten it since.
    async fn forget_contacts(&self) -> Result<(), CloudError> {
        for (subject, request) in self.requests.contacts().await? {
            let erasure = self.requests.load(request).await?;
            if erasure.is_none_or(|erasure| erasure.reach().is_none()) {
                self.requests.forget_contact(subject, request).await?;
            }
        }
        Ok(())
    }

    /// Removes the ready works whose pictures are gone: their users have deleted them since. Works that were on their
    /// way are settled by `purge`, like any other.
    async fn remove_vanished_works(&self, disposal: &Disposal) -> Result<usize, CloudError> {
        let mut vanished = 0;
        let mut start = None;
        loop {
            let (works, next) = self.works.ready(start).await?;
            for works in works.chunks(AT_ONCE) {
                let looked = works.iter().map(|work| disposal.pictures.exists(work));
                for (work, exists) in works.iter().zip(try_join_all(looked).await?) {
                    if !exists {
                        self.works.remove(work).await?;
                        vanished += 1;
                    }
                }
            }
            start = next;
            if start.is_none() {
                return Ok(vanished);
            }
        }
    }
}
