//! The rows of favorites. Each template or work has one row, so that marking it twice changes nothing. The favorite
//! of a work is deleted in the same write as the work's own row ([`crate::Works::remove`]).

use domain::limits::FAVORITES_MAX;
use domain::{Favorite, FavoriteTarget, SubjectId, UnixSeconds, Work, WorkId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use crate::table::{self, FAVORITE, Generation, Item};
use crate::write::{self, Admission, Condition, Existing, Outcome, Transaction, Vacant};
use crate::{CloudError, Connection, Gate, works};

/// How many deletes run at once.
const DELETES_AT_ONCE: usize = 16;

/// The store of favorites, in the records table.
#[derive(Debug, Clone)]
pub struct Favorites {
    connection: Connection,
    table: String,
}

/// The outcome of marking a favorite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The favorite exists, from this request or an earlier one.
    Favorite(Favorite),
    /// The subject already has the most favorites that are allowed.
    LimitReached,
    /// The work was deleted in the meantime.
    WorkGone,
    /// The account gate has closed in the meantime.
    Closed,
}

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    generation: u32,
    saved_at: UnixSeconds,
}

impl Favorites {
    /// Creates the store in this records table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Marks `target`, unless it is already marked. The row of a work must exist and not be in deletion. A later
    /// removal of the work also removes the favorite.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn save(
        &self,
        gate: Gate,
        target: FavoriteTarget,
        now: UnixSeconds,
    ) -> Result<SaveOutcome, CloudError> {
        let all = self.all(gate).await?;
        let count = all.len();
        if let Some(earlier) = all.into_iter().find(|favorite| favorite.target == target) {
            return Ok(SaveOutcome::Favorite(earlier));
        }
        if count >= FAVORITES_MAX {
            return Ok(SaveOutcome::LimitReached);
        }
        let admission =
            Admission::open_gate(&self.table, gate.subject, Generation::Favorites(gate.favorites))?;
        let (row, vacant) = new_row(gate, &target, now)?;
        let mut transaction = Transaction::admitted(admission).insert(&self.table, row, vacant)?;
        if let FavoriteTarget::Work(work) = target {
            let row = table::key(gate.subject, table::work_row(work));
            transaction = transaction.check(&self.table, row, work_is_kept())?;
        }
        let failed = match transaction.write(&self.connection).await? {
            Outcome::Written => return Ok(SaveOutcome::Favorite(Favorite { target, saved_at: now })),
            Outcome::Refused(failed) => failed,
        };
        Ok(match failed.as_slice() {
            [true, ..] => SaveOutcome::Closed,
            [_, _, true] => SaveOutcome::WorkGone,
            _ => self.concurrently_saved(gate, target, now).await?,
        })
    }

    /// Unmarks `target`. A target that is not marked is not an error.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, subject: SubjectId, target: &FavoriteTarget) -> Result<(), CloudError> {
        let key = table::key(subject, table::favorite_row(target));
        write::delete(&self.connection, &self.table, key, Condition::exists()).await.map(drop)
    }

    /// Loads all favorites of this subject except those being erased, in no useful order. They are few
    /// ([`FAVORITES_MAX`]). No key sorts them by time, because the key of a favorite must be the same however often
    /// it is saved.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn all(&self, gate: Gate) -> Result<Vec<Favorite>, CloudError> {
        let rows = self.rows(gate.subject).await?;
        let own = rows.into_iter().filter(|row| row.generation == gate.favorites);
        own.map(|row| favorite(&row)).collect()
    }

    /// Deletes the favorites of generations below `before`. Returns how many there were.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn delete_earlier(&self, subject: SubjectId, before: u32) -> Result<usize, CloudError> {
        let mut rows = self.rows(subject).await?;
        rows.retain(|row| row.generation < before);
        let deleted = rows.iter().map(|row| self.delete_of_earlier(subject, row, before));
        stream::iter(deleted).buffer_unordered(DELETES_AT_ONCE).try_collect::<()>().await?;
        Ok(rows.len())
    }

    /// Deletes one favorite, if its generation is still below `before`. A batch would take fewer calls, but has no
    /// conditions.
    async fn delete_of_earlier(&self, subject: SubjectId, row: &Row, before: u32) -> Result<(), CloudError> {
        // The user may have marked the target again in the meantime.
        let earlier = Condition::exists_and("generation < :before").value(":before", table::number(before));
        let key = table::key(subject, row.sk.clone());
        write::delete(&self.connection, &self.table, key, earlier).await.map(drop)
    }

    async fn rows(&self, subject: SubjectId) -> Result<Vec<Row>, CloudError> {
        let query = table::rows_query(&self.connection, &self.table, subject, FAVORITE);
        let rows = table::query_all(query).await?;
        rows.into_iter().map(|row| table::from_item(row, "a favorite")).collect()
    }

    /// Loads those of these works that exist and are not being erased.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn works(&self, gate: Gate, works: &[WorkId]) -> Result<Vec<Work>, CloudError> {
        let keys = works.iter().map(|work| table::key(gate.subject, table::work_row(*work)));
        let rows = table::batch(&self.connection, &self.table, keys.collect(), None).await?;
        let mut found = rows.into_iter().map(works::read).collect::<Result<Vec<_>, _>>()?;
        found.retain(|work| work.generation == gate.works);
        Ok(found)
    }

    /// Returns the favorite that a concurrent request has saved. If it is already unmarked again, the answer is as if
    /// this request had come before that.
    async fn concurrently_saved(
        &self,
        gate: Gate,
        target: FavoriteTarget,
        now: UnixSeconds,
    ) -> Result<SaveOutcome, CloudError> {
        let all = self.all(gate).await?;
        let other = all.into_iter().find(|favorite| favorite.target == target);
        Ok(SaveOutcome::Favorite(other.unwrap_or(Favorite { target, saved_at: now })))
    }
}

/// Creates the row of a new favorite, and the condition for inserting it.
fn new_row(
    gate: Gate,
    target: &FavoriteTarget,
    now: UnixSeconds,
) -> Result<(Item, Condition<Vacant>), CloudError> {
    let (pk, sk) = (table::partition(gate.subject), table::favorite_row(target));
    let row = Row { pk, sk, generation: gate.favorites, saved_at: now };
    // A favorite of an earlier generation is being erased, and the new row may replace it.
    let vacant =
        Condition::vacant_or("generation < :generation").value(":generation", table::number(gate.favorites));
    Ok((table::to_item(&row, "a favorite")?, vacant))
}

/// The condition that a work exists and is not in deletion.
fn work_is_kept() -> Condition<Existing> {
    Condition::exists_and("#status <> :deleting")
        .name("#status", "status")
        .value(":deleting", table::text("deleting"))
}

fn favorite(row: &Row) -> Result<Favorite, CloudError> {
    let target = target(&row.sk).ok_or(CloudError::Malformed { what: "a favorite" })?;
    Ok(Favorite { target, saved_at: row.saved_at })
}

/// Parses what a favorite's sort key marks.
pub(crate) fn target(key: &str) -> Option<FavoriteTarget> {
    let (kind, id) = key.strip_prefix(FAVORITE)?.split_once('#')?;
    FavoriteTarget::of(kind, id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_favorite_survives_writing_and_reading() {
        for target in [
            FavoriteTarget::of("template", "mona-lisa").expect("a template"),
            FavoriteTarget::of("work", "01BX5ZZKBKACTAV9WEVGEMMVRZ").expect("a work"),
        ] {
            let saved_at = UnixSeconds::from_second(1_795_000_000);
            let (pk, sk) = ("SUBJECT#x".to_owned(), table::favorite_row(&target));
            let item = table::to_item(&Row { pk, sk, generation: 1, saved_at }, "a favorite");
            let row = table::from_item(item.expect("an item"), "a favorite").expect("reads back");
            assert_eq!(favorite(&row), Ok(Favorite { target, saved_at }));
        }
    }
}
