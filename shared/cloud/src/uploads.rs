//! Admits an upload in one transaction. It checks the account gate, counts in the quotas of the day and of the slot,
//! and writes the idempotency key and the new work. So a repeated or concurrent request neither creates a second work
//! nor counts twice.

use domain::limits::UPLOAD_SLOT;
use domain::retention::Record;
use domain::{IdentityHash, UnixSeconds, Work, WorkId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::quota::{self, Counted, Quota};
use crate::table::{self, Generation, IDEMPOTENCY, Item};
use crate::write::{Admission, Condition, Outcome, Transaction, Vacant};
use crate::{CloudError, Connection, Gate, Works};

/// The outcome of a request for an upload.
#[derive(Debug)]
pub enum AdmitOutcome {
    /// The work was created.
    Created,
    /// The idempotency key was used before, for this work. The work may be gone by now.
    Repeated(WorkId),
    /// The uploads of this day are used up.
    OverQuota,
    /// The uploads of this slot are used up. The next slot begins at the given time.
    OverSlot(UnixSeconds),
    /// The account gate has closed in the meantime.
    Closed,
}

/// Admits uploads into the records table and counts them in the identities.
#[derive(Debug, Clone)]
pub struct Uploads {
    connection: Connection,
    works: Works,
    identities: String,
}

#[derive(Serialize, Deserialize)]
struct IdempotencyRow {
    work: WorkId,
    ttl: UnixSeconds,
}

impl Uploads {
    /// Creates the store. It writes works into `works` and counts into the table `identities`.
    pub fn new(connection: &Connection, works: &Works, identities: String) -> Self {
        Self { connection: connection.clone(), works: works.clone(), identities }
    }

    /// Creates `work` for this identity, unless `idempotency_key` was used before, or the quota of the day or of the
    /// slot is used up.
    ///
    /// # Errors
    /// When the table cannot be read or written.
    pub async fn admit(
        &self,
        identity: &IdentityHash,
        gate: Gate,
        work: &Work,
        idempotency_key: &str,
        now: Timestamp,
    ) -> Result<AdmitOutcome, CloudError> {
        let (table, now) = (&self.works.table, UnixSeconds::of(now));
        let idempotency = table::key(gate.subject, idempotency_sort_key(idempotency_key));
        let (idempotency_row, unused) = new_idempotency_row(idempotency, work.id, now)?;
        let day = Quota::of_day(identity, Counted::Uploads, now);
        let slot = Quota::of_slot(identity, now);
        let admission = Admission::open_gate(table, gate.subject, Generation::Works(gate.works))?;
        let transaction = Transaction::admitted(admission)
            .insert(table, idempotency_row, unused)?
            .upsert(&self.identities, day.key, day.count, day.is_left)?
            .upsert(&self.identities, slot.key, slot.count, slot.is_left)?
            .insert(table, Works::new_row(work)?, Condition::vacant())?;
        let failed = match transaction.write(&self.connection).await? {
            Outcome::Written => return Ok(AdmitOutcome::Created),
            Outcome::Refused(failed) => failed,
        };
        match failed.as_slice() {
            [true, ..] => Ok(AdmitOutcome::Closed),
            // If the key is gone by now, its partition is being erased.
            [_, true, ..] => {
                let earlier = self.earlier(gate, idempotency_key, now).await?;
                Ok(earlier.map_or(AdmitOutcome::Closed, AdmitOutcome::Repeated))
            }
            [_, _, true, ..] => Ok(AdmitOutcome::OverQuota),
            [_, _, _, true, ..] => Ok(AdmitOutcome::OverSlot(quota::slot_start(now).plus(UPLOAD_SLOT))),
            _ => Err(CloudError::Malformed { what: "the row of a work that was never made" }),
        }
    }

    /// Loads the id of the work of an earlier upload with this idempotency key. `None` when there is none, or when
    /// the key's row has expired.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn earlier(
        &self,
        gate: Gate,
        idempotency_key: &str,
        now: UnixSeconds,
    ) -> Result<Option<WorkId>, CloudError> {
        let key = table::key(gate.subject, idempotency_sort_key(idempotency_key));
        let item = table::get(&self.connection, &self.works.table, key).await?;
        let Some(item) = item else { return Ok(None) };
        let row: IdempotencyRow = table::from_item(item, "an idempotency row")?;
        Ok((now < row.ttl).then_some(row.work))
    }
}

/// Creates the row that links an idempotency key to a work, and the condition for inserting it. The row names no
/// object, so DynamoDB's TTL may delete it.
fn new_idempotency_row(
    key: Item,
    work: WorkId,
    now: UnixSeconds,
) -> Result<(Item, Condition<Vacant>), CloudError> {
    let ttl = now.plus(Record::Idempotency.retention().period);
    let mut row = table::to_item(&IdempotencyRow { work, ttl }, "an idempotency row")?;
    row.extend(key);
    let lapsed = Condition::vacant_or("#ttl <= :now")
        .name("#ttl", "ttl")
        .value(":now", table::number(now.as_second()));
    Ok((row, lapsed))
}

/// Returns the sort key of an idempotency row. It holds the key's digest, because the app chooses the key and may put
/// anything into it.
fn idempotency_sort_key(key: &str) -> String {
    let digest = sha2::Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{IDEMPOTENCY}{hex}")
}
