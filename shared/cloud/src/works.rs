//! The rows of works. A transition is stored on condition that the state it was computed from still stands, so
//! that of two workers, or a worker and a user who deletes, exactly one wins.

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

/// Works that an erasure takes at once: their objects are a few requests of 1,000 keys each.
const ERASED_AT_ONCE: i32 = 500;

/// The rows of works in the records table.
#[derive(Debug, Clone)]
pub struct Works {
    connection: Connection,
    pub(crate) table: String,
}

/// Whether a transition was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaceOutcome {
    /// It was.
    Stored,
    /// The state it was computed from no longer stands: nothing was written.
    Superseded,
    /// The subject's gate is closed, because it is being erased: nothing was written.
    Closed,
}

/// One page of a subject's works, newest first.
#[derive(Debug)]
pub struct Page {
    /// The works, also those that are past their period: the caller filters by the time.
    pub works: Vec<Work>,
    /// Where the next page begins, if there is one.
    pub next: Option<WorkId>,
}

/// A work about which something is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWork {
    /// Whose it is.
    pub subject: SubjectId,
    /// The work.
    pub work: WorkId,
}

/// Works about which something is to be done.
#[derive(Debug)]
pub struct DuePage {
    /// The works; a row whose key is none of a work is an error of its own, which keeps nobody from the others.
    pub works: Vec<Result<DueWork, CloudError>>,
    /// Where the next page begins, if there is one.
    pub next: Option<HashMap<String, AttributeValue>>,
}

impl Works {
    /// The works in this records table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// One work of the owner of this gate, by a consistent read; none that is being erased.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load_own(&self, gate: Gate, work: WorkId) -> Result<Option<Work>, CloudError> {
        let work = self.load(gate.subject, work).await?;
        Ok(work.filter(|work| work.generation == gate.works))
    }

    /// One work, by a consistent read, for those who take works away.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, subject: SubjectId, work: WorkId) -> Result<Option<Work>, CloudError> {
        let key = table::key(subject, table::work_row(work));
        let request = self
            .connection
            .dynamodb
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key))
            .consistent_read(true);
        let item = request.send().await.map_err(CloudError::of("GetItem"))?.item;
        item.map(read).transpose()
    }

    /// Stores `new` in the place of `old`, if `old` still stands and the gate is open.
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

    /// The works of the owner of this gate that are older than `before`, newest first, at most `limit` of them and
    /// none that is being erased.
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

    /// A page of a subject's works that were made under an earlier generation than `before`, and where the next begins.
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

    /// The ids of all works of a subject, whatever their state.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ids_of(&self, subject: SubjectId) -> Result<HashSet<WorkId>, CloudError> {
        let rows = table::rows_query(&self.connection, &self.table, subject, WORK)
            .projection_expression("sk")
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(CloudError::of("Query"))?;
        let id = |row: &Item| row.get("sk")?.as_s().ok()?.strip_prefix(WORK)?.parse().ok();
        Ok(rows.iter().filter_map(id).collect())
    }

    /// Those of these works whose rows there are, by consistent reads. A row that cannot be read is an error of its own.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load_all(&self, works: &[DueWork]) -> Result<Vec<Result<Work, CloudError>>, CloudError> {
        let keys = works.iter().map(|due| table::key(due.subject, table::work_row(due.work))).collect();
        Ok(table::batch(&self.connection, &self.table, keys, None).await?.into_iter().map(read).collect())
    }

    /// A page of a segment of the table: the pictures that its rows of ready works name, and where the next begins.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ready(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<(Vec<WorkObjectKey>, Option<Item>), CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.table).set_exclusive_start_key(start);
        let answer = scan
            .segment(i32::from(segment.number))
            .total_segments(i32::from(segment.of))
            .filter_expression("begins_with(sk, :works) AND #status = :ready")
            .projection_expression("pk, sk, attempt")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":works", table::text(WORK))
            .expression_attribute_values(":ready", table::text("ready"))
            .consistent_read(true)
            .send()
            .await
            .map_err(CloudError::of("Scan"))?;
        let rows = answer.items.unwrap_or_default().into_iter();
        Ok((rows.map(picture_of).collect::<Result<_, _>>()?, answer.last_evaluated_key))
    }

    /// A page of the works whose due time has come, from one shard of the index, earliest first. The index may be behind
    /// the table, so what is to be done is decided on the row itself.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn due(&self, shard: u8, now: UnixSeconds, start: Option<Item>) -> Result<DuePage, CloudError> {
        let (keys, next) = table::due(&self.connection, &self.table, shard, now, start).await?;
        Ok(DuePage { works: keys.into_iter().map(due_work).collect(), next })
    }

    /// The row of a new work, for the transaction that admits an upload.
    pub(crate) fn new_row(work: &Work) -> Result<Item, CloudError> {
        table::to_item(&Row::of(work), "a work")
    }
}

/// The picture that the row of a ready work names.
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

/// The work whose row has this key.
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
