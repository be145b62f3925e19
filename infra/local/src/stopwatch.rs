//! The one clock of tools and tests: it measures how long something takes, and tells no time of day.

use std::time::{Duration, Instant};

/// A running stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "tools and tests measure and wait with this clock alone")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has run.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// How long after `earlier` it was started.
    #[must_use]
    pub fn after(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0)
    }
}
