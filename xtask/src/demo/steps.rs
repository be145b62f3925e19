//! Steps on standard error, each with the time it took.

use local_stack::Stopwatch;

use crate::workspace::say;

/// The clock of a run.
pub(crate) struct Steps {
    run: Stopwatch,
    step: Option<Stopwatch>,
}

impl Steps {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { run: Stopwatch::start(), step: None }
    }

    /// Ends the step before and names the next.
    pub(crate) fn next(&mut self, step: &str) {
        self.close();
        self.step = Some(Stopwatch::start());
        say(&format!("── {step}"));
    }

    /// Ends the last step and says what came of it all.
    pub(crate) fn end(&mut self, outcome: &str) {
        self.close();
        say(&format!("✔  {:.1} s in all: {outcome}", self.run.elapsed().as_secs_f64()));
    }

    fn close(&mut self) {
        if let Some(step) = self.step.take() {
            say(&format!("   {:.2} s", step.elapsed().as_secs_f64()));
        }
    }
}
