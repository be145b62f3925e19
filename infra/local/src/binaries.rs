//! The workspace's binaries, built by cargo.

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

/// Where each function's binary lies, by the function's name.
pub type Binaries = BTreeMap<String, PathBuf>;

/// The functions that write where others may come in between, and the features with which tests end, pause and set
/// ahead the clock of each.
const FAULTY: [&str; 8] =
    ["account", "deletion-requests", "erase", "favorites", "purge", "synthesize", "uploads", "works"];
const FAULTS: [&str; 2] = ["kill-points", "shifted-clock"];

/// Cargo, at the top of the checkout, as if started from a shell.
///
/// What cargo runs inherits variables about the package it runs, and build scripts that ask for them (such as
/// ring's) would take the change for a reason to compile themselves and all that rests on them anew.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new("cargo");
    without_package_variables(&mut command);
    command.current_dir(workspace_root());
    command
}

/// Takes the variables about the running package out of a command that will start cargo.
#[expect(
    clippy::disallowed_methods,
    reason = "the names of what a child process inherits are found nowhere else"
)]
pub(crate) fn without_package_variables(command: &mut Command) {
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

/// Builds every function in the development profile; cargo's progress goes to standard error.
///
/// # Errors
/// When cargo cannot be started or the build fails.
pub fn build_functions() -> anyhow::Result<Binaries> {
    build(&FUNCTIONS, &[])
}

/// Builds the functions that can be made to fail (see `kill_points.rs` and `clock.rs`) and puts their binaries into
/// a folder of their own, because the next build of the plain ones takes their place.
///
/// # Errors
/// As [`build_functions`], or when they cannot be copied.
pub fn build_faulty_functions() -> anyhow::Result<Binaries> {
    let features = FAULTY.iter().flat_map(|name| FAULTS.map(|fault| format!("{name}/{fault}")));
    let features = features.collect::<Vec<_>>().join(",");
    let directory = local_directory("faulty-functions");
    fs::create_dir_all(&directory)?;
    let mut binaries = build(&FAULTY, &["--features", &features])?;
    for (name, path) in &mut binaries {
        let copy = directory.join(name);
        fs::copy(&*path, &copy).with_context(|| copy.display().to_string())?;
        *path = copy;
    }
    Ok(binaries)
}

/// Builds these binaries of the workspace in the development profile.
///
/// # Errors
/// As [`build_functions`].
pub fn build_binaries(names: &[&str]) -> anyhow::Result<Binaries> {
    build(names, &[])
}

/// Builds all of the workspace and picks these. Cargo unites the features of what it builds at once: for a choice
/// of packages it would compile the inference engine and the AWS SDK anew.
fn build(names: &[&str], options: &[&str]) -> anyhow::Result<Binaries> {
    let output = cargo()
        .args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"])
        .args(options)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    ensure!(output.status.success(), "the workspace does not build");
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
