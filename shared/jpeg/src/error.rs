//! Why a file is not decoded.

/// Why a file is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file is damaged or cut short.
    #[error("the JPEG file is damaged or cut short")]
    Corrupt,
    /// The file may be whole, but is coded in a way that this crate does not decode.
    #[error("the JPEG file is coded in a way that is not supported")]
    Unsupported,
    /// The file would cost more than the limits allow. Nothing was decoded.
    #[error("the JPEG file is too large: {measured} is more than {limit}")]
    TooLarge {
        /// The pixels, the longer side in pixels, the scans or the samples of all scans, as the headers state them.
        measured: usize,
        /// The limit of the same quantity.
        limit: usize,
    },
}

/// The entropy-coded data or a segment is damaged.
#[derive(Debug)]
pub(crate) struct Corrupt;

impl From<Corrupt> for Error {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// Compares a quantity with its limit.
pub(crate) fn check_limit(measured: usize, limit: usize) -> Result<(), Error> {
    if measured <= limit { Ok(()) } else { Err(Error::TooLarge { measured, limit }) }
}
