//! `cargo xtask bench`: measures CPU time and memory of our fit and of the usual peer, and the start time of
//! `synthesize`.
//!
//! Both contenders take turns on one core and count their own process-CPU time, so that a busy machine disturbs both
//! equally. Ratios are taken between neighbouring runs.

mod contest;
mod setup;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::json;

use crate::python;
use crate::quality::contenders::{build, environment};
use crate::workspace::{self, say};
use crate::{models, quality};

/// Measure CPU time and memory of our fit and of the usual peer, and the start time of `synthesize`.
#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Also write all measurements to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Cargo profile of `fit` and `synthesize`; `dev` optimises the pixel kernels but not the linking.
    #[arg(long, default_value = "release")]
    profile: String,
    /// The number of rounds; each contender runs once in a round.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Fail if a goal is missed: a sixth and an eighth of the peer's time, 110 and 230 MB, 150 ms to start.
    #[arg(long)]
    check: bool,
    /// Measure instead what a first `cargo xtask demo` compiles: CPU time, wall time and disk space.
    #[arg(long, exclusive = true)]
    setup: bool,
    /// The CPU core that both contenders are pinned to.
    #[arg(long, default_value_t = 0)]
    core: usize,
}

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.setup {
            return setup::measure();
        }
        let root = workspace::root();
        models::fetch_models(root)?;
        models::fetch_pictures(root)?;
        let python = environment(root)?;
        let folder = root.join("target/bench");
        make_pictures(root, &python, &folder)?;
        let fit = build("fit", &self.profile)?;
        let synthesize = build("synthesize", &self.profile)?;

        pin_to(self.core)?;
        let starts = start::measure(root, &synthesize)?;
        let contest =
            contest::Contest { root, folder: &folder, python: &python, fit: &fit, rounds: self.rounds };
        let cases = contest.run()?;
        say(&format!("profile {}, core {}, {} rounds", self.profile, self.core, self.rounds));
        contest::print(&cases);
        start::print(&starts);
        if let Some(path) = self.json {
            let everything = json!({ "profile": self.profile, "cases": cases, "start": starts });
            fs::write(&path, serde_json::to_vec_pretty(&everything)?).context(path.display().to_string())?;
            say(&format!("written to {}", path.display()));
        }
        let short: Vec<String> = contest::shortfalls(&cases).into_iter().chain(starts.shortfall()).collect();
        anyhow::ensure!(!self.check || short.is_empty(), "goals missed: {}", short.join("; "));
        Ok(())
    }
}

fn make_pictures(root: &Path, python: &Path, folder: &Path) -> anyhow::Result<()> {
    say("  making the pictures");
    let pictures = root.join("target/pictures");
    let mut script = Command::new(python);
    script.arg(root.join("xtask/quality/bench_pictures.py"));
    script.args([pictures.join("obama.jpg"), pictures.join("joconde.jpg"), folder.to_owned()]);
    python::run(script.env(quality::QUIET_MEDIAPIPE.0, quality::QUIET_MEDIAPIPE.1))
}

/// Pins this process to one core, and with it every process that it starts afterwards.
fn pin_to(core: usize) -> anyhow::Result<()> {
    let mut taskset = Command::new("taskset");
    taskset.args(["--all-tasks", "--cpu-list", "--pid", &core.to_string(), &std::process::id().to_string()]);
    let output = taskset.output().context("cannot start taskset")?;
    anyhow::ensure!(
        output.status.success(),
        "taskset could not pin the process to the core: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}
