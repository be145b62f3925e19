//! Runs our fit and the peer's in turn, on the same photo and template.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::quality::QUIET_MEDIAPIPE;
use crate::quality::table::median;
use crate::registry::sha256_of;
use crate::workspace::say;

/// The number of jobs of which a process reports the medians. The first jobs fill caches, which a warm server has
/// already filled.
const JOBS_PER_RUN: usize = 5;

/// The compared cases; `bench_pictures.py` makes their pictures.
const CASES: [CaseGoals; 3] = [
    CaseGoals {
        name: "12 MP -> 1024x1280",
        photo: "photo-12mp.jpg",
        template: "template-1024x1280.jpg",
        times_cheaper_min: Some(6.0),
        peak_rss_mb_max: Some(110.0),
    },
    CaseGoals {
        name: "48 MP -> 1024x1280",
        photo: "photo-48mp.jpg",
        template: "template-1024x1280.jpg",
        times_cheaper_min: None,
        peak_rss_mb_max: Some(230.0),
    },
    CaseGoals {
        name: "12 MP -> 2048x2560",
        photo: "photo-12mp.jpg",
        template: "template-2048x2560.jpg",
        times_cheaper_min: Some(8.0),
        peak_rss_mb_max: None,
    },
];

/// A case and its goals.
struct CaseGoals {
    name: &'static str,
    photo: &'static str,
    template: &'static str,
    times_cheaper_min: Option<f64>,
    peak_rss_mb_max: Option<f64>,
}

/// The allocator settings of `synthesize` in `infra/template.yaml`: it keeps freed memory. `fit` runs with the same.
const ALLOCATOR: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_TRIM_THRESHOLD_", "268435456")];

/// The two contenders and the number of rounds.
pub(super) struct Contest<'a> {
    pub(super) root: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) python: &'a Path,
    pub(super) fit: &'a Path,
    pub(super) rounds: usize,
}

/// One case's outcome.
#[derive(Serialize)]
pub(super) struct Case {
    name: &'static str,
    ours: Measured,
    peer: Measured,
    /// Median over the rounds of the peer's total over ours.
    times_cheaper: f64,
    /// The same without the peer's time for reading the template: the peer reads it in every job, we once per process.
    times_cheaper_without_template: f64,
}

/// One contender's medians over the rounds: CPU milliseconds, and the largest resident memory of any round.
#[derive(Serialize)]
struct Measured {
    cpu_ms: BTreeMap<String, f64>,
    total_cpu_ms: f64,
    peak_rss_mb: f64,
}

/// One round of one contender.
struct Run {
    cpu_ms: BTreeMap<String, f64>,
    total_cpu_ms: f64,
    peak_rss_mb: f64,
}

#[derive(Deserialize)]
struct PeerReport {
    cpu_ms: BTreeMap<String, f64>,
    total_cpu_ms: f64,
    peak_rss_mb: f64,
}

#[derive(Deserialize)]
struct FitReport {
    stages: BTreeMap<String, Cost>,
    peak_rss_mb: f64,
}

#[derive(Deserialize)]
struct Cost {
    cpu_ms: f64,
}

impl Contest<'_> {
    /// Runs every case; fails if our fit does not write the same bytes every time.
    pub(super) fn run(&self) -> anyhow::Result<Vec<Case>> {
        CASES.iter().map(|goals| self.case(goals)).collect()
    }

    fn case(&self, goals: &CaseGoals) -> anyhow::Result<Case> {
        let CaseGoals { name, photo, template, .. } = *goals;
        let (mut ours, mut peer, mut works) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            say(&format!("  {name}: round {round} of {}", self.rounds));
            let out = self.folder.join("ours.jpg");
            ours.push(self.ours(photo, template, &out)?);
            works.push(sha256_of(&out).context("fit ended without an error but wrote no picture")?);
            peer.push(self.peer(photo, template)?);
        }
        works.dedup();
        ensure!(
            works.len() == 1,
            "{name}: fit made {} different works of the same files; it must be deterministic",
            works.len()
        );
        let ratio = |saved: fn(&Run) -> f64| {
            let pairs = ours.iter().zip(&peer);
            median(pairs.map(|(ours, peer)| (peer.total_cpu_ms - saved(peer)) / ours.total_cpu_ms).collect())
        };
        Ok(Case {
            name,
            times_cheaper: ratio(|_| 0.0),
            times_cheaper_without_template: ratio(|peer| peer.cpu_ms.get("template").copied().unwrap_or(0.0)),
            ours: Measured::of(&ours),
            peer: Measured::of(&peer),
        })
    }

    fn ours(&self, photo: &str, template: &str, out: &Path) -> anyhow::Result<Run> {
        let mut fit = Command::new(self.fit);
        fit.arg(self.folder.join(photo)).arg(self.folder.join(template)).arg(out).arg("--json");
        let report: FitReport = report_of(fit.current_dir(self.root).envs(ALLOCATOR))?;
        let mut cpu_ms: BTreeMap<String, f64> =
            report.stages.into_iter().map(|(stage, cost)| (stage, cost.cpu_ms)).collect();
        let total_cpu_ms = cpu_ms.remove("total").context("fit reported no total time")?;
        Ok(Run { cpu_ms, total_cpu_ms, peak_rss_mb: report.peak_rss_mb })
    }

    fn peer(&self, photo: &str, template: &str) -> anyhow::Result<Run> {
        let mut peer = Command::new(self.python);
        peer.arg(self.root.join("xtask/quality/peer.py"));
        peer.args([photo, template, "peer.jpg"].map(|name| self.folder.join(name)));
        let report: PeerReport = report_of(peer.env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1))?;
        Ok(Run { cpu_ms: report.cpu_ms, total_cpu_ms: report.total_cpu_ms, peak_rss_mb: report.peak_rss_mb })
    }
}

fn report_of<T: for<'a> Deserialize<'a>>(command: &mut Command) -> anyhow::Result<T> {
    let output = command.args(["--repeat", &JOBS_PER_RUN.to_string()]).stdin(Stdio::null()).output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {}: {}", output.status, message.trim());
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Measured {
    fn of(runs: &[Run]) -> Self {
        let stages = runs.first().into_iter().flat_map(|run| run.cpu_ms.keys());
        let stage_median =
            |stage: &String| median(runs.iter().filter_map(|run| run.cpu_ms.get(stage)).copied().collect());
        Self {
            cpu_ms: stages.map(|stage| (stage.clone(), stage_median(stage))).collect(),
            total_cpu_ms: median(runs.iter().map(|run| run.total_cpu_ms).collect()),
            peak_rss_mb: runs.iter().map(|run| run.peak_rss_mb).fold(0.0, f64::max),
        }
    }

    fn stages(&self) -> String {
        self.cpu_ms.iter().map(|(stage, ms)| format!("{stage} {ms:.1}")).collect::<Vec<_>>().join(", ")
    }
}

/// Describes each goal that a case missed; empty when every case met its goals.
pub(super) fn shortfalls(cases: &[Case]) -> Vec<String> {
    let mut short = Vec::new();
    for (CaseGoals { name, times_cheaper_min, peak_rss_mb_max, .. }, case) in CASES.iter().zip(cases) {
        if let Some(min) = times_cheaper_min.filter(|&min| case.times_cheaper < min) {
            short.push(format!("{name}: {:.1} times cheaper, the goal is {min}", case.times_cheaper));
        }
        if let Some(max) = peak_rss_mb_max.filter(|&max| case.ours.peak_rss_mb > max) {
            short.push(format!("{name}: {:.0} MB, the goal is at most {max}", case.ours.peak_rss_mb));
        }
    }
    short
}

/// Prints the cases to stdout.
#[expect(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(cases: &[Case]) {
    for Case { name, ours, peer, times_cheaper, times_cheaper_without_template } in cases {
        println!(
            "\n{name}: {times_cheaper:.1} times cheaper, {times_cheaper_without_template:.1} without the peer's \
             template (CPU ms by stage, medians)"
        );
        for (who, measured) in [("ours", ours), ("peer", peer)] {
            let Measured { total_cpu_ms, peak_rss_mb, .. } = measured;
            println!("  {who}: {total_cpu_ms:.1} ms, peak {peak_rss_mb:.0} MB = {}", measured.stages());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_has_the_allocator_settings_of_the_function() {
        let template = include_str!("../../../infra/template.yaml");
        for (name, value) in ALLOCATOR {
            assert!(
                template.contains(&format!("{name}: \"{value}\"")),
                "infra/template.yaml sets {name} to another value"
            );
        }
    }
}
