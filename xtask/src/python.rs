//! Python environments for the commands, and running what is in them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use local_stack::Python;

use crate::workspace::say;

/// The Python of the environment `name`, made anew whenever its requirements changed.
pub(crate) fn environment(name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    Ok(Python::with_requirements(name, requirements, &say)?.interpreter())
}

/// Runs a command to its end; its own messages go to the terminal.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}
