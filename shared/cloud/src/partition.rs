//! Everything known about one subject, at once: for erasing it, and for looking whether anything is left.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use domain::{FavoriteTarget, Reach, SubjectId, UnixSeconds, WorkId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::table::{self, GATE, Generation, Item};
use crate::{CloudError, Connection};

/// Rows that one request deletes at most.
const BATCH_MAX: usize = 25;

/// Batches under way at once.
const AT_ONCE: usize = 8;

/// Tries of a batch that DynamoDB handles in part, which it does when it is asked too much at once.
const TRIES_MAX: u32 = 8;

/// The partitions of a records table, or of a restored copy of one.
#[derive(Debug, Clone)]
pub struct Partitions {
    connection: Connection,
    table: String,
}

/// A partition without its gate.
#[derive(Debug)]
pub struct Partition {
    /// The rows' sort keys.
    rows: Vec<String>,
    subject: SubjectId,
    /// Until when somebody may store something for one of its works: a worker with a lease, or an app with an upload URL.
    pub leased_until: Option<UnixSeconds>,
}

impl Partition {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Partitions {
    /// The partitions of this table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Everything of a subject but its gate, which keeps the rest from coming back and goes last.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, subject: SubjectId) -> Result<Partition, CloudError> {
        let rows = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", table::text(table::partition(subject)))
            .projection_expression("sk, lease, settled_at, upload_expires_at")
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(CloudError::of("Query"))?;
        let leased_until = rows.iter().flat_map(writable_until).max();
        let keys = rows.into_iter().filter_map(|mut row| row.remove("sk")?.as_s().ok().cloned());
        let rows = keys.filter(|key| key != GATE).collect();
        Ok(Partition { rows, subject, leased_until })
    }

    /// Deletes these rows.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, partition: &Partition) -> Result<(), CloudError> {
        let keys = partition.rows.iter().map(|row| table::key(partition.subject, row.clone()));
        self.delete_rows(keys.collect()).await
    }

    /// Deletes the gate, of a copy that is to be cleared.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_gate(&self, subject: SubjectId) -> Result<(), CloudError> {
        self.delete_rows(vec![table::key(subject, GATE.to_owned())]).await
    }

    /// Raises the generations of a copy's gate to those of an erasure that it is older than: what is made from now on
    /// is not to be taken for what was erased.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn raise_generations(&self, reach: Reach) -> Result<(), CloudError> {
        for generation in
            [Generation::Works(reach.works_before), Generation::Favorites(reach.favorites_before)]
        {
            let (attribute, number) = generation.attribute();
            let update = self.connection.dynamodb.update_item().table_name(&self.table);
            let answer = update
                .set_key(Some(table::key(reach.subject, GATE.to_owned())))
                .update_expression("SET #generation = :generation")
                .condition_expression("attribute_exists(pk) AND #generation < :generation")
                .expression_attribute_names("#generation", attribute)
                .expression_attribute_values(":generation", table::number(number))
                .send()
                .await;
            // It may be as high already, or the copy older than the subject.
            table::written_or_moot("UpdateItem", answer)?;
        }
        Ok(())
    }

    /// Deletes the rows of these works and of the favorites that may name them, whatever state they are in. Nobody may
    /// write to them any more: their gate has closed on them, or they are in a copy that does not serve.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_works(&self, works: &[(SubjectId, WorkId)]) -> Result<(), CloudError> {
        let favorites = works
            .iter()
            .map(|(subject, work)| table::key(*subject, table::favorite_row(&FavoriteTarget::Work(*work))));
        let rows = works.iter().map(|(subject, work)| table::key(*subject, table::work_row(*work)));
        // A batch is no transaction. Should it end in between, the works are still there to lead to their favorites.
        self.delete_rows(favorites.collect()).await?;
        self.delete_rows(rows.collect()).await
    }

    async fn delete_rows(&self, keys: Vec<Item>) -> Result<(), CloudError> {
        let batches = keys.chunks(BATCH_MAX).map(|keys| self.delete_batch(keys));
        stream::iter(batches).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn delete_batch(&self, keys: &[Item]) -> Result<(), CloudError> {
        let mut requests = Vec::with_capacity(keys.len());
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
            let delete = delete.map_err(CloudError::malformed("a delete"))?;
            requests.push(WriteRequest::builder().delete_request(delete).build());
        }
        self.write(requests).await
    }

    async fn write(&self, requests: Vec<WriteRequest>) -> Result<(), CloudError> {
        let mut left = HashMap::from([(self.table.clone(), requests)]);
        for tries in 0..TRIES_MAX {
            let request = self.connection.dynamodb.batch_write_item().set_request_items(Some(left));
            let answer = request.send().await.map_err(CloudError::of("BatchWriteItem"))?;
            left = answer.unprocessed_items.unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20 << tries)).await;
        }
        Err(CloudError::Service { operation: "BatchWriteItem", code: "UnprocessedItems".to_owned() })
    }
}

/// Until when the row of a work lets somebody store something: a worker, also of a work that its user has deleted
/// meanwhile, and an app with an upload URL.
fn writable_until(row: &Item) -> impl Iterator<Item = UnixSeconds> {
    let lease =
        row.get("lease").and_then(|lease| lease.as_m().ok()).and_then(|lease| lease.get("expires_at"));
    let ends = [lease, row.get("settled_at"), row.get("upload_expires_at")];
    let seconds = ends.into_iter().flatten().filter_map(|end| end.as_n().ok()?.parse().ok());
    seconds.map(UnixSeconds::from_second)
}
