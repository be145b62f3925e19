//! Shared by the fuzz targets and their seeds: containers for fuzzed bytes, and a genuine receipt.

pub mod containers;
pub mod receipts;

use fitting::decode::Limits;

/// Limits of decoding for fuzzing, small enough that one input takes milliseconds. The tested code is the same.
#[must_use]
pub fn limits() -> Limits {
    Limits { photo_bytes_max: 1 << 20, pixels_max: 1 << 20, side_max: 4096 }
}
