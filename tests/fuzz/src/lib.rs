//! What the fuzz targets and their seeds share: how bytes are wrapped into a file, and the receipts that are genuine.

pub mod containers;
pub mod receipts;

use fitting::decode::Limits;

/// Limits small enough that one input takes milliseconds. The code behind them is the same.
#[must_use]
pub fn limits() -> Limits {
    Limits { photo_bytes_max: 1 << 20, pixels_max: 1 << 20, side_max: 4096 }
}
