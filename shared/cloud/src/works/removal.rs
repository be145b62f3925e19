//! Removes rows of works. Each removal is conditional on the state that was read, and includes the work's favorite.

use domain::{FavoriteTarget, Work};
use futures_util::StreamExt as _;
use futures_util::stream;

use super::row::still_stands;
use super::{ReplaceOutcome, Works};
use crate::CloudError;
use crate::table;
use crate::write::{Changing, Outcome, Transaction};

/// How many works one write removes. Each has two rows, and a transaction takes at most 100.
const REMOVALS_MAX: usize = 25;

/// How many writes run at once.
const AT_ONCE: usize = 8;

impl Works {
    /// Removes the row of `work` and its favorite, if the work's state is unchanged. Both go in one write, so that no
    /// favorite is left over. The work's objects must be deleted before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, work: &Work) -> Result<ReplaceOutcome, CloudError> {
        Ok(match self.removal(std::slice::from_ref(work))?.write(&self.connection).await? {
            Outcome::Written => ReplaceOutcome::Stored,
            Outcome::Refused(_) => ReplaceOutcome::Superseded,
        })
    }

    /// Removes the rows of these works as [`Works::remove`] does, but many in one write. Returns the outcome of each.
    pub async fn remove_all(&self, works: &[Work]) -> Vec<Result<ReplaceOutcome, CloudError>> {
        let groups = works.chunks(REMOVALS_MAX).map(|group| self.remove_group(group));
        let removed: Vec<_> = stream::iter(groups).buffered(AT_ONCE).collect().await;
        removed.into_iter().flatten().collect()
    }

    /// Removes a group in one write. If a work of it has changed, or the write fails, each work is tried by itself.
    async fn remove_group(&self, works: &[Work]) -> Vec<Result<ReplaceOutcome, CloudError>> {
        let written = match self.removal(works) {
            Ok(removal) => removal.write(&self.connection).await,
            Err(error) => Err(error),
        };
        if matches!(written, Ok(Outcome::Written)) {
            return works.iter().map(|_work| Ok(ReplaceOutcome::Stored)).collect();
        }
        stream::iter(works.iter().map(|work| self.remove(work))).buffered(AT_ONCE).collect().await
    }

    /// Creates the transaction that deletes two rows for each work.
    fn removal(&self, works: &[Work]) -> Result<Transaction<Changing>, CloudError> {
        works.iter().try_fold(Transaction::changing(), |removal, work| {
            let row = table::key(work.subject, table::work_row(work.id));
            let favorite = table::key(work.subject, table::favorite_row(&FavoriteTarget::Work(work.id)));
            removal.delete(&self.table, row, still_stands(work))?.delete_in_any_state(&self.table, favorite)
        })
    }
}
