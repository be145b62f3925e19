//! Builds the workspace's binaries with cargo.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::workspace::{local_directory, workspace_root};

/// The functions, by package and binary name.
pub const FUNCTIONS: [&str; 9] = [
    "account",
    "deletion-requests",
    "erase",
    "favorites",
    "purge",
    "synthesize",
    "templates",
    "uploads",
    "works",
];

/// The path of each program, by its name.
pub type Binaries = BTreeMap<String, PathBuf>;

/// The functions whose writes another process may interrupt, and the features with which tests kill them, pause them
/// and set their clock ahead.
const FUNCTIONS_WITH_FAULTS: [&str; 8] =
    ["account", "deletion-requests", "erase", "favorites", "purge", "synthesize", "uploads", "works"];
const FAULTS: [&str; 2] = ["kill-points", "shifted-clock"];

/// Makes a cargo command that runs at the top of the checkout, as if started from a shell.
///
/// A program that cargo runs inherits variables about its package. Build scripts that read them (such as ring's) would
/// see a change, and cargo would compile their packages and all dependents again.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    remove_package_variables(&mut command);
    command.current_dir(workspace_root());
    command
}

/// Removes the variables about the running package from a command that starts cargo.
#[expect(
    clippy::disallowed_methods,
    reason = "only the process environment has the names of the inherited variables"
)]
pub(crate) fn remove_package_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PACKAGE_VARIABLES.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
}

/// Prefixes of the variables that tell a program about its own package (The Cargo Book, "Environment variables
/// Cargo sets for crates").
const PACKAGE_VARIABLES: [&str; 5] =
    ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_PRIMARY_"];

/// Builds every function with the development profile. Cargo's progress goes to standard error.
///
/// # Errors
/// When cargo cannot be started or the build fails.
pub fn build_functions() -> anyhow::Result<Binaries> {
    build(&FUNCTIONS, &[])
}

/// Builds the functions with fault injection (see `kill_points.rs` and `clock.rs`) and copies their binaries to a
/// separate folder, because the next build without fault injection overwrites them.
///
/// # Errors
/// As [`build_functions`], or when a binary cannot be copied.
pub fn build_functions_with_faults() -> anyhow::Result<Binaries> {
    let features =
        FUNCTIONS_WITH_FAULTS.iter().flat_map(|name| FAULTS.map(|fault| format!("{name}/{fault}")));
    let features = features.collect::<Vec<_>>().join(",");
    let directory = local_directory("faulty-functions");
    fs::create_dir_all(&directory)?;
    let mut binaries = build(&FUNCTIONS_WITH_FAULTS, &["--features", &features])?;
    for (name, path) in &mut binaries {
        let copy = directory.join(name);
        fs::copy(&*path, &copy).with_context(|| copy.display().to_string())?;
        *path = copy;
    }
    Ok(binaries)
}

/// Builds these binaries of the workspace with the development profile.
///
/// # Errors
/// As [`build_functions`].
pub fn build_binaries(names: &[&str]) -> anyhow::Result<Binaries> {
    build(names, &[])
}

/// Builds these binaries. `--workspace` makes cargo unify the features of all packages: for a selection of packages it
/// would compile the inference engine and the AWS SDK again. `--bin` leaves out what these binaries do not need.
fn build(names: &[&str], options: &[&str]) -> anyhow::Result<Binaries> {
    let output = cargo()
        .args(["build", "--workspace", "--message-format=json-render-diagnostics"])
        .args(names.iter().flat_map(|name| ["--bin", name]))
        .args(options)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo could not build the programs; the compiler's messages are above");
    let mut binaries = Binaries::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str())
            && names.contains(&name)
        {
            binaries.insert(name.to_owned(), path.into());
        }
    }
    for name in names {
        ensure!(binaries.contains_key(*name), "cargo built no binary {name}");
    }
    Ok(binaries)
}
