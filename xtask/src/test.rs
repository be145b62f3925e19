//! `cargo xtask test`: everything that must hold before a change lands.
//!
//! On a machine that has Rust, Python 3 and Node only; what else is needed is brought below `target/`.

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

/// The dependency checker, built once into `target/tools`; it is on no package index in binary form.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Check format, lints, dependencies, units, the infrastructure and the deployed whole, and fuzz a little.
#[derive(clap::Args)]
pub(crate) struct Test {}

impl Test {
    /// Runs the checks in turn and stops at the first that fails.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let start = Stopwatch::start();
        cargo(&["fmt", "--all", "--check"])?;
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
        check_dependencies()?;
        Models {}.run()?;
        Template::demo().run()?;
        cargo(&["test", "--workspace", "--locked"])?;
        Fuzz::bounded().run()?;
        Quality::proof().run()?;
        Marks {}.run()?;
        say(&format!("✔  everything holds, after {:.0} s", start.elapsed().as_secs_f64()));
        Ok(())
    }
}

/// Licences, sources, bans and the crates' boundaries (deny.toml); known vulnerabilities where their database can
/// be reached.
fn check_dependencies() -> anyhow::Result<()> {
    let deny = cargo_deny()?;
    let deny = |arguments: &[&str]| run(&mut Command::new(&deny), arguments);
    deny(&["check", "bans", "licenses", "sources"])?;
    if deny(&["fetch", "db"]).is_err() {
        say("   advisories not checked: their database is out of reach");
        return Ok(());
    }
    deny(&["check", "advisories"])
}

fn cargo_deny() -> anyhow::Result<PathBuf> {
    let root = workspace::root().join("target/tools");
    let program = root.join("bin/cargo-deny");
    if !program.exists() {
        say("   cargo-deny is built once, which takes some minutes");
        let root = root.to_str().context("the checkout's path is not UTF-8")?;
        // It runs for seconds: its optimised build would take longer than that saves.
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
    ensure!(status.success(), "{line}: {status}");
    say(&format!("   {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}
