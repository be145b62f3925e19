//! The stores: the only user of the AWS SDK, with one file per kind of record.
//!
//! Invariants:
//!
//! - The open account gate or the identity admits a new row in a subject's partition, in the same transaction. No other
//!   write can create such a row (`write.rs`).
//! - Every transition of a work is conditional on the state from which it was computed.
//! - An object is deleted before the row that names it.
//! - The text of an error holds an operation and a code, never a key, an id or a body.

mod addresses;
mod bucket;
#[cfg(feature = "kill-points")]
mod conflicts;
mod connection;
mod cursors;
mod erasures;
mod error;
mod favorites;
mod identity_provider;
mod inspection;
#[cfg(feature = "kill-points")]
mod kill_points;
mod log_groups;
mod partition;
mod photos;
mod pictures;
mod quota;
mod random;
mod receipts;
mod subject_key;
mod subjects;
mod table;
mod templates;
mod uploads;
mod work_stores;
mod works;
mod write;

pub use addresses::Addresses;
pub use bucket::{ListedObject, ListedObjects};
pub use connection::Connection;
pub use cursors::{CursorOf, Cursors};
pub use erasures::{DueRequests, Erasures, ListedRequest, OpenOutcome, RequesterIdentity};
pub use error::CloudError;
pub use favorites::{Favorites, SaveOutcome};
pub use identity_provider::IdentityProvider;
pub use inspection::{Identity, IdentityRow, Inspection, PageStart, RecordRow, Scanned, Segment, SubjectRow};
pub use log_groups::{LogGroup, LogGroups};
pub use partition::{Partition, Partitions};
pub use photos::{FetchedPhoto, ListedPhotos, Photos, PresignedUpload};
pub use pictures::{PictureShard, Pictures, PresignedDownload};
pub use random::{lease_token, random_bits};
pub use receipts::ReceiptKeys;
pub use subject_key::{Purpose, Sealed, SubjectKey};
pub use subjects::{Access, Closed, Gate, Owner, Subjects};
pub use templates::{CatalogueEntry, TemplateFiles, Templates};
pub use uploads::{AdmitOutcome, Uploads};
pub use work_stores::WorkStores;
pub use works::{DuePage, DueWork, Page, ReplaceOutcome, Works};
