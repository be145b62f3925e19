//! How rows of works go: each on condition that its work still is what it was read as, and its favorite with it.

use domain::{FavoriteTarget, Work};
use futures_util::StreamExt as _;
use futures_util::stream;

use super::row::still_stands;
use super::{ReplaceOutcome, Works};
use crate::CloudError;
use crate::table;
use crate::write::{Changing, Outcome, Transaction};

/// Works that one write removes: two rows each, of the 100 that a transaction takes at most.
const REMOVALS_MAX: usize = 25;

/// Writes under way at once.
const AT_ONCE: usize = 8;

impl Works {
    /// Removes the row of `work`, if it still stands, and with it the favorite that may name it: both in one write, so
    /// that no favorite is left whatever comes in between. The work's objects must be gone before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, work: &Work) -> Result<ReplaceOutcome, CloudError> {
        Ok(match self.removal(std::slice::from_ref(work))?.write(&self.connection).await? {
            Outcome::Written => ReplaceOutcome::Stored,
            Outcome::Refused(_) => ReplaceOutcome::Superseded,
        })
    }

    /// Removes the rows of these works, each as [`Works::remove`] does, many in one write. How each of them went.
    pub async fn remove_all(&self, works: &[Work]) -> Vec<Result<ReplaceOutcome, CloudError>> {
        let groups = works.chunks(REMOVALS_MAX).map(|group| self.remove_group(group));
        let removed: Vec<_> = stream::iter(groups).buffered(AT_ONCE).collect().await;
        removed.into_iter().flatten().collect()
    }

    /// One write for the whole group. If any of it has changed, or two writes meet, each work is tried by itself.
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

    /// The deletes of the works' rows: two each.
    fn removal(&self, works: &[Work]) -> Result<Transaction<Changing>, CloudError> {
        works.iter().try_fold(Transaction::changing(), |removal, work| {
            let row = table::key(work.subject, table::work_row(work.id));
            let favorite = table::key(work.subject, table::favorite_row(&FavoriteTarget::Work(work.id)));
            removal.delete(&self.table, row, still_stands(work))?.delete_in_any_state(&self.table, favorite)
        })
    }
}
