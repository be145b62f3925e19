//! `cargo xtask replay EVENT`: sends a sample event, with live ids, to a function of the stack of `cargo xtask dev`.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use local_stack::{Caller, Stack, Stopwatch};
use serde_json::{Value, json};

use crate::dev;
use crate::workspace::{self, say};

/// The placeholder ids in the samples of `events/`. A test in `infra/local/tests` replays every sample, so that a
/// sample with an unknown placeholder fails.
mod sample {
    pub(super) const ISSUER: &str = "https://issuer.example";
    pub(super) const REQUEST: &str = "01CX5ZZKBKACTAV9WEVGEMMVRZ";
    pub(super) const REQUEST_KEY: &str = "replayed-request";
    pub(super) const SALT: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    pub(super) const SUBJECT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    pub(super) const UPLOAD_KEY: &str = "sample-1";
    pub(super) const UPLOADS_BUCKET: &str = "dev-uploads-000000000000";
    pub(super) const USER: &str = "developer";
    pub(super) const WORK: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
}

/// The longest time until a work that is made for the replay is ready.
const WORK_LIMIT: Duration = Duration::from_secs(300);

/// Send a sample event, with live ids, to the running stack of `cargo xtask dev`.
#[derive(clap::Args)]
pub(crate) struct Replay {
    /// The event file, events/FUNCTION/NAME.json; its folder names the function.
    event: PathBuf,
}

impl Replay {
    /// Sends the event and prints the function's answer.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let text = fs::read_to_string(&self.event).with_context(|| self.event.display().to_string())?;
        let function = self.event.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let function =
            function.context("the event file must be in a folder that has the name of its function")?;
        let stack = Stack::find(dev::STACK, &say)
            .context("no stack to replay to; start it with `cargo xtask dev`")?;
        let event = with_live_ids(&stack, &text)?;
        say(&format!("── {function} ← {}", self.event.display()));
        let answer = stack.account().invoke(&stack.function(function), &event)?;
        print_answer(&answer);
        let status = answer["statusCode"].as_u64().unwrap_or(200);
        ensure!(status < 500, "{function} answered with status {status}; see its log for the reason");
        Ok(())
    }
}

/// Replaces the placeholder ids of the event by ids of things that exist in the running stack.
fn with_live_ids(stack: &Stack, text: &str) -> anyhow::Result<Value> {
    let mut text = text
        .replace(sample::ISSUER, &stack.description().issuer)
        .replace(sample::UPLOADS_BUCKET, stack.output("UploadsBucket")?)
        .replace(sample::UPLOAD_KEY, &fresh_key());
    let user = stack.sign_in(sample::USER)?;
    if text.contains(sample::WORK) {
        let work = find_or_make_work(&user)?;
        text = text.replace(sample::WORK, &work).replace(sample::SUBJECT, &subject_of(stack, &work)?);
    }
    if text.contains(sample::REQUEST) {
        let (request, salt) = deletion_request(&user)?;
        text = text.replace(sample::REQUEST, &request).replace(sample::SALT, &salt);
    }
    Ok(serde_json::from_str(&text)?)
}

/// A new idempotency key, so that each replay makes a new request.
fn fresh_key() -> String {
    format!("replay-{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Finds a ready work of the developer. If there is none, makes one from the demo's photo.
fn find_or_make_work(user: &Caller<'_>) -> anyhow::Result<String> {
    let works = user.get("/v1/works")?.expect(200)?;
    let mut works = works["works"].as_array().context("the answer has no list of works")?.iter();
    if let Some(work) = works.find(|work| work["status"] == "ready") {
        return Ok(work["work_id"].as_str().context("the work has no work_id")?.to_owned());
    }
    say("── Upload the demo's photo, because the developer has no ready work");
    let path = workspace::root().join("target/pictures/obama.jpg");
    let photo = fs::read(&path).with_context(|| path.display().to_string())?;
    let templates = user.get("/v1/templates")?.expect(200)?;
    let template = templates["templates"][0]["id"].as_str().context("the stack has no published template")?;
    let created = user.request_upload(template, &photo, "image/jpeg", &fresh_key())?.expect(201)?;
    let work = created["work_id"].as_str().context("the answer has no work_id")?.to_owned();
    let (status, message) = user.put_photo(&created["upload"], &photo)?;
    ensure!(status == 200, "S3 refused the photo with status {status}: {message}");
    let start = Stopwatch::start();
    // The event may wait for the compiler.
    while start.elapsed() < WORK_LIMIT {
        let shown = user.get(&format!("/v1/works/{work}"))?.expect(200)?;
        match shown["status"].as_str() {
            Some("ready") => return Ok(work),
            Some("failed") => bail!("the demo's photo was refused: {}", shown["failure"]["reason"]),
            _ => std::thread::sleep(Duration::from_millis(200)),
        }
    }
    bail!("the work was not ready within {} s", WORK_LIMIT.as_secs())
}

/// The developer's deletion request and its salt. Sends the request of `deletion-requests/create`; the same idempotency
/// key always gets the same request.
fn deletion_request(user: &Caller<'_>) -> anyhow::Result<(String, String)> {
    let headers = [("Idempotency-Key", sample::REQUEST_KEY), ("Content-Type", "application/json")];
    let body = json!({ "scope": "favorites" }).to_string().into_bytes();
    let answer = user.send("POST", "/v1/deletion-requests", &headers, body)?;
    ensure!(
        [200, 201].contains(&answer.status),
        "the deletion request was answered with status {}: {}",
        answer.status,
        answer.text
    );
    let text = |name: &str| {
        answer.body[name]
            .as_str()
            .map(str::to_owned)
            .context("the answer to the deletion request is incomplete")
    };
    Ok((text("request_id")?, text("salt")?))
}

/// Finds the subject that owns a work. No API returns it, so this reads the records table.
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
    let partition =
        found["Items"][0]["pk"]["S"].as_str().context("the records table has no row for the work")?;
    Ok(partition.trim_start_matches("SUBJECT#").to_owned())
}

#[expect(clippy::print_stdout, reason = "the answer is this command's result")]
fn print_answer(answer: &Value) {
    println!("{answer:#}");
}
