//! What the machine-readable marking of a work says: that it is AI-made, by what, when, under which id.
//!
//! The id is the mark's own, not the work's, so that a picture passed on does not lead to a record.

use jiff::Timestamp;

/// The content of one work's marking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// An id made for this marking alone.
    pub id: String,
    /// When the work was made.
    pub created: Timestamp,
}
