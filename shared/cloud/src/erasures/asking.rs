//! What a request writes beside its own row: it closes the gate and enters the list of its requester.

use aws_sdk_dynamodb::types::builders::{PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, Put, Update};
use domain::limits::DELETION_REQUESTS_PER_DAY_MAX;
use domain::retention::Record;
use domain::{Erasure, ErasureScope, RequestId, SubjectId};

use super::Erasures;
use super::person::{Person, PersonRow};
use crate::subject_key::Sealed;
use crate::table::{self, GATE, Generation, Item, REQUEST, Transaction};
use crate::{CloudError, Gate, Segment};

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It is recorded, and what it is about is hidden.
    Opened(Erasure),
    /// It was recorded before.
    Repeated(Erasure),
    /// The gate has changed in the meantime: look again.
    Closed,
    /// The day's requests are used up.
    OverQuota,
}

/// A request as its requester finds it in a list.
#[derive(Debug, Clone)]
pub struct ListedRequest {
    /// The request.
    pub id: RequestId,
    /// How to reach them, if they said so.
    pub contact: Option<Sealed>,
}

impl Erasures {
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
            table::put(self.put_row(erasure)?.condition_expression("attribute_not_exists(pk)"))?,
            table::update(self.close(gate, erasure.scope))?,
            table::count(
                &self.records,
                gate.subject,
                "deletion_requests",
                DELETION_REQUESTS_PER_DAY_MAX,
                erasure.received_at,
            )?,
            table::put(self.list_row(gate.subject, erasure, contact)?)?,
        ];
        if erasure.scope == ErasureScope::Account {
            let row = table::to_item(&PersonRow::of(erasure.id, person), "a person")?;
            operations.push(table::put(Put::builder().table_name(&self.identities).set_item(Some(row)))?);
        }
        match table::transact(&self.connection, operations).await? {
            Transaction::Written => Ok(Opened::Opened(erasure.clone())),
            Transaction::Refused(failed) if failed.first() == Some(&true) => {
                let earlier = self.load(erasure.id).await?;
                earlier.map(Opened::Repeated).ok_or(CloudError::Malformed { what: "a request" })
            }
            Transaction::Refused(failed) if failed.get(1) == Some(&true) => Ok(Opened::Closed),
            Transaction::Refused(_) => Ok(Opened::OverQuota),
        }
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
        // The row may have gone with the account.
        table::written_or_moot("UpdateItem", answer)
    }

    /// The requests of this segment of the records whose requesters the records still know how to reach.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn contacts(&self, segment: Segment) -> Result<Vec<(SubjectId, RequestId)>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.records);
        let rows = scan
            .segment(i32::from(segment.number))
            .total_segments(i32::from(segment.of))
            .filter_expression("begins_with(sk, :requests) AND attribute_exists(contact)")
            .expression_attribute_values(":requests", table::text(REQUEST))
            .projection_expression("pk, sk")
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(CloudError::of("Scan"))?;
        let of = |row: Item| {
            let subject =
                row.get("pk").and_then(|key| key.as_s().ok()).and_then(|key| table::subject_of(key));
            let malformed = CloudError::Malformed { what: "the key of a request" };
            Ok((subject.ok_or(malformed)?, listed(row)?.id))
        };
        rows.into_iter().map(of).collect()
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
