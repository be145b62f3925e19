//! The one thing that is read from EXIF: the orientation. Everything else stays behind.

use exif::{In, Reader, Tag};

use crate::photo::Orientation;

/// The orientation in a raw EXIF block (TIFF header first); upright when there is none that makes sense.
pub(super) fn orientation(block: &[u8]) -> Orientation {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let value = Reader::new()
        .read_raw(block.to_vec())
        .ok()
        .and_then(|fields| fields.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0));
    value.and_then(Orientation::from_exif).unwrap_or_default()
}
