//! Opens a request: one write closes the account gate and adds the request to its requester's list.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::retention::Record;
use domain::{Erasure, ErasureScope, RequestId, SubjectId};

use super::Erasures;
use super::requester::{RequesterIdentity, RequesterRow};
use crate::quota::{Counted, Quota};
use crate::subject_key::Sealed;
use crate::table::{self, Item, REQUEST};
use crate::write::{self, Admission, Change, Condition, Outcome, Transaction};
use crate::{CloudError, Gate, Segment};

/// The outcome of opening a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenOutcome {
    /// The request is recorded, and its data is hidden.
    Opened(Erasure),
    /// The request was recorded before.
    Repeated(Erasure),
    /// The account gate has changed in the meantime. The caller must read it again.
    Closed,
    /// The requests of this day are used up.
    OverQuota,
}

/// A request in its requester's list.
#[derive(Debug, Clone)]
pub struct ListedRequest {
    /// The request.
    pub id: RequestId,
    /// The encrypted contact, if there is one.
    pub contact: Option<Sealed>,
}

impl Erasures {
    /// Records a request and hides its data, in one write. For an account, the account gate closes. For works or
    /// favorites, a new generation begins, and writes under the old generation fail from then on.
    ///
    /// # Errors
    /// When a table cannot be read or written.
    pub async fn open(
        &self,
        gate: Gate,
        erasure: &Erasure,
        requester: &RequesterIdentity,
        contact: Option<&Sealed>,
    ) -> Result<OpenOutcome, CloudError> {
        let gate_closes = Admission::closing_gate(&self.records, gate, erasure.scope)?;
        let row = super::row(erasure)?;
        let Quota { key, count, is_left } =
            Quota::of_day(&requester.identity, Counted::DeletionRequests, erasure.received_at);
        let mut transaction = Transaction::admitted(gate_closes)
            .insert(&self.table, row, Condition::vacant())?
            .upsert(&self.identities, key, count, is_left)?
            .put(&self.records, list_row(gate.subject, erasure, contact))?;
        if erasure.scope == ErasureScope::Account {
            let row = table::to_item(&RequesterRow::of(erasure.id, requester), "a requester")?;
            transaction = transaction.put(&self.identities, row)?;
        }
        match transaction.write(&self.connection).await? {
            Outcome::Written => Ok(OpenOutcome::Opened(erasure.clone())),
            Outcome::Refused(failed) if failed.get(1) == Some(&true) => {
                let earlier = self.load(erasure.id).await?;
                earlier.map(OpenOutcome::Repeated).ok_or(CloudError::Malformed { what: "a request" })
            }
            Outcome::Refused(failed) if failed.first() == Some(&true) => Ok(OpenOutcome::Closed),
            Outcome::Refused(_) => Ok(OpenOutcome::OverQuota),
        }
    }

    /// Deletes the contact from the requester's list, if it is still there.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn forget_contact(&self, subject: SubjectId, request: RequestId) -> Result<(), CloudError> {
        let (key, forget) = (table::key(subject, table::request_row(request)), Change::of("REMOVE contact"));
        // The row may be deleted with the account.
        write::change(&self.connection, &self.records, key, forget, Condition::exists()).await.map(drop)
    }

    /// Loads the requests of this segment of the records that still have a contact.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn contacts(&self, segment: Segment) -> Result<Vec<(SubjectId, RequestId)>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.records);
        let scan = scan
            .filter_expression("begins_with(sk, :requests) AND attribute_exists(contact)")
            .expression_attribute_values(":requests", table::text(REQUEST))
            .projection_expression("pk, sk");
        let rows = table::scan_all(scan, segment).await?;
        let of = |row: Item| {
            let subject =
                row.get("pk").and_then(|key| key.as_s().ok()).and_then(|key| table::subject_of(key));
            let malformed = CloudError::Malformed { what: "the key of a request" };
            Ok((subject.ok_or(malformed)?, listed(row)?.id))
        };
        rows.into_iter().map(of).collect()
    }

    /// Loads a page of a subject's requests: at most `limit` requests after `after`, in no useful order.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn page(
        &self,
        subject: SubjectId,
        after: Option<RequestId>,
        limit: usize,
    ) -> Result<(Vec<ListedRequest>, Option<RequestId>), CloudError> {
        let start = after.map(|request| table::key(subject, table::request_row(request)));
        let answer = table::rows_query(&self.connection, &self.records, subject, REQUEST)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(CloudError::of("Query"))?;
        let more = answer.last_evaluated_key.is_some();
        let listed = answer.items.unwrap_or_default().into_iter().map(listed);
        let listed = listed.collect::<Result<Vec<_>, _>>()?;
        let next = listed.last().map(|request| request.id).filter(|_last| more);
        Ok((listed, next))
    }
}

/// Creates the row in the requester's list. The contact is encrypted under the subject's own key. The row names no
/// object, so it is deleted with the account or by DynamoDB's TTL.
fn list_row(subject: SubjectId, erasure: &Erasure, contact: Option<&Sealed>) -> Item {
    let mut row = table::key(subject, table::request_row(erasure.id));
    let ttl = erasure.received_at.plus(Record::Erasure.retention().period);
    row.insert("ttl".to_owned(), table::number(ttl.as_second()));
    if let Some(contact) = contact {
        let sealed = AttributeValue::B(contact.as_bytes().to_vec().into());
        row.insert("contact".to_owned(), sealed);
    }
    row
}

fn listed(mut row: Item) -> Result<ListedRequest, CloudError> {
    let malformed = CloudError::Malformed { what: "a listed request" };
    let id = row.get("sk").and_then(|key| key.as_s().ok()).and_then(|key| key.strip_prefix(REQUEST));
    let id = id.and_then(|id| id.parse().ok()).ok_or(malformed)?;
    let contact = match row.remove("contact") {
        Some(AttributeValue::B(sealed)) => Some(Sealed::from_bytes(sealed.into_inner())),
        _ => None,
    };
    Ok(ListedRequest { id, contact })
}
