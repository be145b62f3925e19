//! The only clock. Everything below `main.rs` gets the time as an argument.
//!
//! In test builds (`--features shifted-clock`) the clock is `CLOCK_AHEAD_SECONDS` ahead, so that tests can observe
//! what is due in a month.

use domain::UnixSeconds;
use jiff::Timestamp;

/// Returns the current time.
pub fn now() -> Timestamp {
    let now = real_now();
    #[cfg(feature = "shifted-clock")]
    let now = now.saturating_add(ahead()).unwrap_or(Timestamp::MAX);
    now
}

/// Returns the current time by the real clock, which is never set ahead. Lambda's time limits follow this clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}

/// Returns how far the clock of this process is set ahead.
#[cfg(feature = "shifted-clock")]
#[expect(clippy::disallowed_methods, reason = "test builds only; the clock has no access to `Settings`")]
fn ahead() -> jiff::SignedDuration {
    let seconds = std::env::var_os("CLOCK_AHEAD_SECONDS").and_then(|value| value.to_str()?.parse().ok());
    jiff::SignedDuration::from_secs(seconds.unwrap_or(0))
}

/// Returns the current second, in the form that records store.
pub fn now_seconds() -> UnixSeconds {
    UnixSeconds::of(now())
}
