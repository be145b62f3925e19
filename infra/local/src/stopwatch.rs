//! The only clock of tools and tests: it measures durations and has no time of day.

use std::time::{Duration, Instant};

/// A running stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts a stopwatch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the only clock of tools and tests")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since its start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time from the start of `earlier` to the start of this one.
    #[must_use]
    pub fn after(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0)
    }
}
