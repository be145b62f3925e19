//! The rows of works. A transition is stored on condition that the state from which it was computed is unchanged. So
//! if two workers, or a worker and a user who deletes, act at once, exactly one wins.

mod removal;
mod row;

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{SubjectId, UnixSeconds, Work, WorkId, WorkObject, WorkObjectKey};
use serde::Deserialize;

pub(crate) use self::row::read;
use self::row::{Row, still_stands};
use crate::table::{self, Generation, Item, WORK};
use crate::write::{Admission, Outcome, Transaction};
use crate::{CloudError, Connection, Gate, Segment};

/// How many works an erasure deletes at once. Their objects take a few requests of 1,000 keys each.
const ERASED_AT_ONCE: i32 = 500;

/// The store of works' rows, in the records table.
#[derive(Debug, Clone)]
pub struct Works {
    connection: Connection,
    pub(crate) table: String,
}

/// The outcome of storing a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// The transition was stored.
    Stored,
    /// Nothing was written, because the stored state has changed in the meantime.
    Superseded,
    /// Nothing was written, because the account gate is closed: the account, or this generation, is being erased.
    Closed,
}

/// One page of a subject's works, newest first.
#[derive(Debug)]
pub struct Page {
    /// The works, including those past their period. The caller filters by time.
    pub works: Vec<Work>,
    /// Where the next page begins, if there is one.
    pub next: Option<WorkId>,
}

/// The key of a work that may be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWork {
    /// The owner of the work.
    pub subject: SubjectId,
    /// The work.
    pub work: WorkId,
}

/// A page of works that may be due.
#[derive(Debug)]
pub struct DuePage {
    /// The works. A row with a malformed key is an error of its own and does not affect the other rows.
    pub works: Vec<Result<DueWork, CloudError>>,
    /// Where the next page begins, if there is one.
    pub next: Option<HashMap<String, AttributeValue>>,
}

impl Works {
    /// Creates the store in this records table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Loads one work of this subject by a consistent read. A work that is being erased is not found.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load_own(&self, gate: Gate, work: WorkId) -> Result<Option<Work>, CloudError> {
        let work = self.load(gate.subject, work).await?;
        Ok(work.filter(|work| work.generation == gate.works))
    }

    /// Loads one work by a consistent read, even if it is being erased.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, subject: SubjectId, work: WorkId) -> Result<Option<Work>, CloudError> {
        let key = table::key(subject, table::work_row(work));
        table::get(&self.connection, &self.table, key).await?.map(read).transpose()
    }

    /// Replaces `old` by `new`, if `old` is still the stored state and the account gate is open.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn replace(&self, old: &Work, new: &Work) -> Result<ReplaceOutcome, CloudError> {
        let gate = Admission::open_gate(&self.table, old.subject, Generation::Works(old.generation))?;
        let row = table::to_item(&Row::of(new), "a work")?;
        let transaction = Transaction::admitted(gate).replace(&self.table, row, still_stands(old))?;
        Ok(match transaction.write(&self.connection).await? {
            Outcome::Written => ReplaceOutcome::Stored,
            Outcome::Refused(failed) if failed.first() == Some(&true) => ReplaceOutcome::Closed,
            Outcome::Refused(_) => ReplaceOutcome::Superseded,
        })
    }

    /// Loads a page of this subject's works, newest first: at most `limit` works that are older than `before`. Works
    /// that are being erased are left out.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn page(&self, gate: Gate, before: Option<WorkId>, limit: usize) -> Result<Page, CloudError> {
        let start = before.map(|work| table::key(gate.subject, table::work_row(work)));
        let answer = table::rows_query(&self.connection, &self.table, gate.subject, WORK)
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(CloudError::of("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let mut works =
            answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let next = works.last().map(|work| work.id).filter(|_last| more);
        works.retain(|work| work.generation == gate.works);
        Ok(Page { works, next })
    }

    /// Loads a page of a subject's works of generations below `before`, and where the next page begins.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn of_earlier(
        &self,
        subject: SubjectId,
        before: u32,
        start: Option<Item>,
    ) -> Result<(Vec<Work>, Option<Item>), CloudError> {
        let answer = table::rows_query(&self.connection, &self.table, subject, WORK)
            .filter_expression("generation < :before")
            .expression_attribute_values(":before", table::number(before))
            .limit(ERASED_AT_ONCE)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(CloudError::of("Query"))?;
        let works = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((works, answer.last_evaluated_key))
    }

    /// Loads the ids of all works of a subject, in any state.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ids_of(&self, subject: SubjectId) -> Result<HashSet<WorkId>, CloudError> {
        let query =
            table::rows_query(&self.connection, &self.table, subject, WORK).projection_expression("sk");
        let rows = table::query_all(query).await?;
        let id = |row: &Item| row.get("sk")?.as_s().ok()?.strip_prefix(WORK)?.parse().ok();
        Ok(rows.iter().filter_map(id).collect())
    }

    /// Loads those of these works that have a row, by consistent reads. A row that cannot be read is an error of its
    /// own.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load_all(&self, works: &[DueWork]) -> Result<Vec<Result<Work, CloudError>>, CloudError> {
        let keys = works.iter().map(|due| table::key(due.subject, table::work_row(due.work))).collect();
        Ok(table::batch(&self.connection, &self.table, keys, None).await?.into_iter().map(read).collect())
    }

    /// Reads a page of a segment of the table. Returns the pictures that the rows of ready works name, and where the
    /// next page begins.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ready(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<(Vec<WorkObjectKey>, Option<Item>), CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.table).set_exclusive_start_key(start);
        let answer = table::scan_segment(scan, segment)
            .filter_expression("begins_with(sk, :works) AND #status = :ready")
            .projection_expression("pk, sk, attempt")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":works", table::text(WORK))
            .expression_attribute_values(":ready", table::text("ready"))
            .send()
            .await
            .map_err(CloudError::of("Scan"))?;
        let rows = answer.items.unwrap_or_default().into_iter();
        Ok((rows.map(picture_of).collect::<Result<_, _>>()?, answer.last_evaluated_key))
    }

    /// Loads a page of the works whose due time has come, from one shard of the index, earliest first. The index may
    /// lag behind the table, so the caller must decide by the row itself.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn due(&self, shard: u8, now: UnixSeconds, start: Option<Item>) -> Result<DuePage, CloudError> {
        let (keys, next) = table::due(&self.connection, &self.table, shard, now, start).await?;
        Ok(DuePage { works: keys.into_iter().map(due_work).collect(), next })
    }

    /// Creates the row of a new work, for the transaction that admits an upload.
    pub(crate) fn new_row(work: &Work) -> Result<Item, CloudError> {
        table::to_item(&Row::of(work), "a work")
    }
}

/// Returns the key of the picture that the row of a ready work names.
fn picture_of(row: Item) -> Result<WorkObjectKey, CloudError> {
    #[derive(Deserialize)]
    struct Named {
        pk: String,
        sk: String,
        attempt: u32,
    }
    let Named { pk, sk, attempt } = table::from_item(row, "a work")?;
    let DueWork { subject, work } = work_of(&pk, &sk).ok_or(CloudError::Malformed { what: "a work" })?;
    Ok(WorkObjectKey { subject, work, attempt, object: WorkObject::Picture })
}

/// Parses the work of a row's key.
fn work_of(pk: &str, sk: &str) -> Option<DueWork> {
    Some(DueWork { subject: table::subject_of(pk)?, work: sk.strip_prefix(WORK)?.parse().ok()? })
}

fn due_work(keys: Item) -> Result<DueWork, CloudError> {
    #[derive(Deserialize)]
    struct Keys {
        pk: String,
        sk: String,
    }
    let Keys { pk, sk } = table::from_item(keys, "a due row")?;
    work_of(&pk, &sk).ok_or(CloudError::Malformed { what: "a due row" })
}
