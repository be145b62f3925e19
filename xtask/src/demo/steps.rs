//! Prints a command's steps to standard error, each with the time it took.

use local_stack::Stopwatch;

use crate::workspace::say;

/// Times a run and its current step.
pub(crate) struct Steps {
    run: Stopwatch,
    step: Option<Stopwatch>,
}

impl Steps {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self { run: Stopwatch::start(), step: None }
    }

    /// Ends the current step and starts the next; prints both.
    pub(crate) fn next(&mut self, step: &str) {
        self.close();
        self.step = Some(Stopwatch::start());
        say(&format!("── {step}"));
    }

    /// Ends the last step; prints the total time and the outcome.
    pub(crate) fn end(&mut self, outcome: &str) {
        self.close();
        say(&format!("✔  Done in {:.1} s: {outcome}", self.run.elapsed().as_secs_f64()));
    }

    fn close(&mut self) {
        if let Some(step) = self.step.take() {
            say(&format!("   {:.2} s", step.elapsed().as_secs_f64()));
        }
    }
}
