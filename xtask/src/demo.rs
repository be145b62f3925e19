//! `cargo xtask demo`: a photo becomes a work, and the photo is gone; then its user goes, and a receipt says so. On the
//! real parts, from a bare clone.
//!
//! Each step says what it does and how long it took on standard error; the last line of standard output is one
//! JSON object, for scripts.

mod erasure;
mod steps;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use local_stack::Caller;
use serde_json::{Value, json};

use crate::local::start_stack;
use crate::workspace;
use steps::Steps;

/// How long the demo's upload URLs work: an erasure is verified only when the last of them has run out.
const UPLOAD_URL_SECONDS: &str = "3";

/// How long the work may take, from the photo's PUT: synthesize's own limit and what surrounds it.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Fit a face onto a template through the whole deployed service, show that the photo is gone, and erase the user.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// The photo with the face, JPEG, PNG or WebP [default: a public-domain portrait].
    #[arg(long)]
    photo: Option<PathBuf>,
    /// The template to fit it onto.
    #[arg(long, default_value = "joconde")]
    template: String,
    /// The folder that gets the finished picture.
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
}

impl Demo {
    /// Runs the demo.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut steps = Steps::start();
        let parameters = [("UploadUrlSeconds".to_owned(), UPLOAD_URL_SECONDS.to_owned())];
        let stack = start_stack("demo", &parameters, &[], &mut |step| steps.next(step))?;
        let photo = self.photo.unwrap_or_else(|| workspace::root().join("target/pictures/astronaut.png"));
        let bytes = fs::read(&photo).with_context(|| photo.display().to_string())?;

        steps.next("Sign in and list the templates");
        let user = stack.sign_in("demo-user")?;
        let templates = user.get("/v1/templates")?.expect(200)?;
        let ids: Vec<_> = templates["templates"].as_array().into_iter().flatten().map(|t| &t["id"]).collect();
        ensure!(
            ids.iter().any(|id| **id == self.template),
            "no template {}; there are {ids:?}",
            self.template
        );

        steps.next("Ask for an upload");
        let created =
            user.ask_for_upload(&self.template, &bytes, content_type(&bytes)?, "demo")?.expect(201)?;
        let work_id = created["work_id"].as_str().context("no work_id")?.to_owned();

        steps.next(&format!("PUT the photo, {} KB, to its presigned URL", bytes.len() / 1000));
        let put = Instant::now();
        let (status, said) = user.put_photo(&created["upload"], &bytes)?;
        ensure!(status == 200, "S3 answered {status}: {said}");
        steps.next("Wait for the work");
        let work = wait_until_ready(&user, &work_id)?;
        let put_to_ready_ms = u64::try_from(put.elapsed().as_millis())?;

        steps.next("Download the work");
        let image = download(&user, &work, &self.out.join(format!("{work_id}.jpg")))?;
        steps.next("Look whether the photo is gone");
        let photos = stack.account().object_keys(stack.output("UploadsBucket")?)?;
        ensure!(photos.is_empty(), "the uploads bucket still holds {photos:?}");
        let works = user.get("/v1/works")?.expect(200)?;
        let works_listed = works["works"].as_array().map_or(0, Vec::len);

        steps.next("Make the work a favorite and list the favorites");
        user.send("PUT", &format!("/v1/favorites/work/{work_id}"), &[], Vec::new())?.expect(200)?;
        let favorites = user.get("/v1/favorites")?.expect(200)?;
        ensure!(favorites["favorites"][0]["id"] == work_id.as_str(), "the favorite is not listed");

        let erased = erasure::erase_account(&stack, &user, &mut steps, &self.out)?;
        steps.end(&format!("{} is the work; of its user nothing is left but a receipt", image.display()));
        print_result(&json!({
            "work_id": work_id,
            "image": image,
            "template": self.template,
            "put_to_ready_ms": put_to_ready_ms,
            "photo_deleted": photos.is_empty(),
            "works_listed": works_listed,
            "erasure_verified": erased.verified,
            "receipt_valid": erased.receipt_valid,
            "residue": erased.residue,
        }));
        Ok(())
    }
}

/// The media type that a photo's first bytes say.
fn content_type(photo: &[u8]) -> anyhow::Result<&'static str> {
    match photo {
        [0xff, 0xd8, 0xff, ..] => Ok("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Ok("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok("image/webp"),
        _ => bail!("the photo is no JPEG, PNG or WebP"),
    }
}

/// Asks for the work as often as the API says to, until it is ready.
fn wait_until_ready(user: &Caller<'_>, work_id: &str) -> anyhow::Result<Value> {
    let start = Instant::now();
    while start.elapsed() < READY_LIMIT {
        let answer = user.get(&format!("/v1/works/{work_id}"))?;
        let pause = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let work = answer.expect(200)?;
        match work["status"].as_str() {
            Some("ready") => return Ok(work),
            Some("failed") => bail!("the photo was refused: {}", work["failure"]),
            _ => std::thread::sleep(Duration::from_secs(pause.unwrap_or(1)).min(FIRST_PAUSES_MAX)),
        }
    }
    bail!("the work was not ready within {} s", READY_LIMIT.as_secs())
}

/// `Retry-After` counts whole seconds; on one machine a shorter pause shows how long a work really takes.
const FIRST_PAUSES_MAX: Duration = Duration::from_millis(50);

fn download(user: &Caller<'_>, work: &Value, path: &std::path::Path) -> anyhow::Result<PathBuf> {
    let url = work["image"]["url"].as_str().context("the work has no image")?;
    let (status, bytes) = user.download(url)?;
    ensure!(status == 200, "S3 answered {status} for the work");
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)?;
    Ok(path.to_owned())
}

#[expect(clippy::print_stdout, reason = "the result goes to standard output")]
fn print_result(result: &Value) {
    println!("{result}");
}
