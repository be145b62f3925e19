//! Measures the time from the start of `synthesize`'s process to its first poll for an event, and its memory at that
//! point. It loads the models in between.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use local_stack::FunctionProcess;
use serde::Serialize;

use crate::quality::table::median;
use crate::workspace::say;

/// The number of measured starts.
const STARTS: usize = 9;

/// The longest median start time, in milliseconds: a cold start waits this long until the models are loaded.
const START_GOAL_MS: f64 = 150.0;

/// The time after which a start counts as failed.
const START_MAX: Duration = Duration::from_secs(20);

/// The time and memory of the starts.
#[derive(Serialize)]
pub(super) struct Starts {
    median_ms: f64,
    fastest_ms: f64,
    rss_mb: f64,
}

/// Starts `binary` several times. Its settings name nothing real: it uses none of them before the first event.
pub(super) fn measure(root: &Path, binary: &Path) -> anyhow::Result<Starts> {
    say("  starting synthesize");
    let models = root.join("models/weights");
    let environment = [
        ("MODELS_DIR", models.display().to_string()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "none".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "none".to_owned()),
        ("UPLOADS_BUCKET", "none".to_owned()),
        ("WORKS_BUCKET", "none".to_owned()),
        ("TEMPLATES_BUCKET", "none".to_owned()),
        ("RECORDS_TABLE", "none".to_owned()),
        ("STORAGE_KEY", "none".to_owned()),
        ("WORK_PERIOD_DAYS", "30".to_owned()),
        ("VISIBLE_LABEL", "false".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let (mut times, mut rss_mb) = (Vec::new(), 0.0_f64);
    for _ in 0..STARTS {
        let mut process = FunctionProcess::start(binary, &environment)?;
        times.push(process.wait_until_ready(START_MAX)?.as_secs_f64() * 1e3);
        rss_mb = rss_mb.max(resident_mb(process.process_id())?);
    }
    let fastest_ms = times.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(Starts { median_ms: median(times), fastest_ms, rss_mb })
}

/// The peak resident memory of a process so far, as the kernel counts it (`VmHWM`).
fn resident_mb(process_id: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("the kernel reports no VmHWM for the process")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

impl Starts {
    /// Describes the goal if the starts missed it.
    pub(super) fn shortfall(&self) -> Option<String> {
        (self.median_ms > START_GOAL_MS)
            .then(|| format!("start: {:.0} ms, the goal is at most {START_GOAL_MS}", self.median_ms))
    }
}

/// Prints the measurements of the starts to stdout.
#[expect(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(starts: &Starts) {
    let Starts { median_ms, fastest_ms, rss_mb } = starts;
    println!(
        "\nsynthesize, process start to first poll with models loaded: median {median_ms:.0} ms, \
         fastest {fastest_ms:.0} ms, {rss_mb:.0} MB"
    );
}
