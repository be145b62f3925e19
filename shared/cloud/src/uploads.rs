//! Admitting an upload: one transaction that holds the gate, the quota, the idempotency key and the new work, so
//! that a repeated or concurrent request can neither make a second work nor count twice.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use domain::limits::{UPLOAD_SLOT, UPLOADS_PER_DAY_MAX, UPLOADS_PER_SLOT_MAX};
use domain::retention::Record;
use domain::{SubjectId, UnixSeconds, Work, WorkId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::table::{self, Generation, IDEMPOTENCY, Item, QUOTA, Transaction};
use crate::{CloudError, Connection, Gate, Works};

/// What became of a request for an upload.
#[derive(Debug)]
pub enum Upload {
    /// The work was created.
    Created,
    /// The idempotency key was used before, for this work (which may be gone by now).
    Repeated(WorkId),
    /// The day's uploads are used up.
    OverQuota,
    /// The uploads of these minutes are used up; more from then on.
    OverSlot(UnixSeconds),
    /// The subject's gate has closed in the meantime.
    Closed,
}

/// Admits uploads into the records table.
#[derive(Debug, Clone)]
pub struct Uploads {
    connection: Connection,
    works: Works,
}

#[derive(Serialize, Deserialize)]
struct IdempotencyRow {
    work: WorkId,
    ttl: UnixSeconds,
}

impl Uploads {
    /// Uploads whose works go into `works`.
    pub fn new(connection: &Connection, works: &Works) -> Self {
        Self { connection: connection.clone(), works: works.clone() }
    }

    /// Creates `work`, unless `idempotency_key` was used before or the quota of the day or of these minutes is used up.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn admit(
        &self,
        gate: Gate,
        work: &Work,
        idempotency_key: &str,
        now: Timestamp,
    ) -> Result<Upload, CloudError> {
        let idempotency = table::key(gate.subject, idempotency_row(idempotency_key));
        let table = &self.works.table;
        let operations = vec![
            table::gate_stands(&self.works.table, gate.subject, Generation::Works(gate.works))?,
            self.remember(idempotency.clone(), work.id, now)?,
            table::count(table, gate.subject, "uploads", UPLOADS_PER_DAY_MAX, UnixSeconds::of(now))?,
            count_in_slot(table, gate.subject, UnixSeconds::of(now))?,
            self.works.put_new(work)?,
        ];
        let failed = match table::transact(&self.connection, operations).await? {
            Transaction::Written => return Ok(Upload::Created),
            Transaction::Refused(failed) => failed,
        };
        match failed.as_slice() {
            [true, ..] => Ok(Upload::Closed),
            [_, true, ..] => self.earlier(idempotency).await,
            [_, _, true, ..] => Ok(Upload::OverQuota),
            [_, _, _, true, ..] => Ok(Upload::OverSlot(slot_start(UnixSeconds::of(now)).plus(UPLOAD_SLOT))),
            _ => Err(CloudError::Malformed { what: "the row of a work that was never made" }),
        }
    }

    /// The row that ties the key to the work. It is not deleted by name but by DynamoDB's TTL: it names no object.
    fn remember(&self, key: Item, work: WorkId, now: Timestamp) -> Result<TransactWriteItem, CloudError> {
        let ttl = UnixSeconds::of(now).plus(Record::Idempotency.retention().period);
        let mut row = table::to_item(&IdempotencyRow { work, ttl }, "an idempotency row")?;
        row.extend(key);
        let put = Put::builder()
            .table_name(&self.works.table)
            .set_item(Some(row))
            .condition_expression("attribute_not_exists(pk) OR #ttl <= :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", table::number(now.as_second()));
        table::put(put)
    }

    async fn earlier(&self, key: Item) -> Result<Upload, CloudError> {
        let request = self.connection.dynamodb.get_item().table_name(&self.works.table).set_key(Some(key));
        let item = request.consistent_read(true).send().await.map_err(CloudError::of("GetItem"))?.item;
        let row: IdempotencyRow = table::from_item(item.unwrap_or_default(), "an idempotency row")?;
        Ok(Upload::Repeated(row.work))
    }
}

/// Counts one upload URL of a slot, on condition that there are less than allowed. The row goes by DynamoDB's TTL.
fn count_in_slot(table: &str, subject: SubjectId, now: UnixSeconds) -> Result<TransactWriteItem, CloudError> {
    let start = slot_start(now);
    table::update(
        Update::builder()
            .table_name(table)
            .set_key(Some(table::key(subject, format!("{QUOTA}{}", start.to_rfc3339()))))
            .update_expression("ADD urls :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(urls) OR urls < :max")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", table::number(1))
            .expression_attribute_values(":max", table::number(UPLOADS_PER_SLOT_MAX))
            .expression_attribute_values(":ttl", table::number(start.plus(UPLOAD_SLOT).as_second())),
    )
}

fn slot_start(now: UnixSeconds) -> UnixSeconds {
    let (now, slot) = (now.as_second(), UPLOAD_SLOT.as_secs());
    UnixSeconds::from_second(now - now.rem_euclid(slot))
}

/// The sort key of an idempotency row: the key's digest, since the key itself is the app's and may hold anything.
fn idempotency_row(key: &str) -> String {
    let digest = sha2::Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{IDEMPOTENCY}{hex}")
}
