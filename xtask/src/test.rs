//! `cargo xtask test`: everything that must hold before a change lands.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};

/// Checks format, lints and tests, in the order in which they fail fastest.
#[derive(clap::Args)]
pub(crate) struct Test {}

impl Test {
    /// Runs the checks in turn and stops at the first that fails.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        cargo(&["fmt", "--all", "--check"])?;
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
        cargo(&["test", "--workspace", "--locked"])
    }
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let line = format!("cargo {}", arguments.join(" "));
    announce(&format!("── {line}"));
    let start = Instant::now();
    let status =
        Command::new("cargo").args(arguments).status().with_context(|| format!("cannot start {line}"))?;
    ensure!(status.success(), "{line}: {status}");
    announce(&format!("   {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a command-line tool talks to its user")]
fn announce(line: &str) {
    eprintln!("{line}");
}
