//! The requests for erasures. Their table is separate from the records, because status and receipt outlive the
//! account. A restored copy of the records is cleared by what this table says.

mod open;
mod requester;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Erasure, ErasureState, Reach, RequestId, UnixSeconds};
use serde::{Deserialize, Serialize};

pub use self::open::{ListedRequest, OpenOutcome};
pub(crate) use self::requester::REQUESTER;
pub use self::requester::RequesterIdentity;
use crate::table::{self, Item, REQUEST};
use crate::write::{self, Condition, Existing, Outcome, Transaction};
use crate::{CloudError, Connection, ReplaceOutcome, Segment};

/// The table of requests, and the two tables that the same transactions write.
#[derive(Debug, Clone)]
pub struct Erasures {
    connection: Connection,
    table: String,
    records: String,
    identities: String,
}

/// A page of due requests.
#[derive(Debug)]
pub struct DueRequests {
    /// The requests. A row with a malformed key is an error.
    pub requests: Vec<Result<RequestId, CloudError>>,
    /// Where the next page begins, if there is one.
    pub next: Option<HashMap<String, AttributeValue>>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    due_shard: String,
    due_at: UnixSeconds,
    #[serde(flatten)]
    erasure: Erasure,
}

impl Row {
    fn of(erasure: &Erasure) -> Self {
        let (pk, due_shard) = (table::request_row(erasure.id), table::due_shard(&erasure.id.to_string()));
        Self { pk, due_shard, due_at: erasure.due_at(), erasure: erasure.clone() }
    }
}

impl Erasures {
    /// Creates the store of the requests in `table`, with the other two tables.
    pub fn new(connection: &Connection, table: String, records: String, identities: String) -> Self {
        Self { connection: connection.clone(), table, records, identities }
    }

    /// Returns the same requests with a restored copy as the records table.
    #[must_use]
    pub fn with_records(&self, records: String) -> Self {
        Self { records, ..self.clone() }
    }

    /// Loads one request by a consistent read.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, request: RequestId) -> Result<Option<Erasure>, CloudError> {
        table::get(&self.connection, &self.table, key(request)).await?.map(read).transpose()
    }

    /// Replaces `old` by `new`, if `old` is still the stored state.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn replace(&self, old: &Erasure, new: &Erasure) -> Result<ReplaceOutcome, CloudError> {
        let transaction = Transaction::replacing(&self.table, row(new)?, still_stands(old))?;
        self.replaced(transaction).await
    }

    /// Deletes a request whose period is over, if its state is unchanged. The user may have made the same request
    /// again.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, erasure: &Erasure) -> Result<(), CloudError> {
        write::delete(&self.connection, &self.table, key(erasure.id), still_stands(erasure)).await.map(drop)
    }

    /// Loads a page of the due requests of one shard of the index, earliest first. A row with a malformed key is an
    /// error of its own and does not affect the other rows.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn due(
        &self,
        shard: u8,
        now: UnixSeconds,
        start: Option<Item>,
    ) -> Result<DueRequests, CloudError> {
        let (keys, next) = table::due(&self.connection, &self.table, shard, now, start).await?;
        Ok(DueRequests { requests: keys.iter().map(request_of).collect(), next })
    }

    /// Loads the erasures of this segment that a restored copy of the records may lack. Each comes with the reach
    /// that must be deleted from the copy.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn reaches(&self, segment: Segment) -> Result<Vec<(Erasure, Reach)>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.table);
        let mut reaches = Vec::new();
        for row in table::scan_all(scan, segment).await? {
            let erasure = read(row)?;
            if let Some(reach) = erasure.reach() {
                reaches.push((erasure, reach));
            }
        }
        Ok(reaches)
    }

    async fn replaced<Kind>(&self, transaction: Transaction<Kind>) -> Result<ReplaceOutcome, CloudError> {
        Ok(match transaction.write(&self.connection).await? {
            Outcome::Written => ReplaceOutcome::Stored,
            Outcome::Refused(_) => ReplaceOutcome::Superseded,
        })
    }
}

fn row(erasure: &Erasure) -> Result<Item, CloudError> {
    table::to_item(&Row::of(erasure), "a request")
}

fn key(request: RequestId) -> Item {
    Item::from([("pk".to_owned(), table::text(table::request_row(request)))])
}

pub(crate) fn read(item: Item) -> Result<Erasure, CloudError> {
    table::from_item::<Row>(item, "a request").map(|row| row.erasure)
}

fn request_of(keys: &Item) -> Result<RequestId, CloudError> {
    let request = keys.get("pk").and_then(|key| key.as_s().ok()).and_then(|key| key.strip_prefix(REQUEST));
    let request = request.and_then(|request| request.parse().ok());
    request.ok_or(CloudError::Malformed { what: "the key of a request" })
}

/// The condition that the stored request is unchanged: the state, the due time and the noted end of leases are those
/// of `old`.
fn still_stands(old: &Erasure) -> Condition<Existing> {
    let condition = match old.state {
        ErasureState::Hidden { leased_until: Some(leased_until), .. } => {
            Condition::exists_and("#state = :state AND due_at = :due_at AND leased_until = :leased_until")
                .value(":leased_until", table::number(leased_until.as_second()))
        }
        _ => Condition::exists_and(
            "#state = :state AND due_at = :due_at AND attribute_not_exists(leased_until)",
        ),
    };
    condition
        .name("#state", "state")
        .value(":state", table::text(old.state_name()))
        .value(":due_at", table::number(old.due_at().as_second()))
}

#[cfg(test)]
mod tests {
    use domain::Salt;
    use domain::{ErasureScope, SubjectId};
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn every_state_of_a_request_survives_writing_and_reading() {
        let now = UnixSeconds::from_second(1_795_000_000);
        let reach = Reach { subject: SubjectId::from_random(1), works_before: 2, favorites_before: 0 };
        let id = RequestId::from_bits(5);
        let hidden = Erasure {
            id,
            scope: ErasureScope::Works,
            received_at: now,
            deadline: now.plus(SignedDuration::from_hours(200)),
            requester: Salt::from_bits([1; 32]).requester(id),
            state: ErasureState::Hidden { reach, hidden_at: now, leased_until: None },
        };
        let erased = hidden.erased(now, SignedDuration::ZERO);
        let times = erased.verification(now).expect("due at once");
        let verified = erased.verified(times, "a.b.c".to_owned());
        for erasure in [verified.forgotten(), verified, erased, hidden.leased(now), hidden] {
            let item = table::to_item(&Row::of(&erasure), "a request").expect("an item");
            assert_eq!(read(item).expect("reads back"), erasure);
        }
    }
}
