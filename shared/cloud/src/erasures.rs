//! Requests for erasures: a table of their own, outside of every subject's partition, because status and receipt
//! outlive the account, and because a restored copy of the records must be cleared by what is written here.

use std::fmt;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use domain::limits::DUE_SHARDS;
use domain::retention::Record;
use domain::{Erasure, ErasureScope, IdentityHash, Reach, RequestId, SubjectId, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::subject_key::Sealed;
use crate::table::{self, GATE, Generation, Item, REQUEST, Transaction};
use crate::{CloudError, Connection, Gate, Replaced};

/// The index by due time: sharded, keys only.
const DUE_INDEX: &str = "due";

/// Keys of due requests read at once.
const DUE_PAGE: i32 = 100;

/// The prefix of the key in the `identities` table under which an erasure keeps whose it is until it is done.
const WHOSE: &str = "ERASURE#";

/// The requests, and the tables that a request writes to in the same breath.
#[derive(Debug, Clone)]
pub struct Erasures {
    connection: Connection,
    table: String,
    records: String,
    identities: String,
}

/// Who is to be erased, as the issuer knows them. Kept in the table without backups until it is done, because the
/// identity provider must be told.
#[derive(Clone)]
pub struct Person {
    /// Under which the `identities` table knows them.
    pub identity: IdentityHash,
    /// Who signed their token.
    pub issuer: String,
    /// The token's `sub`.
    pub sub: String,
    /// The token's `username`, if it has one: a Cognito user pool knows users of other providers by nothing else.
    pub username: Option<String>,
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Person(…)")
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is recorded, and what it is about is hidden.
    Opened(Erasure),
    /// It was recorded before.
    Repeated(Erasure),
    /// The gate has changed in the meantime: look again.
    Closed,
}

/// A request as its requester finds it in a list.
#[derive(Debug, Clone)]
pub struct ListedRequest {
    /// The request.
    pub id: RequestId,
    /// How to reach them, if they said so.
    pub contact: Option<Sealed>,
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
        let (pk, due_shard) = (table::request_row(erasure.id), shard(erasure.id).to_string());
        Self { pk, due_shard, due_at: erasure.due_at(), erasure: erasure.clone() }
    }
}

/// A person whose account is being erased, in the `identities` table.
#[derive(Serialize, Deserialize)]
struct PersonRow {
    identity: String,
    of: IdentityHash,
    issuer: String,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
}

impl PersonRow {
    fn of(request: RequestId, person: &Person) -> Self {
        let Person { identity, issuer, sub, username } = person.clone();
        Self { identity: whose(request), of: identity, issuer, sub, username }
    }
}

/// The partition of the due index that a request's row is in.
fn shard(request: RequestId) -> u8 {
    request.to_string().bytes().fold(0_u8, u8::wrapping_add) % DUE_SHARDS
}

impl Erasures {
    /// The requests in `table`, beside these two tables.
    pub fn new(connection: &Connection, table: String, records: String, identities: String) -> Self {
        Self { connection: connection.clone(), table, records, identities }
    }

    /// One request, by a consistent read.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, request: RequestId) -> Result<Option<Erasure>, CloudError> {
        let get = self.connection.dynamodb.get_item().table_name(&self.table).set_key(Some(key(request)));
        let answer = get.consistent_read(true).send().await.map_err(CloudError::of("GetItem"))?;
        answer.item.map(read).transpose()
    }

    /// Records a request and hides what it is about, in one write: the gate closes for an account, or a new
    /// generation begins of works or favorites. Whoever writes under the old one is refused from then on.
    ///
    /// # Errors
    /// When a table cannot be read or written.
    pub async fn open(
        &self,
        gate: Gate,
        erasure: &Erasure,
        person: &Person,
        contact: Option<&Sealed>,
    ) -> Result<Opened, CloudError> {
        let mut operations = vec![
            put(self.put_row(erasure)?.condition_expression("attribute_not_exists(pk)"))?,
            update(self.close(gate, erasure.scope))?,
            put(self.list_row(gate.subject, erasure, contact)?)?,
        ];
        if erasure.scope == ErasureScope::Account {
            let row = table::to_item(&PersonRow::of(erasure.id, person), "a person")?;
            operations.push(put(Put::builder().table_name(&self.identities).set_item(Some(row)))?);
        }
        match table::transact(&self.connection, operations).await? {
            Transaction::Written => Ok(Opened::Opened(erasure.clone())),
            Transaction::Refused(failed) if failed.first() == Some(&true) => {
                let earlier = self.load(erasure.id).await?;
                earlier.map(Opened::Repeated).ok_or(CloudError::Malformed { what: "a request" })
            }
            Transaction::Refused(_) => Ok(Opened::Closed),
        }
    }

    /// Stores `new` in the place of `old`, if `old` still stands.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn replace(&self, old: &Erasure, new: &Erasure) -> Result<Replaced, CloudError> {
        let operations = vec![put(still_stands(self.put_row(new)?, old))?];
        self.replaced(operations).await
    }

    /// Stores that an account was erased and forgets the person, in one write: the identity row with the wrapped key
    /// gives way to the word that it was erased, and the gate goes, the last row of the partition. From here on
    /// nothing leads from the person to the subject or back.
    ///
    /// # Errors
    /// When a table cannot be written.
    pub async fn forget_person(
        &self,
        old: &Erasure,
        new: &Erasure,
        subject: SubjectId,
        person: &Person,
        now: UnixSeconds,
    ) -> Result<Replaced, CloudError> {
        let tombstone = Item::from([
            ("identity".to_owned(), table::text(person.identity.as_str())),
            ("erased_at".to_owned(), table::number(now.as_second())),
            ("ttl".to_owned(), table::number(now.plus(Record::Tombstone.retention().period).as_second())),
        ]);
        let tombstone = Put::builder()
            .table_name(&self.identities)
            .set_item(Some(tombstone))
            .condition_expression("subject = :subject")
            .expression_attribute_values(":subject", table::text(subject));
        let whose = Item::from([("identity".to_owned(), table::text(whose(old.id)))]);
        let operations = vec![
            put(still_stands(self.put_row(new)?, old))?,
            put(tombstone)?,
            delete(&self.identities, whose)?,
            delete(&self.records, table::key(subject, GATE.to_owned()))?,
        ];
        self.replaced(operations).await
    }

    /// Whom an erasure of an account is about; `None` once they are forgotten.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn person(&self, request: RequestId) -> Result<Option<Person>, CloudError> {
        let key = Item::from([("identity".to_owned(), table::text(whose(request)))]);
        let get = self.connection.dynamodb.get_item().table_name(&self.identities).set_key(Some(key));
        let answer = get.consistent_read(true).send().await.map_err(CloudError::of("GetItem"))?;
        let row = answer.item.map(|item| table::from_item::<PersonRow>(item, "a person")).transpose()?;
        Ok(row.map(|row| Person {
            identity: row.of,
            issuer: row.issuer,
            sub: row.sub,
            username: row.username,
        }))
    }

    /// Forgets how to reach the requester, if the list still says so.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn forget_contact(&self, subject: SubjectId, request: RequestId) -> Result<(), CloudError> {
        let update = self.connection.dynamodb.update_item().table_name(&self.records);
        let answer = update
            .set_key(Some(table::key(subject, table::request_row(request))))
            .update_expression("REMOVE contact")
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match answer {
            // The row went with the account.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(())
            }
            answer => answer.map(|_updated| ()).map_err(CloudError::of("UpdateItem")),
        }
    }

    /// Removes a request whose period is over.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn remove(&self, request: RequestId) -> Result<(), CloudError> {
        let delete = self.connection.dynamodb.delete_item().table_name(&self.table);
        let answer = delete.set_key(Some(key(request))).send().await;
        answer.map(|_deleted| ()).map_err(CloudError::of("DeleteItem"))
    }

    /// Requests about which something is due, from one shard of the index, earliest first, at most 100.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub async fn due(&self, shard: u8, now: UnixSeconds) -> Result<Vec<RequestId>, CloudError> {
        let answer = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", table::text(shard.to_string()))
            .expression_attribute_values(":now", table::number(now.as_second()))
            .limit(DUE_PAGE)
            .send()
            .await
            .map_err(CloudError::of("Query"))?;
        answer.items.unwrap_or_default().into_iter().map(|keys| request_of(&keys)).collect()
    }

    /// The requests of a subject, in no order of use, the `limit` after `after`.
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
        let answer = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.records)
            .key_condition_expression("pk = :pk AND begins_with(sk, :requests)")
            .expression_attribute_values(":pk", table::text(table::partition(subject)))
            .expression_attribute_values(":requests", table::text(REQUEST))
            .set_exclusive_start_key(start)
            .consistent_read(true)
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

    /// What copies of the records must be cleared of: the reach of every erasure that a copy may be older than.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn reaches(&self) -> Result<Vec<(ErasureScope, Reach)>, CloudError> {
        let rows = self.connection.dynamodb.scan().table_name(&self.table).consistent_read(true);
        let rows = rows.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        let mut reaches = Vec::new();
        for row in rows.map_err(CloudError::of("Scan"))? {
            let erasure = read(row)?;
            reaches.extend(erasure.reach().map(|reach| (erasure.scope, reach)));
        }
        Ok(reaches)
    }

    async fn replaced(&self, operations: Vec<TransactWriteItem>) -> Result<Replaced, CloudError> {
        Ok(match table::transact(&self.connection, operations).await? {
            Transaction::Written => Replaced::Stored,
            Transaction::Refused(_) => Replaced::Superseded,
        })
    }

    fn put_row(&self, erasure: &Erasure) -> Result<PutBuilder, CloudError> {
        let row = table::to_item(&Row::of(erasure), "a request")?;
        Ok(Put::builder().table_name(&self.table).set_item(Some(row)))
    }

    fn close(&self, gate: Gate, scope: ErasureScope) -> UpdateBuilder {
        let generation = match scope {
            ErasureScope::Works => Some(Generation::Works(gate.works)),
            ErasureScope::Favorites => Some(Generation::Favorites(gate.favorites)),
            ErasureScope::Account => None,
        };
        let update = Update::builder()
            .table_name(&self.records)
            .set_key(Some(table::key(gate.subject, GATE.to_owned())))
            .expression_attribute_values(":no", AttributeValue::Bool(false));
        let Some(generation) = generation else {
            return update
                .update_expression("SET erasing = :yes")
                .condition_expression("erasing = :no")
                .expression_attribute_values(":yes", AttributeValue::Bool(true));
        };
        let (attribute, number) = generation.attribute();
        update
            .update_expression("SET #generation = :next")
            .condition_expression("#generation = :generation AND erasing = :no")
            .expression_attribute_names("#generation", attribute)
            .expression_attribute_values(":generation", table::number(number))
            .expression_attribute_values(":next", table::number(number.saturating_add(1)))
    }

    /// The row by which the requester finds the request in a list, with how to reach them under their own key. It is
    /// not deleted by name but goes with the account or by DynamoDB's TTL: it names no object.
    fn list_row(
        &self,
        subject: SubjectId,
        erasure: &Erasure,
        contact: Option<&Sealed>,
    ) -> Result<PutBuilder, CloudError> {
        let mut row = table::key(subject, table::request_row(erasure.id));
        let ttl = erasure.received_at.plus(Record::Erasure.retention().period);
        row.insert("ttl".to_owned(), table::number(ttl.as_second()));
        if let Some(contact) = contact {
            let sealed = AttributeValue::B(contact.as_bytes().to_vec().into());
            row.insert("contact".to_owned(), sealed);
        }
        Ok(Put::builder().table_name(&self.records).set_item(Some(row)))
    }
}

fn whose(request: RequestId) -> String {
    format!("{WHOSE}{request}")
}

fn key(request: RequestId) -> Item {
    Item::from([("pk".to_owned(), table::text(table::request_row(request)))])
}

fn read(item: Item) -> Result<Erasure, CloudError> {
    table::from_item::<Row>(item, "a request").map(|row| row.erasure)
}

fn request_of(keys: &Item) -> Result<RequestId, CloudError> {
    let request = keys.get("pk").and_then(|key| key.as_s().ok()).and_then(|key| key.strip_prefix(REQUEST));
    let request = request.and_then(|request| request.parse().ok());
    request.ok_or(CloudError::Malformed { what: "the key of a request" })
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

/// The condition that the stored request is in the state of `old`, and as far.
fn still_stands(put: PutBuilder, old: &Erasure) -> PutBuilder {
    put.condition_expression("#state = :state AND due_at = :due_at")
        .expression_attribute_names("#state", "state")
        .expression_attribute_values(":state", table::text(old.state_name()))
        .expression_attribute_values(":due_at", table::number(old.due_at().as_second()))
}

fn put(put: PutBuilder) -> Result<TransactWriteItem, CloudError> {
    let put = put.build().map_err(CloudError::malformed("a put"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(update: UpdateBuilder) -> Result<TransactWriteItem, CloudError> {
    let update = update.build().map_err(CloudError::malformed("an update"))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

fn delete(table: &str, key: Item) -> Result<TransactWriteItem, CloudError> {
    let delete = Delete::builder().table_name(table).set_key(Some(key));
    let delete = delete.build().map_err(CloudError::malformed("a delete"))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

#[cfg(test)]
mod tests {
    use domain::ErasureState;
    use domain::receipt::Salt;
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn every_state_of_a_request_reads_back_as_it_was_written() {
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
