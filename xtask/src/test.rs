//! `cargo xtask test`: runs every check that a change must pass before it is merged.
//!
//! Needs only Rust, Python 3 and Node; everything else is installed below `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use local_stack::Stopwatch;

use crate::fuzz::Fuzz;
use crate::marks::Marks;
use crate::models::Models;
use crate::quality::Quality;
use crate::template::Template;
use crate::workspace::{self, say};

/// The version of the dependency checker. It is built once into `target/tools`: no package index offers a binary.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Run every check: format, lints, dependencies, unit tests, infrastructure, the deployed service, a short fuzz run.
#[derive(clap::Args)]
pub(crate) struct Test {}

impl Test {
    /// Runs the checks in order and stops at the first that fails.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let start = Stopwatch::start();
        cargo(&["fmt", "--all", "--check"])?;
        // The feature makes cargo check the fuzz targets too.
        let everything = ["--workspace", "--all-targets", "--features", "fuzz/libfuzzer", "--locked"];
        cargo(&[&["clippy"][..], &everything, &["--", "-D", "warnings"]].concat())?;
        check_dependencies()?;
        Models {}.run()?;
        Template::demo().run()?;
        cargo(&["test", "--workspace", "--locked"])?;
        Fuzz::bounded().run()?;
        Quality::self_check_only().run()?;
        Marks {}.run()?;
        say(&format!("✔  all checks passed in {:.0} s", start.elapsed().as_secs_f64()));
        Ok(())
    }
}

/// Checks licences, sources, bans and crate boundaries (deny.toml), and known vulnerabilities if their database can be
/// reached.
fn check_dependencies() -> anyhow::Result<()> {
    let deny = cargo_deny()?;
    let deny = |arguments: &[&str]| run(&mut Command::new(&deny), arguments);
    deny(&["check", "bans", "licenses", "sources"])?;
    if deny(&["fetch", "db"]).is_err() {
        say("   known vulnerabilities were not checked: the advisory database cannot be reached");
        return Ok(());
    }
    deny(&["check", "advisories"])
}

fn cargo_deny() -> anyhow::Result<PathBuf> {
    let root = workspace::root().join("target/tools");
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        say("   building cargo-deny, once; this takes some minutes");
        let root = root.to_str().context("the path of the checkout is not UTF-8")?;
        // It runs for seconds: an optimised build would take longer than it saves.
        let version = ["--version", CARGO_DENY_VERSION, "--locked", "--debug"];
        cargo(&[&["install", "cargo-deny"][..], &version, &["--root", root]].concat())?;
    }
    Ok(program)
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run(&mut local_stack::cargo(), arguments)
}

fn run(program: &mut Command, arguments: &[&str]) -> anyhow::Result<()> {
    let name = Path::new(program.get_program()).file_name().unwrap_or_default().display().to_string();
    let line = format!("{name} {}", arguments.join(" "));
    say(&format!("── {line}"));
    let start = Stopwatch::start();
    let status = program
        .args(arguments)
        .current_dir(workspace::root())
        .status()
        .with_context(|| format!("cannot start {line}"))?;
    ensure!(status.success(), "{line} failed: {status}; its messages are above");
    say(&format!("   {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}
