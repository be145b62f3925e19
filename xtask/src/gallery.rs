//! `cargo xtask gallery`: draws all results side by side, because scores do not replace a look at the pictures.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::python;
use crate::quality::QUIET_MEDIAPIPE;
use crate::quality::contenders::{Contenders, Drawn, DrawnPair};
use crate::quality::pairs::Which;
use crate::quality::scores::{self, ScoredPair};
use crate::workspace::{self, say};

/// Draw one contact sheet: for every pair the photo, the template, the peer's result and ours, with their scores.
#[derive(clap::Args)]
pub(crate) struct Gallery {
    /// The PNG file to write [default: target/gallery.png].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which pairs to show.
    #[arg(long, value_enum, default_value_t = Which::Tuned)]
    pairs: Which,
}

impl Gallery {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = workspace::root();
        let contenders = Contenders::prepare(root)?;
        let drawn = contenders.draw(&contenders.manifest.pairs(self.pairs))?;
        let scored = scores::score(&contenders, &drawn)?;
        let rows: Vec<Value> =
            drawn.iter().zip(&scored.pairs).map(|(drawn, scored)| row(&contenders, drawn, scored)).collect();
        let file = contenders.folder.join("gallery.json");
        fs::write(&file, serde_json::to_vec(&rows)?)?;
        let out = self.out.unwrap_or_else(|| root.join("target/gallery.png"));
        let mut script = Command::new(&contenders.python);
        script.arg(contenders.script("gallery.py")).arg(file).arg(&out);
        python::run(script.env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1))?;
        say(&format!("the contact sheet is {}", out.display()));
        Ok(())
    }
}

fn row(contenders: &Contenders, drawn: &DrawnPair, scored: &ScoredPair) -> Value {
    let cell = |answer: &Drawn, scores: Value| match answer {
        Drawn::Picture(path) => json!({ "picture": path, "scores": scores }),
        Drawn::Declined(reason) => json!({ "declined": reason }),
    };
    json!({
        "title": drawn.pair.to_string(),
        "photo": contenders.picture(&drawn.pair.photo),
        "template": contenders.picture(&drawn.pair.template),
        "peer": cell(&drawn.peer, json!(scored.peer)),
        "ours": cell(&drawn.ours, json!(scored.ours)),
    })
}
