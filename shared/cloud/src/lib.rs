//! The stores: the only user of the AWS SDK, one file per kind of thing stored.
//!
//! Invariants: every put and update in a subject's partition is conditional on its gate row; every transition of a work is
//! conditional on the state it was computed from; an object goes before the row that names it; an error's text
//! holds an operation and a code, never a key, an id or a body.

mod connection;
mod cursors;
mod disposal;
mod error;
mod favorites;
#[cfg(feature = "kill-points")]
mod kill_points;
mod photos;
mod pictures;
mod random;
mod receipts;
mod subjects;
mod table;
mod templates;
mod uploads;
mod works;

pub use connection::Connection;
pub use cursors::{CursorOf, Cursors};
pub use disposal::Disposal;
pub use error::CloudError;
pub use favorites::{Favorites, Saved};
pub use photos::{FetchedPhoto, ListedPhotos, Photos, PresignedUpload};
pub use pictures::{Pictures, PresignedDownload};
pub use random::{lease_token, random_bits, salt};
pub use receipts::ReceiptKeys;
pub use subjects::{Gate, Subjects};
pub use templates::{CatalogueEntry, TemplateFiles, Templates};
pub use uploads::{Upload, Uploads};
pub use works::{DuePage, DueWork, Page, Replaced, Works};
