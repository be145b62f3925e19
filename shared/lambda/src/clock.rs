//! The only clock. Everything below `main.rs` gets the time as an argument.

use domain::UnixSeconds;
use jiff::Timestamp;

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "this is the one place where time comes in")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The present second, as records store it.
pub fn now_seconds() -> UnixSeconds {
    UnixSeconds::of(now())
}
