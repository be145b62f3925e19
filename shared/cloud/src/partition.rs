//! Everything known about one subject, at once: for erasing it, and for looking whether anything is left.

use domain::{FavoriteTarget, Reach, SubjectId, UnixSeconds, WorkId};

use crate::subjects;
use crate::table::{self, GATE, Generation, Item};
use crate::write::{self, Change, Condition, Unconditional};
use crate::{CloudError, Connection};

/// The partitions of a records table, or of a restored copy of one.
#[derive(Debug, Clone)]
pub struct Partitions {
    connection: Connection,
    table: String,
}

/// What lies in a partition.
#[derive(Debug)]
pub struct Partition {
    /// The sort keys of the rows but the gate's.
    rows: Vec<String>,
    subject: SubjectId,
    /// Whether the gate is there.
    pub has_gate: bool,
    /// Until when somebody may store something for one of its works: a worker with a lease, or an app with an upload URL.
    pub leased_until: Option<UnixSeconds>,
}

impl Partition {
    /// How many rows there are, the gate among them.
    pub fn len(&self) -> usize {
        self.rows.len() + usize::from(self.has_gate)
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Partitions {
    /// The partitions of this table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Everything of a subject.
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
        let (gate, rows): (Vec<_>, Vec<_>) = keys.partition(|key| key == GATE);
        Ok(Partition { rows, subject, has_gate: !gate.is_empty(), leased_until })
    }

    /// Deletes these rows but the gate, which keeps the rest from coming back and goes last.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, partition: &Partition) -> Result<(), CloudError> {
        let keys = partition.rows.iter().map(|row| table::key(partition.subject, row.clone()));
        let why =
            Unconditional::because("the gate is closed or gone, so nobody writes any of these rows anew");
        write::delete_batch(&self.connection, &self.table, keys.collect(), why).await
    }

    /// Deletes a gate that no identity leads to: that of a copy which is to be cleared, or one that was left behind.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_gate(&self, subject: SubjectId) -> Result<(), CloudError> {
        let gate = table::key(subject, GATE.to_owned());
        write::delete(&self.connection, &self.table, gate, Condition::exists()).await.map(drop)
    }

    /// Leaves a closed gate in a copy for an account whose erasure is still under way: its identity still leads to the
    /// subject, and where there is no gate, the next request would open one.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn close_gate(&self, reach: Reach, now: UnixSeconds) -> Result<(), CloudError> {
        let gate = subjects::closed_gate(reach, now)?;
        let why = Unconditional::because("the copy does not serve yet");
        write::put_always(&self.connection, &self.table, gate, why).await
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
            let raise =
                Change::of("SET #generation = :generation").value(":generation", table::number(number));
            let is_lower = Condition::exists_and("#generation < :generation").name("#generation", attribute);
            let gate = table::key(reach.subject, GATE.to_owned());
            // It may be as high already, or the copy older than the subject.
            write::change(&self.connection, &self.table, gate, raise, is_lower).await?;
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
        let why = || Unconditional::because("nobody writes to these works any more");
        write::delete_batch(&self.connection, &self.table, favorites.collect(), why()).await?;
        write::delete_batch(&self.connection, &self.table, rows.collect(), why()).await
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
