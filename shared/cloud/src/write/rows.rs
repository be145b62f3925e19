//! Writes single rows outside of a transaction. They change and delete existing rows; a write that may create a row
//! gives its reason.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::condition::{Change, Condition, Existing, Unconditional, Vacant};
use super::{Outcome, conflict};
use crate::table::Item;
use crate::{CloudError, Connection};

/// Changes one row in that state. A failed condition means that there is nothing to change.
///
/// # Errors
/// When DynamoDB fails, or when the write still conflicts after all tries.
pub(crate) async fn change(
    connection: &Connection,
    table: &str,
    key: Item,
    change: Change,
    condition: Condition<Existing>,
) -> Result<Outcome, CloudError> {
    update(connection, table, key, change, condition).await
}

/// Changes one row, or creates it if there is none. A failed condition means that the existing row stays as it is.
///
/// # Errors
/// As [`change`].
pub(crate) async fn upsert(
    connection: &Connection,
    table: &str,
    key: Item,
    change: Change,
    condition: Condition<Vacant>,
    _why: Unconditional,
) -> Result<Outcome, CloudError> {
    update(connection, table, key, change, condition).await
}

#[expect(clippy::disallowed_methods, reason = "the module that writes tables")]
async fn update<Row>(
    connection: &Connection,
    table: &str,
    key: Item,
    change: Change,
    condition: Condition<Row>,
) -> Result<Outcome, CloudError> {
    let (change, condition) = (change.0, condition.of_row(&key));
    let (names, values) = change.merged_with(&condition);
    let request = connection
        .dynamodb
        .update_item()
        .table_name(table)
        .set_key(Some(key))
        .update_expression(change.expression)
        .condition_expression(condition.expression)
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(values);
    conflict::single("UpdateItem", || request.clone().send()).await
}

/// Deletes one row in that state. A failed condition means that there is nothing to delete.
///
/// # Errors
/// When DynamoDB fails, or when the write still conflicts after all tries.
#[expect(clippy::disallowed_methods, reason = "the module that writes tables")]
pub(crate) async fn delete(
    connection: &Connection,
    table: &str,
    key: Item,
    condition: Condition<Existing>,
) -> Result<Outcome, CloudError> {
    let condition = condition.of_row(&key);
    let request = connection
        .dynamodb
        .delete_item()
        .table_name(table)
        .set_key(Some(key))
        .condition_expression(condition.expression)
        .set_expression_attribute_names(Some(condition.names))
        .set_expression_attribute_values(condition.values);
    conflict::single("DeleteItem", || request.clone().send()).await
}

/// Writes one row, even if there is one already.
///
/// # Errors
/// As [`change`].
#[expect(clippy::disallowed_methods, reason = "the module that writes tables")]
pub(crate) async fn put_always(
    connection: &Connection,
    table: &str,
    row: Item,
    _why: Unconditional,
) -> Result<(), CloudError> {
    let request = connection.dynamodb.put_item().table_name(table).set_item(Some(row));
    conflict::single("PutItem", || request.clone().send()).await.map(drop)
}

/// Deletes these rows in any state. A missing row is not an error.
///
/// # Errors
/// As [`change`], and when DynamoDB still leaves rows unprocessed after all tries.
pub(crate) async fn delete_batch(
    connection: &Connection,
    table: &str,
    keys: Vec<Item>,
    _why: Unconditional,
) -> Result<(), CloudError> {
    /// How many rows one request deletes at most.
    const BATCH_MAX: usize = 25;
    /// How many requests run at once.
    const BATCHES_AT_ONCE: usize = 8;
    let batches = keys.chunks(BATCH_MAX).map(|keys| delete_chunk(connection, table, keys));
    stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_collect().await
}

async fn delete_chunk(connection: &Connection, table: &str, keys: &[Item]) -> Result<(), CloudError> {
    let deletes = keys.iter().map(|key| {
        let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
        let delete = delete.map_err(CloudError::malformed("a delete"))?;
        Ok(WriteRequest::builder().delete_request(delete).build())
    });
    let deletes = deletes.collect::<Result<Vec<_>, CloudError>>()?;
    conflict::batch(connection, HashMap::from([(table.to_owned(), deletes)])).await
}
