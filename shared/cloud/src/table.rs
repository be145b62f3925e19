//! The shape of the records table: one partition per subject, one row per thing known about it. And what all tables
//! have in common: how they are written, and how their indexes by due time are read.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, KeysAndAttributes, TransactWriteItem, Update,
};
use aws_smithy_runtime_api::client::result::SdkError;
use domain::limits::DUE_SHARDS;
use domain::retention::Record;
use domain::{FavoriteTarget, RequestId, SubjectId, UnixSeconds, WorkId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{CloudError, Connection, random_bits};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The sort key of the gate row.
pub(crate) const GATE: &str = "GATE";

/// The prefix of a work's sort key.
pub(crate) const WORK: &str = "WORK#";

/// The prefix of a favorite's sort key.
pub(crate) const FAVORITE: &str = "FAVORITE#";

/// The prefix of the sort key of what makes a repeated request for an upload answer the same.
pub(crate) const IDEMPOTENCY: &str = "IDEMPOTENCY#";

/// The prefix of the sort key of a day's count.
pub(crate) const QUOTA: &str = "QUOTA#";

/// The prefix of the sort key of a request for an erasure.
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

/// The key of a row.
pub(crate) fn key(subject: SubjectId, row: String) -> Item {
    HashMap::from([("pk".to_owned(), text(partition(subject))), ("sk".to_owned(), text(row))])
}

/// The partition of a due index that the row of this id is in.
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

/// What a write to a partition belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The works of this generation.
    Works(u32),
    /// The favorites of this generation.
    Favorites(u32),
}

impl Generation {
    /// The attribute of the gate row that holds it, and its number.
    pub(crate) fn attribute(self) -> (&'static str, u32) {
        match self {
            Self::Works(generation) => ("works_generation", generation),
            Self::Favorites(generation) => ("favorites_generation", generation),
        }
    }
}

/// The condition that goes with every write to a partition: the gate stands, in the generation the writer knows,
/// and is not being erased. Without it a slow writer could re-create what an erasure has removed.
pub(crate) fn gate_stands(
    table: &str,
    subject: SubjectId,
    generation: Generation,
) -> Result<TransactWriteItem, CloudError> {
    let (attribute, generation) = generation.attribute();
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key(subject, GATE.to_owned())))
        .condition_expression("#generation = :generation AND erasing = :no")
        .expression_attribute_names("#generation", attribute)
        .expression_attribute_values(":generation", number(generation))
        .expression_attribute_values(":no", AttributeValue::Bool(false))
        .build()
        .map_err(CloudError::malformed("a condition check"))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

/// A put as part of a transaction.
pub(crate) fn put(put: PutBuilder) -> Result<TransactWriteItem, CloudError> {
    let put = put.build().map_err(CloudError::malformed("a put"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// An update as part of a transaction.
pub(crate) fn update(update: UpdateBuilder) -> Result<TransactWriteItem, CloudError> {
    let update = update.build().map_err(CloudError::malformed("an update"))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// A delete as part of a transaction.
pub(crate) fn delete(delete: DeleteBuilder) -> Result<TransactWriteItem, CloudError> {
    let delete = delete.build().map_err(CloudError::malformed("a delete"))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// Counts one of a day's `counted` for a subject, on condition that there are less than `max`. The row goes by DynamoDB's
/// TTL.
pub(crate) fn count(
    table: &str,
    subject: SubjectId,
    counted: &str,
    max: u32,
    now: UnixSeconds,
) -> Result<TransactWriteItem, CloudError> {
    let day = &now.to_rfc3339()[..10];
    let ttl = now.plus(Record::Quota.retention().period);
    update(
        Update::builder()
            .table_name(table)
            .set_key(Some(key(subject, format!("{QUOTA}{day}"))))
            .update_expression("ADD #counted :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(#counted) OR #counted < :max")
            .expression_attribute_names("#counted", counted)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":max", number(max))
            .expression_attribute_values(":ttl", number(ttl.as_second())),
    )
}

/// The subject of a partition key.
pub(crate) fn subject_of(partition: &str) -> Option<SubjectId> {
    partition.strip_prefix("SUBJECT#")?.parse().ok()
}

/// The query of a subject's rows whose sort keys begin with `prefix`; it sees every write before it.
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

/// The index of a table by due time: sharded, keys only; rows about which nothing is ever due are not in it.
const DUE_INDEX: &str = "due";

/// Keys of due rows read at once.
const DUE_PAGE: i32 = 100;

/// A page of the keys of the rows whose due time has come, from one shard of the table's index, earliest first, and
/// where the next one starts.
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

/// What a conditional write of one row answered: a condition that did not hold says that there was nothing to write.
pub(crate) fn written_or_moot<T, E: ProvideErrorMetadata, R>(
    operation: &'static str,
    answer: Result<T, SdkError<E, R>>,
) -> Result<(), CloudError> {
    match answer {
        Err(SdkError::ServiceError(error))
            if error.err().code() == Some("ConditionalCheckFailedException") =>
        {
            Ok(())
        }
        answer => answer.map(drop).map_err(CloudError::of(operation)),
    }
}

/// Rows that one request reads at most.
const BATCH_MAX: usize = 100;

/// The rows of these keys that there are, by consistent reads, in any order; of `projection`, if there is one.
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

/// DynamoDB answers a batch in part when it is asked too much at once; the rest is asked for again.
async fn whole_batch(
    connection: &Connection,
    mut asked: HashMap<String, KeysAndAttributes>,
) -> Result<Vec<Item>, CloudError> {
    let mut rows = Vec::new();
    for tries in 0..TRIES_MAX {
        let request = connection.dynamodb.batch_get_item().set_request_items(Some(asked));
        let answer = request.send().await.map_err(CloudError::of("BatchGetItem"))?;
        rows.extend(answer.responses.unwrap_or_default().into_values().flatten());
        asked = answer.unprocessed_keys.unwrap_or_default();
        if asked.is_empty() {
            return Ok(rows);
        }
        tokio::time::sleep(Duration::from_millis(20 << tries)).await;
    }
    Err(CloudError::Service { operation: "BatchGetItem", code: "UnprocessedKeys".to_owned() })
}

/// How a transaction ended.
pub(crate) enum Transaction {
    /// All of it was written.
    Written,
    /// Nothing was: for each operation, whether its condition did not hold.
    Refused(Vec<bool>),
}

/// Tries of a transaction that meets others: all of a subject's writes name its gate row, and DynamoDB cancels
/// whichever comes second.
const TRIES_MAX: u32 = 7;

/// Writes all of `operations` or nothing. A conflict with another transaction is waited out (20 ms to 1.3 s with
/// jitter, doubling), since the SDK does not retry it.
pub(crate) async fn transact(
    connection: &Connection,
    operations: Vec<TransactWriteItem>,
) -> Result<Transaction, CloudError> {
    let mut tries = 0;
    loop {
        let request = connection.dynamodb.transact_write_items().set_transact_items(Some(operations.clone()));
        let Err(error) = request.send().await else { return Ok(Transaction::Written) };
        let failed =
            |code| reasons(&error).iter().map(|reason| reason.code() == Some(code)).collect::<Vec<_>>();
        let conditions = failed("ConditionalCheckFailed");
        if conditions.contains(&true) {
            return Ok(Transaction::Refused(conditions));
        }
        tries += 1;
        if tries == TRIES_MAX || !failed("TransactionConflict").contains(&true) {
            return Err(CloudError::of("TransactWriteItems")(error));
        }
        let jitter = u64::try_from(random_bits()? % 20).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis((20 << (tries - 1)) + jitter)).await;
    }
}

/// Why DynamoDB cancelled a transaction, operation by operation; empty when it failed otherwise.
fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> &[CancellationReason] {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons()
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn only_a_condition_that_did_not_hold_makes_a_write_moot() {
        let answered = |code: &str| {
            let error = ErrorMetadata::builder().code(code).build();
            written_or_moot::<(), _, _>("DeleteItem", Err(SdkError::service_error(error, ())))
        };
        assert!(written_or_moot::<_, ErrorMetadata, ()>("DeleteItem", Ok(7)).is_ok());
        assert!(answered("ConditionalCheckFailedException").is_ok());
        let error = answered("ThrottlingException").unwrap_err();
        assert!(error.to_string().contains("ThrottlingException"), "{error}");
    }

    #[test]
    fn works_spread_over_all_shards() {
        let mut seen = std::collections::BTreeSet::new();
        for random in 0..200 {
            seen.insert(due_shard(&WorkId::new(Timestamp::UNIX_EPOCH, random).to_string()));
        }
        assert_eq!(seen.len(), usize::from(DUE_SHARDS));
    }
}
