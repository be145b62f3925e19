//! Stores where a task resumes that could not finish in one run. The rows are outside every subject's partition and
//! must not identify anybody.

use crate::table::{self, Item};
use crate::write::{self, Condition, Unconditional};
use crate::{CloudError, Connection};

/// The partition key of the cursors.
pub(crate) const PURGE: &str = "PURGE";

/// The store of cursors, in the records table.
#[derive(Debug, Clone)]
pub struct Cursors {
    connection: Connection,
    table: String,
}

/// A task that has a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorOf {
    /// The listing of the uploads bucket.
    Photos,
    /// The residue check.
    Residue,
    /// The replay of erasures on a restored copy of the records. The copy itself holds the cursor.
    Replay,
}

impl CursorOf {
    fn key(self) -> Item {
        let name = match self {
            Self::Photos => "CURSOR#photos",
            Self::Residue => "CURSOR#residue",
            Self::Replay => "CURSOR#replay",
        };
        Item::from([("pk".to_owned(), table::text(PURGE)), ("sk".to_owned(), table::text(name))])
    }
}

impl Cursors {
    /// Creates the store in this records table.
    pub fn new(connection: &Connection, records: String) -> Self {
        Self { connection: connection.clone(), table: records }
    }

    /// Loads where the task resumes. `None` means at the beginning.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn load(&self, of: CursorOf) -> Result<Option<String>, CloudError> {
        let row = table::get(&self.connection, &self.table, of.key()).await?;
        let after = row.and_then(|mut item| item.remove("after"));
        Ok(after.and_then(|after| after.as_s().ok().cloned()))
    }

    /// Stores where the task resumes, or deletes the cursor with `None` when the task is complete.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn store(&self, of: CursorOf, after: Option<&str>) -> Result<(), CloudError> {
        let Some(after) = after else {
            let any = Condition::exists();
            return write::delete(&self.connection, &self.table, of.key(), any).await.map(drop);
        };
        let mut row = of.key();
        row.insert("after".to_owned(), table::text(after));
        // If two runs overwrite each other's cursor, one scans again what the other has already scanned.
        let why = Unconditional::because("a lost cursor only makes the next run start from the beginning");
        write::put_always(&self.connection, &self.table, row, why).await
    }
}
