//! A photo in the uploads bucket, as its event describes it.

use domain::PhotoKey;

/// One photo that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArrivedPhoto {
    /// The photo's object key.
    pub(crate) key: PhotoKey,
    /// The ETag of the object when the event was sent.
    pub(crate) etag: String,
    /// The photo's size in bytes.
    pub(crate) bytes: u64,
}
