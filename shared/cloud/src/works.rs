//! The rows of works. A transition is stored on condition that the state it was computed from still stands, so
//! that of two workers, or a worker and a user who deletes, exactly one wins.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::builders::DeleteBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::limits::DUE_SHARDS;
use domain::{FavoriteTarget, SubjectId, UnixSeconds, Work, WorkId, WorkState};
use serde::{Deserialize, Serialize};

use crate::table::{self, Generation, Item, Transaction, WORK};
use crate::{CloudError, Connection, Gate};

/// The index by due time: sparse, sharded, keys only.
const DUE_INDEX: &str = "due";

/// Keys of due works read at once.
const DUE_PAGE: i32 = 100;

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

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    due_shard: String,
    due_at: UnixSeconds,
    #[serde(flatten)]
    work: Work,
}

impl Row {
    fn of(work: &Work) -> Self {
        let due_shard = shard(work.id).to_string();
        let (pk, sk) = (table::partition(work.subject), table::work_row(work.id));
        Self { pk, sk, due_shard, due_at: work.due_at(), work: work.clone() }
    }
}

/// The partition of the due index that a work's row is in.
fn shard(work: WorkId) -> u8 {
    work.to_string().bytes().fold(0_u8, u8::wrapping_add) % DUE_SHARDS
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
        let condition = StillStands::of(old);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(table::to_item(&Row::of(new), "a work")?))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(Some(condition.values))
            .build()
            .map_err(CloudError::malformed("a put"))?;
        let gate = table::gate_stands(&self.table, old.subject, Generation::Works(old.generation))?;
        let operations = vec![gate, TransactWriteItem::builder().put(put).build()];
        Ok(match table::transact(&self.connection, operations).await? {
            Transaction::Written => Replaced::Stored,
            Transaction::Refused(failed) if failed.first() == Some(&true) => Replaced::Closed,
            Transaction::Refused(_) => Replaced::Superseded,
        })
    }

    /// Removes the row of `work`, if it still stands, and with it the favorite that may name it: both in one write, so
    /// that no favorite is left whatever comes in between. The work's objects must be gone before.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, work: &Work) -> Result<Replaced, CloudError> {
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
        let delete = |delete: DeleteBuilder| {
            let delete = delete.build().map_err(CloudError::malformed("a delete"))?;
            Ok::<_, CloudError>(TransactWriteItem::builder().delete(delete).build())
        };
        let operations = vec![delete(row)?, delete(favorite)?];
        Ok(match table::transact(&self.connection, operations).await? {
            Transaction::Written => Replaced::Stored,
            Transaction::Refused(_) => Replaced::Superseded,
        })
    }

    /// The works of the owner of this gate that are older than `before`, newest first, at most `limit` of them and
    /// none that is being erased.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn page(&self, gate: Gate, before: Option<WorkId>, limit: usize) -> Result<Page, CloudError> {
        let start = before.map(|work| table::key(gate.subject, table::work_row(work)));
        let answer = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :works)")
            .expression_attribute_values(":pk", table::text(table::partition(gate.subject)))
            .expression_attribute_values(":works", table::text(WORK))
            .set_exclusive_start_key(start)
            .scan_index_forward(false)
            .consistent_read(true)
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
        let rows = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :works)")
            .filter_expression("generation < :before")
            .expression_attribute_values(":pk", table::text(table::partition(subject)))
            .expression_attribute_values(":works", table::text(WORK))
            .expression_attribute_values(":before", table::number(before))
            .consistent_read(true)
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
    pub async fn due(
        &self,
        shard: u8,
        now: UnixSeconds,
        start: Option<HashMap<String, AttributeValue>>,
    ) -> Result<DuePage, CloudError> {
        let answer = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", table::text(shard.to_string()))
            .expression_attribute_values(":now", table::number(now.as_second()))
            .set_exclusive_start_key(start)
            .limit(DUE_PAGE)
            .send()
            .await
            .map_err(CloudError::of("Query"))?;
        let works = answer.items.unwrap_or_default().into_iter().map(due_work).collect();
        Ok(DuePage { works, next: answer.last_evaluated_key })
    }

    /// The put of a new work, for the transaction that admits an upload.
    pub(crate) fn put_new(&self, work: &Work) -> Result<TransactWriteItem, CloudError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(table::to_item(&Row::of(work), "a work")?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(CloudError::malformed("a put"))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// The condition that the stored work is in the state of `work`: the same status and, while it is being made, the
/// same lease.
struct StillStands {
    expression: &'static str,
    names: HashMap<String, String>,
    values: Item,
}

impl StillStands {
    fn of(work: &Work) -> Self {
        let name = |alias: &str, attribute: &str| (alias.to_owned(), attribute.to_owned());
        // `status` and `token` are words of the expression language, so both go by an alias.
        let mut names = HashMap::from([name("#status", "status")]);
        let mut values = Item::from([(":status".to_owned(), table::text(work.state.name()))]);
        let WorkState::Processing { lease, .. } = &work.state else {
            return Self { expression: "#status = :status", names, values };
        };
        names.extend([name("#token", "token")]);
        values.insert(":token".to_owned(), table::text(lease.token));
        Self { expression: "#status = :status AND lease.#token = :token", names, values }
    }
}

pub(crate) fn read(item: Item) -> Result<Work, CloudError> {
    table::from_item::<Row>(item, "a work").map(|row| row.work)
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

#[cfg(test)]
mod tests {
    use domain::{
        Admission, ContentType, ExpectedPhoto, Failure, PhotoSource, Picture, ReasonCode, Sha256,
        TemplateVersion, WorkKind,
    };
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn every_state_of_a_work_reads_back_as_it_was_written() {
        let now = UnixSeconds::from_second(1_795_000_000);
        let photo = ExpectedPhoto { content_type: ContentType::Png, bytes: 7, sha256: Sha256::of(b"photo") };
        let awaiting = Work {
            id: WorkId::new(Timestamp::UNIX_EPOCH, 5),
            subject: SubjectId::from_random(6),
            generation: 3,
            kind: WorkKind::Picture,
            template: TemplateVersion { id: "t".parse().expect("a slug"), version: 2, sha256: "ab".into() },
            source: PhotoSource::Camera,
            created_at: now,
            state: WorkState::AwaitingUpload { photo, upload_expires_at: now },
        };
        let Admission::Claim(processing) = awaiting.claim(now, domain::LeaseToken::from_random(8), "request")
        else {
            panic!("a fresh work is claimed");
        };
        let picture = Picture { width: 1, height: 2, bytes: 3 };
        let states = [
            processing.published(picture, now, SignedDuration::from_hours(1)),
            processing.failed(Failure::of(ReasonCode::InternalError), now),
            processing.failed(Failure::measured(ReasonCode::TooDark, 12.34, 40.0), now),
            processing.deleted(now),
            *processing,
            awaiting,
        ];
        for work in states {
            let item = table::to_item(&Row::of(&work), "a work").expect("an item");
            assert_eq!(read(item).expect("reads back"), work);
        }
    }

    #[test]
    fn works_spread_over_all_shards() {
        let mut seen = std::collections::BTreeSet::new();
        for random in 0..200 {
            seen.insert(shard(WorkId::new(Timestamp::UNIX_EPOCH, random)));
        }
        assert_eq!(seen.len(), usize::from(DUE_SHARDS));
    }
}
