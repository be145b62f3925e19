//! All writes to tables. No other module may call the SDK's writing operations (`clippy.toml`). Each function here
//! demands the condition of the write:
//!
//! - A change or a deletion names the state of the row ([`Existing`]). So it cannot restore a row that an erasure has
//!   removed.
//! - A new row needs an [`Admission`]: a condition in the same transaction, which no longer holds after an erasure.
//! - Any other write gives the reason why it needs no condition ([`Unconditional`]).
//!
//! A write conflicts if another transaction holds the same row. DynamoDB then writes nothing, and its answer says
//! nothing reliable about the conditions. So the write is tried again ([`conflict`]).

mod admission;
mod condition;
mod conflict;
mod rows;

use std::marker::PhantomData;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};

pub(crate) use self::admission::Admission;
pub(crate) use self::condition::{Change, Condition, Existing, Unconditional, Vacant};
pub(crate) use self::conflict::Backoff;
pub(crate) use self::rows::{change, delete, delete_batch, put_always, upsert};
use crate::table::Item;
use crate::{CloudError, Connection};

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything was written.
    Written,
    /// Nothing was written. The list says for each operation, in order, whether its condition failed.
    Refused(Vec<bool>),
}

/// Marks a transaction that may only change and delete existing rows.
pub(crate) enum Changing {}

/// Marks a transaction that may also write new rows, because an [`Admission`] is its first operation.
pub(crate) enum Admitted {}

/// Writes that DynamoDB carries out together or not at all. The others depend on the condition of the first
/// operation.
pub(crate) struct Transaction<Kind> {
    operations: Vec<TransactWriteItem>,
    kind: PhantomData<Kind>,
}

impl Transaction<Changing> {
    /// Begins by replacing a row in that state.
    pub(crate) fn replacing(
        table: &str,
        row: Item,
        condition: Condition<Existing>,
    ) -> Result<Self, CloudError> {
        Self::empty().replace(table, row, condition)
    }

    /// Begins empty. Each operation that follows names the state of its row.
    pub(crate) fn changing() -> Self {
        Self::empty()
    }
}

impl Transaction<Admitted> {
    /// Begins with the admission of new rows.
    pub(crate) fn admitted(admission: Admission) -> Self {
        Self::empty().and(admission.into_operation())
    }

    /// Writes a row, if there is none or the condition allows to replace it.
    pub(crate) fn insert(
        self,
        table: &str,
        row: Item,
        condition: Condition<Vacant>,
    ) -> Result<Self, CloudError> {
        Ok(self.and(insert(table, row, condition)?))
    }

    /// Writes a row, even if there is one already.
    pub(crate) fn put(self, table: &str, row: Item) -> Result<Self, CloudError> {
        let put = Put::builder().table_name(table).set_item(Some(row)).build();
        let put = put.map_err(CloudError::malformed("a put"))?;
        Ok(self.and(TransactWriteItem::builder().put(put).build()))
    }

    /// Changes a row, or creates it if there is none.
    pub(crate) fn upsert(
        self,
        table: &str,
        key: Item,
        change: Change,
        condition: Condition<Vacant>,
    ) -> Result<Self, CloudError> {
        let (change, condition) = (change.0, condition.of_row(&key));
        Ok(self.and(update(table, key, change, condition)?))
    }
}

impl<Kind> Transaction<Kind> {
    fn empty() -> Self {
        Self { operations: Vec::new(), kind: PhantomData }
    }

    fn and(mut self, operation: TransactWriteItem) -> Self {
        self.operations.push(operation);
        self
    }

    /// Requires a row in that state, without changing it.
    pub(crate) fn check(
        self,
        table: &str,
        key: Item,
        condition: Condition<Existing>,
    ) -> Result<Self, CloudError> {
        Ok(self.and(check(table, key, condition)?))
    }

    /// Replaces a row in that state.
    pub(crate) fn replace(
        self,
        table: &str,
        row: Item,
        condition: Condition<Existing>,
    ) -> Result<Self, CloudError> {
        let condition = condition.of_row(&row);
        Ok(self.and(put(table, row, condition)?))
    }

    /// Deletes a row in that state.
    pub(crate) fn delete(
        self,
        table: &str,
        key: Item,
        condition: Condition<Existing>,
    ) -> Result<Self, CloudError> {
        let condition = condition.of_row(&key);
        let delete = Delete::builder().table_name(table).set_key(Some(key));
        let delete = delete
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names))
            .set_expression_attribute_values(condition.values)
            .build();
        let delete = delete.map_err(CloudError::malformed("a delete"))?;
        Ok(self.and(TransactWriteItem::builder().delete(delete).build()))
    }

    /// Deletes a row in any state, if the transaction's other operations are carried out.
    pub(crate) fn delete_in_any_state(self, table: &str, key: Item) -> Result<Self, CloudError> {
        let delete = Delete::builder().table_name(table).set_key(Some(key)).build();
        let delete = delete.map_err(CloudError::malformed("a delete"))?;
        Ok(self.and(TransactWriteItem::builder().delete(delete).build()))
    }

    /// Carries out all operations, or none.
    ///
    /// # Errors
    /// When DynamoDB fails, or when the write still conflicts after all tries.
    pub(crate) async fn write(self, connection: &Connection) -> Result<Outcome, CloudError> {
        conflict::transact(connection, self.operations).await
    }
}

fn check(table: &str, key: Item, condition: Condition<Existing>) -> Result<TransactWriteItem, CloudError> {
    let condition = condition.of_row(&key);
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key))
        .condition_expression(condition.expression)
        .set_expression_attribute_names(Some(condition.names))
        .set_expression_attribute_values(condition.values)
        .build()
        .map_err(CloudError::malformed("a condition check"))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

fn insert(table: &str, row: Item, condition: Condition<Vacant>) -> Result<TransactWriteItem, CloudError> {
    let condition = condition.of_row(&row);
    put(table, row, condition)
}

fn put(table: &str, row: Item, condition: condition::Terms) -> Result<TransactWriteItem, CloudError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(row))
        .condition_expression(condition.expression)
        .set_expression_attribute_names(Some(condition.names))
        .set_expression_attribute_values(condition.values)
        .build()
        .map_err(CloudError::malformed("a put"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(
    table: &str,
    key: Item,
    change: condition::Terms,
    condition: condition::Terms,
) -> Result<TransactWriteItem, CloudError> {
    let (names, values) = change.merged_with(&condition);
    let update = Update::builder()
        .table_name(table)
        .set_key(Some(key))
        .update_expression(change.expression)
        .condition_expression(condition.expression)
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(values)
        .build()
        .map_err(CloudError::malformed("an update"))?;
    Ok(TransactWriteItem::builder().update(update).build())
}
