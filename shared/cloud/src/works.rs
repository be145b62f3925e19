//! The rows of works. A transition is stored on condition that the state it was computed from still stands, so
//! that of two workers, or a worker and a user who deletes, exactly one wins.

mod row;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{FavoriteTarget, SubjectId, UnixSeconds, Work, WorkId};
use serde::Deserialize;

pub(crate) use self::row::read;
use self::row::{Row, still_stands};
use crate::table::{self, Generation, Item, WORK};
use crate::write::{Admission, Outcome, Transaction};
use crate::{CloudError, Connection, Gate};

/// The rows of works in the records table.
#[derive(Debug, Clone)]
pub struct Works {
    connection: Connection,
    pub(crate) table: String,
}

/// Whether a transition was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
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
    pub async fn own(&self, gate: Gate, work: WorkId) -> Result<Option<Work>, CloudError> {
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
    pub async fn replace(&self, old: &Work, new: &Work) -> Result<Replaced, CloudError> {
        let gate = Admission::open_gate(&self.table, old.subject, Generation::Works(old.generation))?;
        let row = table::to_item(&Row::of(new), "a work")?;
        let transaction = Transaction::admitted(gate).replace(&self.table, row, still_stands(old))?;
        Ok(match transaction.write(&self.connection).await? {
            Outcome::Written => Replaced::Stored,
            Outcome::Refused(failed) if failed.first() == Some(&true) => Replaced::Closed,
            Outcome::Refused(_) => Replaced::Superseded,
        })
    }

    /// Removes the row of `work`, if it still stands, and with it the favorite that may name it: both in one write, so
    /// that no favorite is left whatever comes in between. The work's objects must be gone before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, work: &Work) -> Result<Replaced, CloudError> {
        let row = table::key(work.subject, table::work_row(work.id));
        let favorite = table::key(work.subject, table::favorite_row(&FavoriteTarget::Work(work.id)));
        let transaction = Transaction::deleting(&self.table, row, still_stands(work))?;
        Ok(match transaction.delete_too(&self.table, favorite)?.write(&self.connection).await? {
            Outcome::Written => Replaced::Stored,
            Outcome::Refused(_) => Replaced::Superseded,
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

    /// Every work of a subject that was made under an earlier generation than `before`.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn of_earlier(&self, subject: SubjectId, before: u32) -> Result<Vec<Work>, CloudError> {
        let rows = table::rows_query(&self.connection, &self.table, subject, WORK)
            .filter_expression("generation < :before")
            .expression_attribute_values(":before", table::number(before))
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(CloudError::of("Query"))?;
        rows.into_iter().map(read).collect()
    }

    /// A page of all ready works of the table, whosever they are.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ready(&self, start: Option<Item>) -> Result<(Vec<Work>, Option<Item>), CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.table).set_exclusive_start_key(start);
        let answer = scan
            .filter_expression("begins_with(sk, :works) AND #status = :ready")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":works", table::text(WORK))
            .expression_attribute_values(":ready", table::text("ready"))
            .consistent_read(true)
            .send()
            .await
            .map_err(CloudError::of("Scan"))?;
        let works = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        Ok((works, answer.last_evaluated_key))
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

fn due_work(keys: Item) -> Result<DueWork, CloudError> {
    #[derive(Deserialize)]
    struct Keys {
        pk: String,
        sk: String,
    }
    let Keys { pk, sk } = table::from_item(keys, "a due row")?;
    let malformed = CloudError::Malformed { what: "a due row" };
    match (table::subject_of(&pk), sk.strip_prefix(WORK).map(str::parse)) {
        (Some(subject), Some(Ok(work))) => Ok(DueWork { subject, work }),
        _ => Err(malformed),
    }
}
