//! Reads and deletes whole partitions: everything known about one subject. Used to erase it and to check that nothing
//! is left.

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

/// The content of a partition.
#[derive(Debug)]
pub struct Partition {
    /// The sort keys of all rows except the account gate.
    rows: Vec<String>,
    subject: SubjectId,
    /// Whether the account gate exists.
    pub has_gate: bool,
    /// Until when somebody may store an object for one of its works: a worker with a lease, or an app with an upload
    /// URL.
    pub leased_until: Option<UnixSeconds>,
}

impl Partition {
    /// Returns the number of rows, including the account gate.
    pub fn len(&self) -> usize {
        self.rows.len() + usize::from(self.has_gate)
    }

    /// Tells whether the partition has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Partitions {
    /// Creates the store of this table's partitions.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Loads the partition of a subject.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, subject: SubjectId) -> Result<Partition, CloudError> {
        let query = self
            .connection
            .dynamodb
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", table::text(table::partition(subject)))
            .projection_expression("sk, lease, settled_at, upload_expires_at")
            .consistent_read(true);
        let rows = table::query_all(query).await?;
        let leased_until = rows.iter().flat_map(writable_until).max();
        let keys = rows.into_iter().filter_map(|mut row| row.remove("sk")?.as_s().ok().cloned());
        let (gate, rows): (Vec<_>, Vec<_>) = keys.partition(|key| key == GATE);
        Ok(Partition { rows, subject, has_gate: !gate.is_empty(), leased_until })
    }

    /// Deletes all these rows except the account gate. The gate keeps new rows from being written, and is deleted
    /// last.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, partition: &Partition) -> Result<(), CloudError> {
        let keys = partition.rows.iter().map(|row| table::key(partition.subject, row.clone()));
        let why = Unconditional::because("the gate is closed or gone, so nobody can write these rows again");
        write::delete_batch(&self.connection, &self.table, keys.collect(), why).await
    }

    /// Deletes an account gate that no identity leads to: a gate in a restored copy, or one that was left behind.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_gate(&self, subject: SubjectId) -> Result<(), CloudError> {
        let gate = table::key(subject, GATE.to_owned());
        write::delete(&self.connection, &self.table, gate, Condition::exists()).await.map(drop)
    }

    /// Puts a closed account gate into a restored copy, for an account whose erasure has not ended. Its identity
    /// still leads to the subject, so without a gate the next request would create an open one.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn close_gate(&self, reach: Reach, now: UnixSeconds) -> Result<(), CloudError> {
        let gate = subjects::closed_gate(reach, now)?;
        let why = Unconditional::because("the copy does not serve yet");
        write::put_always(&self.connection, &self.table, gate, why).await
    }

    /// Raises the generations in a restored copy's account gate to those after an erasure. So data that is created
    /// from now on does not count as erased.
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
            // A failed condition is fine: the generation is already as high, or the copy is older than the subject.
            write::change(&self.connection, &self.table, gate, raise, is_lower).await?;
        }
        Ok(())
    }

    /// Deletes the rows of these works and their favorites, in any state. Nobody else can write to them any more: the
    /// account gate excludes them, or they are in a copy that does not serve.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete_works(&self, works: &[(SubjectId, WorkId)]) -> Result<(), CloudError> {
        let favorites = works
            .iter()
            .map(|(subject, work)| table::key(*subject, table::favorite_row(&FavoriteTarget::Work(*work))));
        let rows = works.iter().map(|(subject, work)| table::key(*subject, table::work_row(*work)));
        // A batch is not a transaction, so favorites are deleted first. If it stops in between, the works still lead
        // to the favorites that are left.
        let why = || Unconditional::because("nobody can write to these works any more");
        write::delete_batch(&self.connection, &self.table, favorites.collect(), why()).await?;
        write::delete_batch(&self.connection, &self.table, rows.collect(), why()).await
    }
}

/// Returns the times until which the row of a work lets somebody store an object. That may be a worker, even if the
/// user has deleted the work in the meantime, or an app with an upload URL.
fn writable_until(row: &Item) -> impl Iterator<Item = UnixSeconds> {
    let lease =
        row.get("lease").and_then(|lease| lease.as_m().ok()).and_then(|lease| lease.get("expires_at"));
    let ends = [lease, row.get("settled_at"), row.get("upload_expires_at")];
    let seconds = ends.into_iter().flatten().filter_map(|end| end.as_n().ok()?.parse().ok());
    seconds.map(UnixSeconds::from_second)
}
