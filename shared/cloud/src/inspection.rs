//! Full-table scans for the residue check. Malformed rows are reported, not skipped. The caller decides which rows
//! should exist.
//!
//! A table is read in segments, as DynamoDB divides it by the hash of the partition key. A whole partition is in one
//! segment. The number of a segment says how far a scan has come without identifying anybody.

use std::collections::HashSet;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use domain::{Erasure, FavoriteTarget, RequestId, SubjectId, UnixSeconds, Work, WorkId};

use crate::addresses::{COUNT, SECRET};
use crate::cursors::PURGE;
use crate::erasures::{self, REQUESTER};
use crate::favorites;
use crate::quota::QUOTA;
use crate::table::{self, FAVORITE, GATE, IDEMPOTENCY, Item, REQUEST, WORK};
use crate::{CloudError, Connection, works};

/// The tables that hold data of users.
#[derive(Debug, Clone)]
pub struct Inspection {
    connection: Connection,
    records: String,
    identities: String,
    erasures: String,
}

/// One of the equal parts of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The number of this segment, from 0.
    pub number: u16,
    /// The number of all segments.
    pub of: u16,
}

/// Where a page of a scan begins.
pub type PageStart = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// A page of a segment.
#[derive(Debug)]
pub struct Scanned<R> {
    /// The rows.
    pub rows: Vec<R>,
    /// Where the next page begins, if there is one.
    pub next: Option<PageStart>,
}

/// A row of the records.
#[derive(Debug, Clone)]
pub enum RecordRow {
    /// A row of a subject's partition, with its sort key.
    Subject(SubjectId, String, SubjectRow),
    /// A cursor. It identifies nobody.
    Cursor,
    /// A row of another form.
    Unreadable,
}

/// The kind of a row in a subject's partition.
#[derive(Debug, Clone)]
pub enum SubjectRow {
    /// The account gate.
    Gate {
        /// When the gate was created.
        created_at: UnixSeconds,
    },
    /// A work.
    Work(Box<Work>),
    /// A favorite.
    Favorite(FavoriteTarget),
    /// A row that DynamoDB's TTL deletes.
    Expiring {
        /// When DynamoDB's TTL deletes it.
        ttl: UnixSeconds,
    },
    /// A row of another form.
    Unreadable,
}

/// A row of the identities, with its key.
#[derive(Debug, Clone)]
pub struct IdentityRow {
    /// The key.
    pub key: String,
    /// The kind of the row, with its content.
    pub kind: Identity,
}

/// The kind of a row of the identities, with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// The link from a person to a subject.
    Subject(SubjectId),
    /// A tombstone.
    Tombstone {
        /// When DynamoDB's TTL deletes it.
        ttl: UnixSeconds,
    },
    /// The requester of an erasure.
    Requester(RequestId),
    /// A count of uploads or requests, of one identity or one network address.
    Count {
        /// When DynamoDB's TTL deletes it.
        ttl: UnixSeconds,
    },
    /// The secret for hashing network addresses.
    Secret {
        /// The slot in which it is used.
        slot: i64,
    },
    /// A row of another form.
    Unreadable,
}

impl Inspection {
    /// Creates the inspection of a stack's three tables.
    pub fn new(connection: &Connection, records: String, identities: String, erasures: String) -> Self {
        Self { connection: connection.clone(), records, identities, erasures }
    }

    /// Reads a page of the records.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn records(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<Scanned<RecordRow>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.records);
        page(scan, segment, start, record).await
    }

    /// Reads a page of the identities, without the wrapped keys of subjects.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn identities(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<Scanned<IdentityRow>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.identities);
        let scan = scan
            .projection_expression("#key, subject, erased_at, slot, #ttl")
            .expression_attribute_names("#key", "identity")
            .expression_attribute_names("#ttl", "ttl");
        page(scan, segment, start, |row| identity_row(&row)).await
    }

    /// Reads a page of the requests for erasures; `None` for a row of another form.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn erasures(
        &self,
        segment: Segment,
        start: Option<Item>,
    ) -> Result<Scanned<Option<Erasure>>, CloudError> {
        let scan = self.connection.dynamodb.scan().table_name(&self.erasures);
        page(scan, segment, start, |row| erasures::read(row).ok()).await
    }

    /// Returns those of these subjects that have an account gate.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn with_gate(&self, subjects: HashSet<SubjectId>) -> Result<HashSet<SubjectId>, CloudError> {
        let rows = subjects.into_iter().map(|subject| (subject, GATE.to_owned())).collect();
        Ok(self.existing(rows).await?.into_iter().map(|(subject, _gate)| subject).collect())
    }

    /// Returns those of these rows that exist. A row is given by its subject and sort key.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn existing(
        &self,
        rows: Vec<(SubjectId, String)>,
    ) -> Result<Vec<(SubjectId, String)>, CloudError> {
        let keys = rows.into_iter().map(|(subject, row)| table::key(subject, row)).collect();
        let found = table::batch(&self.connection, &self.records, keys, Some("pk, sk")).await?;
        Ok(found.iter().filter_map(key_of).collect())
    }

    /// Loads those of these works that have a row. A row that cannot be read is left out.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn works(&self, works: HashSet<(SubjectId, WorkId)>) -> Result<Vec<Work>, CloudError> {
        let keys = works.into_iter().map(|(subject, work)| table::key(subject, table::work_row(work)));
        let rows = table::batch(&self.connection, &self.records, keys.collect(), None).await?;
        Ok(rows.into_iter().filter_map(|row| works::read(row).ok()).collect())
    }

    /// Reads the current content of an identity's row, if the row exists.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn identity(&self, key: &str) -> Result<Option<Identity>, CloudError> {
        let key = Item::from([("identity".to_owned(), table::text(key))]);
        let row = table::get(&self.connection, &self.identities, key).await?;
        Ok(row.map(|row| identity_row(&row).kind))
    }
}

async fn page<R>(
    scan: ScanFluentBuilder,
    segment: Segment,
    start: Option<Item>,
    read: impl Fn(Item) -> R,
) -> Result<Scanned<R>, CloudError> {
    let answer = table::scan_segment(scan, segment).set_exclusive_start_key(start).send().await;
    let answer = answer.map_err(CloudError::of("Scan"))?;
    let rows = answer.items.unwrap_or_default().into_iter().map(read).collect();
    Ok(Scanned { rows, next: answer.last_evaluated_key })
}

fn text<'a>(row: &'a Item, attribute: &str) -> Option<&'a str> {
    row.get(attribute)?.as_s().ok().map(String::as_str)
}

fn seconds(row: &Item, attribute: &str) -> Option<UnixSeconds> {
    row.get(attribute)?.as_n().ok()?.parse().ok().map(UnixSeconds::from_second)
}

fn key_of(row: &Item) -> Option<(SubjectId, String)> {
    Some((table::subject_of(text(row, "pk")?)?, text(row, "sk")?.to_owned()))
}

fn record(row: Item) -> RecordRow {
    match (key_of(&row), text(&row, "pk")) {
        (Some((subject, key)), _) => {
            let content = subject_row(&key, row).unwrap_or(SubjectRow::Unreadable);
            RecordRow::Subject(subject, key, content)
        }
        (None, Some(PURGE)) => RecordRow::Cursor,
        (None, _) => RecordRow::Unreadable,
    }
}

fn subject_row(key: &str, row: Item) -> Option<SubjectRow> {
    if key == GATE {
        return seconds(&row, "created_at").map(|created_at| SubjectRow::Gate { created_at });
    }
    if key.starts_with(WORK) {
        let work = works::read(row).ok().filter(|work| table::work_row(work.id) == key);
        return work.map(|work| SubjectRow::Work(Box::new(work)));
    }
    if key.starts_with(FAVORITE) {
        return favorites::target(key).map(SubjectRow::Favorite);
    }
    let passes = [IDEMPOTENCY, REQUEST].iter().any(|prefix| key.starts_with(prefix));
    passes.then(|| seconds(&row, "ttl").map(|ttl| SubjectRow::Expiring { ttl }))?
}

fn identity_row(row: &Item) -> IdentityRow {
    let key = text(row, "identity").unwrap_or_default().to_owned();
    let kind = identity(&key, row).unwrap_or(Identity::Unreadable);
    IdentityRow { key, kind }
}

fn identity(key: &str, row: &Item) -> Option<Identity> {
    if let Some(request) = key.strip_prefix(REQUESTER) {
        return request.parse().ok().map(Identity::Requester);
    }
    if key.starts_with(QUOTA) || key.starts_with(COUNT) {
        return seconds(row, "ttl").map(|ttl| Identity::Count { ttl });
    }
    if key == SECRET {
        return row.get("slot")?.as_n().ok()?.parse().ok().map(|slot| Identity::Secret { slot });
    }
    if let Some(subject) = text(row, "subject") {
        return subject.parse().ok().map(Identity::Subject);
    }
    row.get("erased_at")?;
    seconds(row, "ttl").map(|ttl| Identity::Tombstone { ttl })
}
