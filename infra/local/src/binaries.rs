//! The function binaries, built by cargo.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::workspace::workspace_root;

/// The functions, by package and binary name.
pub const FUNCTIONS: [&str; 5] = ["purge", "synthesize", "templates", "uploads", "works"];

/// Where each function's binary lies, by the function's name.
pub type Binaries = BTreeMap<String, PathBuf>;

/// Builds every function in the development profile; cargo's progress goes to standard error.
///
/// # Errors
/// When cargo cannot be started or the build fails.
pub fn build_functions() -> anyhow::Result<Binaries> {
    let mut command = Command::new("cargo");
    command.current_dir(workspace_root()).args(["build", "--message-format=json-render-diagnostics"]);
    for name in FUNCTIONS {
        command.args(["--package", name]);
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "the functions do not build");
    let mut binaries = Binaries::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
        {
            binaries.insert(name.to_owned(), path.into());
        }
    }
    for name in FUNCTIONS {
        ensure!(binaries.contains_key(name), "cargo built no binary {name}");
    }
    Ok(binaries)
}
