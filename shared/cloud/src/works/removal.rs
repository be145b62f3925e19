//! How rows of works go: each on condition that its work still is what it was read as, and its favorite with it.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::{FavoriteTarget, Work};
use futures_util::StreamExt as _;
use futures_util::stream;

use super::row::StillStands;
use super::{Replaced, Works};
use crate::CloudError;
use crate::table::{self, Transaction};

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
    pub async fn remove(&self, work: &Work) -> Result<Replaced, CloudError> {
        let operations = self.removal(work)?.into();
        Ok(match table::transact(&self.connection, operations).await? {
            Transaction::Written => Replaced::Stored,
            Transaction::Refused(_) => Replaced::Superseded,
        })
    }

    /// Removes the rows of these works, each as [`Works::remove`] does, many in one write. How each of them went.
    pub async fn remove_all(&self, works: &[Work]) -> Vec<Result<Replaced, CloudError>> {
        let groups = works.chunks(REMOVALS_MAX).map(|group| self.remove_group(group));
        let removed: Vec<_> = stream::iter(groups).buffered(AT_ONCE).collect().await;
        removed.into_iter().flatten().collect()
    }

    /// One write for the whole group. If any of it has changed, or two writes meet, each work is tried by itself.
    async fn remove_group(&self, works: &[Work]) -> Vec<Result<Replaced, CloudError>> {
        let operations = works.iter().map(|work| self.removal(work)).collect::<Result<Vec<_>, _>>();
        let operations = operations.map(|operations| operations.into_iter().flatten().collect());
        let written = match operations {
            Ok(operations) => table::transact(&self.connection, operations).await,
            Err(error) => Err(error),
        };
        if matches!(written, Ok(Transaction::Written)) {
            return works.iter().map(|_work| Ok(Replaced::Stored)).collect();
        }
        stream::iter(works.iter().map(|work| self.remove(work))).buffered(AT_ONCE).collect().await
    }

    /// The two deletes of a work's rows.
    fn removal(&self, work: &Work) -> Result<[TransactWriteItem; 2], CloudError> {
        let condition = StillStands::of(work);
        let row = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(table::key(work.subject, table::work_row(work.id))))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values));
        let favorite = table::favorite_row(&FavoriteTarget::Work(work.id));
        let favorite =
            Delete::builder().table_name(&self.table).set_key(Some(table::key(work.subject, favorite)));
        Ok([table::delete(row)?, table::delete(favorite)?])
    }
}
