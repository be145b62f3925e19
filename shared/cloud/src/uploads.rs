//! Admitting an upload: one transaction that holds the gate, the quota, the idempotency key and the new work, so
//! that a repeated or concurrent request can neither make a second work nor count twice.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::limits::UPLOADS_PER_DAY_MAX;
use domain::retention::Record;
use domain::{UnixSeconds, Work, WorkId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::table::{self, Generation, IDEMPOTENCY, Item, Transaction};
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

    /// Creates `work`, unless `idempotency_key` was used before or the day's quota is used up.
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
            self.remember(idempotency, work.id, now)?,
            table::count(table, gate.subject, "uploads", UPLOADS_PER_DAY_MAX, UnixSeconds::of(now))?,
            self.works.put_new(work)?,
        ];
        let failed = match table::transact(&self.connection, operations).await? {
            Transaction::Written => return Ok(Upload::Created),
            Transaction::Refused(failed) => failed,
        };
        match failed.as_slice() {
            [true, ..] => Ok(Upload::Closed),
            // A key that has vanished in between goes with its partition, which is being erased.
            [_, true, ..] => {
                let earlier = self.earlier(gate, idempotency_key, UnixSeconds::of(now)).await?;
                Ok(earlier.map_or(Upload::Closed, Upload::Repeated))
            }
            [_, _, true, ..] => Ok(Upload::OverQuota),
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

    /// The work of an earlier upload with this idempotency key, as long as the key is remembered.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn earlier(
        &self,
        gate: Gate,
        idempotency_key: &str,
        now: UnixSeconds,
    ) -> Result<Option<WorkId>, CloudError> {
        let key = table::key(gate.subject, idempotency_row(idempotency_key));
        let request = self.connection.dynamodb.get_item().table_name(&self.works.table).set_key(Some(key));
        let item = request.consistent_read(true).send().await.map_err(CloudError::of("GetItem"))?.item;
        let Some(item) = item else { return Ok(None) };
        let row: IdempotencyRow = table::from_item(item, "an idempotency row")?;
        Ok((now < row.ttl).then_some(row.work))
    }
}

/// The sort key of an idempotency row: the key's digest, since the key itself is the app's and may hold anything.
fn idempotency_row(key: &str) -> String {
    let digest = sha2::Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{IDEMPOTENCY}{hex}")
}
