//! `cargo xtask replay EVENT`: hands a sample event to the stack of `cargo xtask dev`, with live ids in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use local_stack::{Caller, Stack};
use serde_json::{Value, json};

use crate::dev;
use crate::workspace::{self, say};

/// The ids that the samples in `events/` are written with.
mod sample {
    pub(super) const ISSUER: &str = "https://issuer.example";
    pub(super) const SUBJECT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    pub(super) const UPLOADS_BUCKET: &str = "dev-uploads-000000000000";
    pub(super) const USER: &str = "developer";
    pub(super) const WORK: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
}

/// How long a work that is made for the replay may take.
const WORK_LIMIT: Duration = Duration::from_secs(300);

/// Hand a sample event to the running stack of `cargo xtask dev`, with live ids in it.
#[derive(clap::Args)]
pub(crate) struct Replay {
    /// The event: events/FUNCTION/NAME.json; its folder names the function.
    event: PathBuf,
}

impl Replay {
    /// Prints what the function answers.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let text = fs::read_to_string(&self.event).with_context(|| self.event.display().to_string())?;
        let function = self.event.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let function = function.context("the event lies in a folder named like its function")?;
        let stack = Stack::find(dev::STACK, &say).context("start it with `cargo xtask dev`")?;
        let event = with_live_ids(&stack, &text)?;
        say(&format!("── {function} ← {}", self.event.display()));
        let answer = stack.account().invoke(&stack.function(function), &event)?;
        print_answer(&answer);
        Ok(())
    }
}

/// The event with the running stack's ids in the place of the samples.
fn with_live_ids(stack: &Stack, text: &str) -> anyhow::Result<Value> {
    let mut text = text
        .replace(sample::ISSUER, &stack.description().issuer)
        .replace(sample::UPLOADS_BUCKET, stack.output("UploadsBucket")?);
    if text.contains(sample::WORK) {
        let work = newest_work(&stack.sign_in(sample::USER)?)?;
        text = text.replace(sample::WORK, &work).replace(sample::SUBJECT, &subject_of(stack, &work)?);
    }
    Ok(serde_json::from_str(&text)?)
}

/// The developer's newest work; without one, the demo's photo is sent to make it.
fn newest_work(user: &Caller<'_>) -> anyhow::Result<String> {
    let works = user.get("/v1/works?limit=1")?.expect(200)?;
    if let Some(work) = works["works"][0]["work_id"].as_str() {
        return Ok(work.to_owned());
    }
    say("── The developer has no work yet: send the demo's photo");
    let photo = fs::read(workspace::root().join("target/pictures/obama.jpg"))?;
    let templates = user.get("/v1/templates")?.expect(200)?;
    let template = templates["templates"][0]["id"].as_str().context("no template is published")?;
    let created = user.ask_for_upload(template, &photo, "image/jpeg", "replay")?.expect(201)?;
    let work = created["work_id"].as_str().context("no work_id")?.to_owned();
    let (status, said) = user.put_photo(&created["upload"], &photo)?;
    ensure!(status == 200, "S3 answered {status}: {said}");
    let start = Instant::now();
    // The first event may have to wait for a compilation.
    while start.elapsed() < WORK_LIMIT {
        let status = user.get(&format!("/v1/works/{work}"))?.expect(200)?["status"].take();
        if status == "ready" || status == "failed" {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(work)
}

/// The subject whose work it is, which no API tells.
fn subject_of(stack: &Stack, work: &str) -> anyhow::Result<String> {
    let found = stack.account().call(
        "dynamodb",
        "scan",
        &json!({
            "TableName": stack.output("RecordsTable")?,
            "FilterExpression": "contains(sk, :work)",
            "ExpressionAttributeValues": { ":work": { "S": work } },
        }),
    )?;
    let partition = found["Items"][0]["pk"]["S"].as_str().context("the work has no row")?;
    Ok(partition.trim_start_matches("SUBJECT#").to_owned())
}

#[expect(clippy::print_stdout, reason = "the answer is this command's result")]
fn print_answer(answer: &Value) {
    println!("{answer:#}");
}
