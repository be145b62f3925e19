//! The only clock. Everything below `main.rs` gets the time as an argument.
//!
//! In test builds (`--features shifted-clock`) it goes ahead by `CLOCK_AHEAD_SECONDS`, so that what is due in a
//! month can be seen to happen.

use domain::UnixSeconds;
use jiff::Timestamp;

/// The present moment.
pub fn now() -> Timestamp {
    let now = real_now();
    #[cfg(feature = "shifted-clock")]
    let now = now.saturating_add(ahead()).unwrap_or(Timestamp::MAX);
    now
}

/// The present moment by the clock that is never set ahead: Lambda's time limits are kept by it.
#[expect(clippy::disallowed_methods, reason = "this is the one place where time comes in")]
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}

/// How far the clock of this process is ahead.
#[cfg(feature = "shifted-clock")]
#[expect(clippy::disallowed_methods, reason = "a test build's clock has no settings to be read from")]
fn ahead() -> jiff::SignedDuration {
    let seconds = std::env::var_os("CLOCK_AHEAD_SECONDS").and_then(|value| value.to_str()?.parse().ok());
    jiff::SignedDuration::from_secs(seconds.unwrap_or(0))
}

/// The present second, as records store it.
pub fn now_seconds() -> UnixSeconds {
    UnixSeconds::of(now())
}
