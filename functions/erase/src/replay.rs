//! The replay: a copy of the records that was restored from a backup is cleared of what was erased or deleted since,
//! before it serves.

use cloud::{CloudError, Disposal, Favorites, Partitions, Works};
use domain::{ErasureScope, Reach};

use crate::erase::Erase;

impl Erase {
    /// Clears the copy named `table`. To do it twice changes nothing.
    pub(crate) async fn replay(&self, table: String) -> Result<(), CloudError> {
        let copy = Copy {
            partitions: Partitions::new(&self.connection, table.clone()),
            favorites: Favorites::new(&self.connection, table.clone()),
            works: Works::new(&self.connection, table),
        };
        let reaches = self.erasures.reaches().await?;
        for (scope, reach) in &reaches {
            copy.clear(*scope, *reach).await?;
        }
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

    /// Removes the ready works whose pictures are gone: their users have deleted them since. Works that were on their
    /// way are settled by `purge`, like any other.
    async fn remove_vanished_works(&self, disposal: &Disposal) -> Result<usize, CloudError> {
        let mut vanished = 0;
        let mut start = None;
        loop {
            let (works, next) = self.works.ready(start).await?;
            for work in works {
                if !disposal.pictures.exists(&work).await? {
                    self.works.remove(&work).await?;
                    vanished += 1;
                }
            }
            start = next;
            if start.is_none() {
                return Ok(vanished);
            }
        }
    }
}
