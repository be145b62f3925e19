//! Scores both contenders' pictures with `xtask/quality/score.py`.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::ensure;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::QUIET_MEDIAPIPE;
use super::contenders::{Contenders, Drawn, DrawnPair};
use super::pairs::Pair;

/// One picture's scores; units and formulas are in `metrics.py`.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scores {
    pub(crate) id_photo: f64,
    pub(crate) id_template: f64,
    pub(crate) landmarks: f64,
    pub(crate) placement: f64,
    pub(crate) seam: f64,
    pub(crate) tone: f64,
    pub(crate) fringe: f64,
    pub(crate) sharpness: f64,
    pub(crate) background: f64,
}

/// One column of the table.
pub(crate) struct Score {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) of: fn(&Scores) -> f64,
    /// Whether lower is always better; the other scores only describe.
    pub(crate) is_fault: bool,
}

/// The columns, in order.
pub(crate) const SCORES: [Score; 9] = [
    Score { name: "id_photo", unit: "-", of: |s| s.id_photo, is_fault: true },
    Score { name: "id_template", unit: "-", of: |s| s.id_template, is_fault: false },
    Score { name: "landmarks", unit: "% iod", of: |s| s.landmarks, is_fault: true },
    Score { name: "placement", unit: "% iod", of: |s| s.placement, is_fault: false },
    Score { name: "seam", unit: "dE", of: |s| s.seam, is_fault: true },
    Score { name: "tone", unit: "dE", of: |s| s.tone, is_fault: true },
    Score { name: "fringe", unit: "dE", of: |s| s.fringe, is_fault: true },
    Score { name: "sharpness", unit: "%", of: |s| s.sharpness, is_fault: true },
    Score { name: "background", unit: "level", of: |s| s.background, is_fault: true },
];

/// All measurements.
#[derive(Serialize)]
pub(crate) struct Scored {
    /// Differences below these are ties.
    pub(crate) resolution: Scores,
    pub(crate) pairs: Vec<ScoredPair>,
}

/// One pair's scores. A contender has none if it declined the photo, or if its picture shows no face.
#[derive(Serialize)]
pub(crate) struct ScoredPair {
    #[serde(flatten)]
    pub(crate) pair: Pair,
    pub(crate) ours: Option<Scores>,
    pub(crate) peer: Option<Scores>,
    /// The reason why our fit declined the photo.
    pub(crate) refused: Option<String>,
}

#[derive(Deserialize)]
struct Report {
    resolution: Scores,
    pairs: Vec<ReportedPair>,
}

#[derive(Deserialize)]
struct ReportedPair {
    ours: Option<Scores>,
    peer: Option<Scores>,
}

/// Scores the drawn pairs.
pub(crate) fn score(contenders: &Contenders, drawn: &[DrawnPair]) -> anyhow::Result<Scored> {
    let jobs: Vec<Value> = drawn.iter().map(|pair| job(contenders, pair)).collect();
    let file = contenders.folder.join("jobs.json");
    fs::write(&file, serde_json::to_vec(&jobs)?)?;
    let mut script = Command::new(&contenders.python);
    script.arg(contenders.script("score.py")).arg("--embedder").arg(&contenders.embedder).arg(file);
    let output = script.env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1).stdin(Stdio::null()).output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "score.py failed: {}", message.trim());
    let report: Report = serde_json::from_slice(&output.stdout)?;
    ensure!(
        report.pairs.len() == drawn.len(),
        "score.py scored {} of {} pairs",
        report.pairs.len(),
        drawn.len()
    );
    let together = |(drawn, scores): (&DrawnPair, ReportedPair)| ScoredPair {
        pair: drawn.pair.clone(),
        ours: scores.ours,
        peer: scores.peer,
        refused: match &drawn.ours {
            Drawn::Declined(reason) => Some(reason.clone()),
            Drawn::Picture(_) => None,
        },
    };
    let pairs = drawn.iter().zip(report.pairs).map(together).collect();
    Ok(Scored { resolution: report.resolution, pairs })
}

fn job(contenders: &Contenders, drawn: &DrawnPair) -> Value {
    let mut results = serde_json::Map::new();
    for (name, answer) in [("ours", &drawn.ours), ("peer", &drawn.peer)] {
        if let Some(path) = answer.path() {
            results.insert(name.to_owned(), json!(path));
        }
    }
    json!({
        "photo": contenders.picture(&drawn.pair.photo),
        "template": contenders.picture(&drawn.pair.template),
        "results": results,
    })
}
