//! `cargo xtask fuzz`: runs coverage-guided fuzzing on the parsers of untrusted bytes.
//!
//! Without `--minutes` the run is bounded: only the workspace's own crates are instrumented, their dependencies are
//! those of the other tests, and the same seed gives the same inputs. With `--minutes` cargo-fuzz builds everything
//! with coverage and the address sanitizer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::python::run;
use crate::workspace::{self, say};

/// The fuzz targets; `tests/fuzz/fuzz_targets` has a file for each.
const TARGETS: [Target; 8] = [
    Target { name: "jpeg", runs: 10_000, bytes_max: 8192 },
    Target { name: "photo", runs: 10_000, bytes_max: 8192 },
    Target { name: "exif", runs: 50_000, bytes_max: 1024 },
    Target { name: "icc", runs: 10_000, bytes_max: 8192 },
    Target { name: "event", runs: 20_000, bytes_max: 4096 },
    Target { name: "cursor", runs: 100_000, bytes_max: 256 },
    Target { name: "body", runs: 50_000, bytes_max: 1024 },
    Target { name: "receipt", runs: 10_000, bytes_max: 2048 },
];

/// The seed of a bounded run.
const SEED: u32 = 1;

/// The longest time for one input, in seconds; a hundred times what the slowest seed takes.
const INPUT_SECONDS_MAX: u32 = 10;

/// The most memory for a target, in MB. The limits of `tests/fuzz/src/lib.rs` need a tenth of it.
const MEMORY_MB_MAX: u32 = 1024;

/// The version of cargo-fuzz that long runs use, built once into `target/tools`.
const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Fuzz the parsers of untrusted bytes.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// The targets to fuzz [default: all].
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(TARGETS.map(|target| target.name)))]
    targets: Vec<String>,
    /// Minutes to fuzz each target, with all code instrumented [default: a bounded number of inputs instead].
    #[arg(long)]
    minutes: Option<u32>,
}

struct Target {
    name: &'static str,
    /// The number of inputs in a bounded run.
    runs: u32,
    /// The longest input, in bytes.
    bytes_max: u32,
}

impl Fuzz {
    /// The bounded run of all targets, as `cargo xtask test` starts it.
    pub(crate) fn bounded() -> Self {
        Self { targets: Vec::new(), minutes: None }
    }

    /// Fuzzes one target after the other and stops at the first input that makes one fail.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = workspace::root();
        let folder = root.join("target/fuzz");
        let is_wanted =
            |target: &&Target| self.targets.is_empty() || self.targets.iter().any(|name| name == target.name);
        let programs = build(root)?;
        let seeds = local_stack::build_binaries(&["seeds"])?;
        run(Command::new(&seeds["seeds"]).args([&folder.join("seeds"), &root.join("events")]))?;
        for target in TARGETS.iter().filter(is_wanted) {
            let name = target.name;
            say(&format!("── fuzz {name}"));
            let folders = target.folders(&folder, self.minutes.is_some())?;
            let mut command = match self.minutes {
                None => Command::new(programs.join(target.program())),
                Some(_) => long_run(root, target)?,
            };
            command.args(folders);
            if self.minutes.is_some() {
                command.arg("--");
            }
            command.args(target.options(&folder, self.minutes));
            run(command.current_dir(root)).with_context(|| {
                let program = programs.join(target.program());
                format!(
                    "the fuzz target {name} failed; the input is in target/fuzz, and `{} FILE` repeats the failure",
                    program.display()
                )
            })?;
        }
        Ok(())
    }
}

impl Target {
    fn program(&self) -> String {
        format!("fuzz_{}", self.name)
    }

    /// The folders of the corpus, which grows, and of the seeds. A bounded run starts from the seeds alone, so that
    /// every run does the same.
    fn folders(&self, folder: &Path, is_long: bool) -> anyhow::Result<[PathBuf; 2]> {
        let corpus = folder.join(if is_long { "corpus" } else { "bounded" }).join(self.name);
        if !is_long && corpus.exists() {
            fs::remove_dir_all(&corpus)?;
        }
        fs::create_dir_all(&corpus)?;
        Ok([corpus, folder.join("seeds").join(self.name)])
    }

    /// libFuzzer's options (LLVM documentation, "libFuzzer", "Options").
    fn options(&self, folder: &Path, minutes: Option<u32>) -> Vec<String> {
        let extent = match minutes {
            None => format!("-runs={}", self.runs),
            Some(minutes) => format!("-max_total_time={}", minutes * 60),
        };
        vec![
            extent,
            format!("-artifact_prefix={}/{}-", folder.display(), self.name),
            format!("-seed={SEED}"),
            format!("-max_len={}", self.bytes_max),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-rss_limit_mb={MEMORY_MB_MAX}"),
            // The leak detector reports glibc's list of thread-local destructors in every program that has one.
            "-detect_leaks=0".to_owned(),
            "-print_final_stats=1".to_owned(),
            "-print_funcs=0".to_owned(),
            "-verbosity=0".to_owned(),
        ]
    }
}

/// Builds all targets with the workspace's crates instrumented; returns the folder of the programs.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = local_stack::cargo();
    // Building the whole workspace gives the dependencies the same features as in the tests.
    cargo.args(["build", "--locked", "--workspace", "--features", "fuzz/libfuzzer"]);
    for target in &TARGETS {
        cargo.args(["--bin", &target.program()]);
    }
    cargo.env("RUSTC_WORKSPACE_WRAPPER", root.join("tests/fuzz/instrumented-rustc"));
    run(&mut cargo)?;
    Ok(root.join("target/debug"))
}

/// The cargo-fuzz command, which compiles everything with instrumentation and runs the target.
fn long_run(root: &Path, target: &Target) -> anyhow::Result<Command> {
    let tools = root.join("target/tools");
    let program = tools.join("bin/cargo-fuzz");
    if !program.exists() {
        say("   building cargo-fuzz, once; this takes a minute");
        let mut cargo = local_stack::cargo();
        cargo
            .args(["install", "cargo-fuzz", "--version", CARGO_FUZZ_VERSION, "--locked", "--root"])
            .arg(&tools);
        run(&mut cargo)?;
    }
    ensure!(program.exists(), "cargo install succeeded, but cargo-fuzz is not in target/tools/bin");
    let mut command = Command::new(program);
    // The sanitizer is a flag of the nightly compiler; this makes the pinned compiler accept it.
    command.env("RUSTC_BOOTSTRAP", "1");
    command.args(["fuzz", "run", "--features", "libfuzzer", "--fuzz-dir", "tests/fuzz", &target.program()]);
    command.arg("--target-dir").arg(root.join("target/fuzz/build"));
    Ok(command)
}
