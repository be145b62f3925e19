//! The keys of the records table, with one partition per subject; and reading of all tables and their due indexes.
//! `write.rs` writes the tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use domain::limits::DUE_SHARDS;
use domain::{FavoriteTarget, RequestId, SubjectId, UnixSeconds, WorkId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::write::Backoff;
use crate::{CloudError, Connection, Segment};

/// A row, or the key of one.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The sort key of the account gate.
pub(crate) const GATE: &str = "GATE";

/// The prefix of a work's sort key.
pub(crate) const WORK: &str = "WORK#";

/// The prefix of a favorite's sort key.
pub(crate) const FAVORITE: &str = "FAVORITE#";

/// The prefix of an idempotency row's sort key. The row makes a repeated upload request get the same answer.
pub(crate) const IDEMPOTENCY: &str = "IDEMPOTENCY#";

/// The prefix of a deletion request's sort key.
pub(crate) const REQUEST: &str = "REQUEST#";

pub(crate) fn partition(subject: SubjectId) -> String {
    format!("SUBJECT#{subject}")
}

pub(crate) fn work_row(work: WorkId) -> String {
    format!("{WORK}{work}")
}

pub(crate) fn request_row(request: RequestId) -> String {
    format!("{REQUEST}{request}")
}

pub(crate) fn favorite_row(target: &FavoriteTarget) -> String {
    format!("{FAVORITE}{}#{}", target.kind().as_str(), target.id())
}

/// Returns the key of a row in a subject's partition.
pub(crate) fn key(subject: SubjectId, row: String) -> Item {
    HashMap::from([("pk".to_owned(), text(partition(subject))), ("sk".to_owned(), text(row))])
}

/// Returns the key of a row of the identities.
pub(crate) fn identity_key(identity: &str) -> Item {
    HashMap::from([("identity".to_owned(), text(identity))])
}

/// Returns the partition of a due index that holds the row of this id.
pub(crate) fn due_shard(id: &str) -> String {
    (id.bytes().fold(0_u8, u8::wrapping_add) % DUE_SHARDS).to_string()
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(crate) fn to_item(row: &impl Serialize, what: &'static str) -> Result<Item, CloudError> {
    serde_dynamo::to_item(row).map_err(CloudError::malformed(what))
}

pub(crate) fn from_item<T: DeserializeOwned>(item: Item, what: &'static str) -> Result<T, CloudError> {
    serde_dynamo::from_item(item).map_err(CloudError::malformed(what))
}

/// A generation that a write must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The works of this generation.
    Works(u32),
    /// The favorites of this generation.
    Favorites(u32),
}

impl Generation {
    /// Returns the attribute of the account gate that holds the generation, and the generation's number.
    pub(crate) fn attribute(self) -> (&'static str, u32) {
        match self {
            Self::Works(generation) => ("works_generation", generation),
            Self::Favorites(generation) => ("favorites_generation", generation),
        }
    }
}

/// Parses the subject of a partition key.
pub(crate) fn subject_of(partition: &str) -> Option<SubjectId> {
    partition.strip_prefix("SUBJECT#")?.parse().ok()
}

/// Creates the query for a subject's rows whose sort keys begin with `prefix`. The read is consistent.
pub(crate) fn rows_query(
    connection: &Connection,
    table: &str,
    subject: SubjectId,
    prefix: &str,
) -> QueryFluentBuilder {
    let query = connection.dynamodb.query().table_name(table).consistent_read(true);
    query
        .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
        .expression_attribute_values(":pk", text(partition(subject)))
        .expression_attribute_values(":prefix", text(prefix))
}

/// Loads one row by a consistent read.
pub(crate) async fn get(connection: &Connection, table: &str, key: Item) -> Result<Option<Item>, CloudError> {
    let get = connection.dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
    Ok(get.send().await.map_err(CloudError::of("GetItem"))?.item)
}

/// Runs a query through all of its pages.
pub(crate) async fn query_all(query: QueryFluentBuilder) -> Result<Vec<Item>, CloudError> {
    let rows = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    rows.map_err(CloudError::of("Query"))
}

/// Runs a scan through all pages of one segment, by consistent reads.
pub(crate) async fn scan_all(scan: ScanFluentBuilder, segment: Segment) -> Result<Vec<Item>, CloudError> {
    let rows =
        scan_segment(scan, segment).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    rows.map_err(CloudError::of("Scan"))
}

/// Limits a scan to one segment. The reads are consistent.
pub(crate) fn scan_segment(scan: ScanFluentBuilder, segment: Segment) -> ScanFluentBuilder {
    scan.segment(i32::from(segment.number)).total_segments(i32::from(segment.of)).consistent_read(true)
}

/// The name of the index by due time. It is sharded and holds only keys, and only of rows that become due.
const DUE_INDEX: &str = "due";

/// How many keys of due rows one page holds.
const DUE_PAGE: i32 = 100;

/// Reads a page of the keys of due rows, from one shard of the table's index, earliest first. Also returns where the
/// next page starts.
pub(crate) async fn due(
    connection: &Connection,
    table: &str,
    shard: u8,
    now: UnixSeconds,
    start: Option<Item>,
) -> Result<(Vec<Item>, Option<Item>), CloudError> {
    let query = connection.dynamodb.query().table_name(table).index_name(DUE_INDEX);
    let answer = query
        .key_condition_expression("due_shard = :shard AND due_at <= :now")
        .expression_attribute_values(":shard", text(shard.to_string()))
        .expression_attribute_values(":now", number(now.as_second()))
        .set_exclusive_start_key(start)
        .limit(DUE_PAGE)
        .send()
        .await
        .map_err(CloudError::of("Query"))?;
    Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
}

/// How many rows one request reads at most.
const BATCH_MAX: usize = 100;

/// Reads the existing rows of these keys, by consistent reads, in any order. `projection` limits the attributes.
pub(crate) async fn batch(
    connection: &Connection,
    table: &str,
    keys: Vec<Item>,
    projection: Option<&str>,
) -> Result<Vec<Item>, CloudError> {
    let mut rows = Vec::new();
    for keys in keys.chunks(BATCH_MAX) {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).consistent_read(true);
        let keys = keys.set_projection_expression(projection.map(str::to_owned)).build();
        let keys = keys.map_err(CloudError::malformed("a batch of keys"))?;
        rows.extend(whole_batch(connection, HashMap::from([(table.to_owned(), keys)])).await?);
    }
    Ok(rows)
}

/// Reads a whole batch. DynamoDB may answer only a part of it when the load is too high; this requests the rest
/// again.
async fn whole_batch(
    connection: &Connection,
    mut asked: HashMap<String, KeysAndAttributes>,
) -> Result<Vec<Item>, CloudError> {
    let (mut rows, mut backoff) = (Vec::new(), Backoff::new());
    loop {
        let request = connection.dynamodb.batch_get_item().set_request_items(Some(asked));
        let answer = request.send().await.map_err(CloudError::of("BatchGetItem"))?;
        rows.extend(answer.responses.unwrap_or_default().into_values().flatten());
        asked = answer.unprocessed_keys.unwrap_or_default();
        if asked.is_empty() {
            return Ok(rows);
        }
        if !backoff.wait().await? {
            let code = "UnprocessedKeys".to_owned();
            return Err(CloudError::Service { operation: "BatchGetItem", code });
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn works_spread_over_all_shards() {
        let mut seen = std::collections::BTreeSet::new();
        for random in 0..200 {
            seen.insert(due_shard(&WorkId::new(Timestamp::UNIX_EPOCH, random).to_string()));
        }
        assert_eq!(seen.len(), usize::from(DUE_SHARDS));
    }
}
