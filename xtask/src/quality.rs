//! `cargo xtask quality`: compares our works with those of the usual pipeline (MediaPipe and OpenCV) by score.
//!
//! The scores and their formulas are in `xtask/quality/metrics.py`. This module chooses the pairs, runs both
//! contenders, and prints which one is better by which score. `cargo xtask gallery` shows the same pictures.

pub(crate) mod contenders;
pub(crate) mod pairs;
pub(crate) mod scores;
pub(crate) mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::python;
use crate::workspace::{self, say};
use contenders::Contenders;
use pairs::Which;

/// The environment variable and value that suppress the start-up messages of MediaPipe's native code.
pub(crate) const QUIET_MEDIAPIPE: (&str, &str) = ("GLOG_minloglevel", "3");

/// Score our fits and the usual peer's on every pair of test pictures, without a reference picture.
#[derive(clap::Args)]
pub(crate) struct Quality {
    /// Also write all measurements to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail if a goal is missed: as good as the peer in 85 % of the pairs, and the prototype's medians.
    #[arg(long)]
    check: bool,
    /// Which pairs to score.
    #[arg(long, value_enum, default_value_t = Which::All)]
    pairs: Which,
    /// Test the scores instead: pictures that are spoiled on purpose must score worse.
    #[arg(long)]
    self_check: bool,
}

impl Quality {
    /// The command with `--self-check`, as `cargo xtask test` runs it.
    pub(crate) fn self_check_only() -> Self {
        Self { json: None, check: false, pairs: Which::All, self_check: true }
    }

    pub(crate) fn run(self) -> anyhow::Result<()> {
        let contenders = Contenders::prepare(workspace::root())?;
        if self.self_check { self_check(&contenders) } else { self.compare(&contenders) }
    }

    fn compare(&self, contenders: &Contenders) -> anyhow::Result<()> {
        let pairs = contenders.manifest.pairs(self.pairs);
        let drawn = contenders.draw(&pairs)?;
        let scored = scores::score(contenders, &drawn)?;
        table::print(&scored);
        if let Some(path) = &self.json {
            let everything = json!({ "measured": &scored, "summary": table::summaries(&scored) });
            fs::write(path, serde_json::to_vec_pretty(&everything)?).context(path.display().to_string())?;
            say(&format!("written to {}", path.display()));
        }
        let short = table::shortfalls(&scored);
        ensure!(!self.check || short.is_empty(), "goals missed: {}", short.join("; "));
        Ok(())
    }
}

/// Spoils our works of the self-check pairs; fails unless every score detects the fault that it measures.
fn self_check(contenders: &Contenders) -> anyhow::Result<()> {
    let mut fits = Vec::new();
    for pair in &contenders.manifest.self_check_pairs() {
        let drawn = contenders.ours(pair)?;
        let result = drawn.path().with_context(|| format!("fit declined the self-check pair {pair}"))?;
        fits.push(json!({
            "photo": contenders.picture(&pair.photo),
            "template": contenders.picture(&pair.template),
            "result": result,
        }));
    }
    let people: BTreeMap<PathBuf, &str> =
        contenders.manifest.people().map(|(picture, person)| (contenders.picture(picture), person)).collect();
    let file = contenders.folder.join("self-check.json");
    fs::write(&file, serde_json::to_vec(&json!({ "people": people, "fits": fits }))?)?;
    let mut script = Command::new(&contenders.python);
    script.arg(contenders.script("known_bad.py")).arg("--embedder").arg(&contenders.embedder).arg(file);
    python::run(script.env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1))
}
