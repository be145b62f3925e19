//! `cargo xtask demo`: makes a work from a photo, checks that the photo is deleted, then erases the user and verifies
//! the receipt. It deploys the real template with the real functions, and works from a fresh clone.
//!
//! Each step is printed to standard error with the time it took. The last line of standard output is one JSON object,
//! for scripts.

mod erasure;
mod steps;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use domain::limits::{PHOTO_BYTES_MAX, UPLOAD_WINDOW};
use local_stack::{Caller, LocalStack, Reservation, Stopwatch};
use serde_json::{Value, json};

use crate::local::{Start, prepare_inputs, start_stack};
use crate::template::DEMO_PACK;
use crate::workspace;
use steps::Steps;

/// How many seconds the demo's upload URLs stay valid. An erasure is verified only after the last upload URL has
/// expired: with the default period the demo would wait for minutes. The printed steps name the shorter period.
const UPLOAD_URL_SECONDS: u32 = 3;

/// The longest time from the photo's PUT to a ready work: the time limit of `synthesize`, and some time before and
/// after.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// Fit a face onto a template through the whole local service, check that the photo is deleted, and erase the user.
#[derive(clap::Args)]
pub(crate) struct Demo {
    /// The photo with the face, JPEG, PNG or WebP [default: a public-domain portrait].
    #[arg(long)]
    photo: Option<PathBuf>,
    /// The template to fit it onto.
    #[arg(long, default_value = "joconde")]
    template: String,
    /// The folder for the finished work and the receipt.
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
}

impl Demo {
    /// Runs the demo. Checks the arguments before it builds or starts anything.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let own = self.photo.as_deref().map(Photo::read).transpose()?;
        check_template_exists(&self.template)?;
        fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        let reservation = Reservation::of("demo")?;
        let mut steps = Steps::start();
        prepare_inputs(&mut |step| steps.next(step))?;
        let photo = match own {
            Some(photo) => photo,
            None => Photo::read(&workspace::root().join("target/pictures/astronaut.png"))?,
        };
        let parameters = vec![("UploadUrlSeconds".to_owned(), UPLOAD_URL_SECONDS.to_string())];
        let start = Start { parameters, ..Start::default() };
        let stack = start_stack(reservation, start, &mut |step| steps.next(step))?;
        self.run_steps(&stack, &photo, steps)
    }

    /// Runs the steps against the running stack: upload, work, favorite, erasure.
    fn run_steps(&self, stack: &LocalStack, photo: &Photo, mut steps: Steps) -> anyhow::Result<()> {
        steps.next("Sign in and list the templates");
        let user = stack.sign_in("demo-user")?;
        let templates = user.get("/v1/templates")?.expect(200)?;
        let mut listed =
            templates["templates"].as_array().context("the answer has no list of templates")?.iter();
        ensure!(
            listed.any(|template| template["id"] == self.template.as_str()),
            "the API does not list the template {}",
            self.template
        );

        steps.next(&format!(
            "Request an upload URL (valid for {UPLOAD_URL_SECONDS} s in this demo, {} s by default)",
            UPLOAD_WINDOW.as_secs()
        ));
        let bytes = &photo.bytes;
        let created = user.request_upload(&self.template, bytes, photo.content_type, "demo")?.expect(201)?;
        let work_id = created["work_id"].as_str().context("the answer has no work_id")?.to_owned();

        steps.next(&format!("Upload the photo ({} KB) to its presigned URL", bytes.len() / 1000));
        let put = Stopwatch::start();
        let (status, message) = user.put_photo(&created["upload"], bytes)?;
        ensure!(status == 200, "S3 refused the photo with status {status}: {message}");
        steps.next("Wait until the work is ready");
        let work = wait_until_ready(&user, &work_id)?;
        let put_to_ready_ms = u64::try_from(put.elapsed().as_millis())?;

        steps.next("Download the work");
        let image = download(&user, &work, &self.out.join(format!("{work_id}.jpg")))?;
        steps.next("Check that the photo is deleted");
        let photos = stack.account().object_keys(stack.output("UploadsBucket")?)?;
        ensure!(
            photos.is_empty(),
            "photos were not deleted; the uploads bucket still holds {}",
            photos.join(", ")
        );
        let works = user.get("/v1/works")?.expect(200)?;
        let works_listed = works["works"].as_array().map_or(0, Vec::len);

        steps.next("Save the work as a favorite and list the favorites");
        user.send("PUT", &format!("/v1/favorites/work/{work_id}"), &[], Vec::new())?.expect(200)?;
        let favorites = user.get("/v1/favorites")?.expect(200)?;
        ensure!(
            favorites["favorites"][0]["id"] == work_id.as_str(),
            "the API does not list the saved favorite"
        );

        let erased = erasure::erase_account(stack, &user, &mut steps, &self.out)?;
        let receipt = self.out.join("receipt.jws");
        steps.end(&format!(
            "the work is {}; the account is erased, and only its receipt remains ({})",
            image.display(),
            receipt.display()
        ));
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

/// A photo to upload, with its content type.
struct Photo {
    bytes: Vec<u8>,
    content_type: &'static str,
}

impl Photo {
    /// Reads the file and checks its size and its first bytes, so that the service accepts it.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let bytes = fs::read(path).with_context(|| format!("cannot read the photo {name}"))?;
        let size = u64::try_from(bytes.len())?;
        ensure!(
            size <= PHOTO_BYTES_MAX,
            "the photo {name} has {:.1} MiB; the service accepts at most {} MiB",
            bytes.len() as f64 / f64::from(1 << 20),
            PHOTO_BYTES_MAX >> 20
        );
        let content_type = match bytes.as_slice() {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => bail!("the photo {name} is not a JPEG, PNG or WebP file"),
        };
        Ok(Self { bytes, content_type })
    }
}

/// Checks that the template is in `templates/`, which the demo publishes, or is one of those that the demo makes.
fn check_template_exists(template: &str) -> anyhow::Result<()> {
    let directory = workspace::root().join("templates");
    let mut ids: BTreeSet<_> = DEMO_PACK.into_iter().map(str::to_owned).collect();
    // The folder may be missing: then only the templates that the demo makes exist.
    for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
        if entry.path().join("template.json").is_file() {
            ids.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let existing = ids.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    ensure!(ids.contains(template), "the template {template} does not exist; choose one of: {existing}");
    Ok(())
}

/// Polls the work at the interval that the API asks for, until it is ready.
fn wait_until_ready(user: &Caller<'_>, work_id: &str) -> anyhow::Result<Value> {
    let start = Stopwatch::start();
    while start.elapsed() < READY_LIMIT {
        let answer = user.get(&format!("/v1/works/{work_id}"))?;
        let pause = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let work = answer.expect(200)?;
        match work["status"].as_str() {
            Some("ready") => return Ok(work),
            // The URL expires quickly here, and the function may start later than that. A photo that was uploaded in
            // time still becomes a work.
            Some("failed") if work["failure"]["reason"] != "upload_expired" => {
                let text = |name: &str| work["failure"][name].as_str().unwrap_or("unknown").to_owned();
                bail!("the photo was refused ({}). {}", text("reason"), text("advice"))
            }
            _ => std::thread::sleep(Duration::from_secs(pause.unwrap_or(1)).min(PAUSE_MAX)),
        }
    }
    bail!("the work was not ready within {} s; see target/local/demo/emulator.log", READY_LIMIT.as_secs())
}

/// The longest pause between two polls. `Retry-After` counts whole seconds; a shorter pause measures the real time.
const PAUSE_MAX: Duration = Duration::from_millis(50);

fn download(user: &Caller<'_>, work: &Value, path: &Path) -> anyhow::Result<PathBuf> {
    let url = work["image"]["url"].as_str().context("the work has no image")?;
    let (status, bytes) = user.download(url)?;
    ensure!(status == 200, "S3 answered the download of the work with status {status}");
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    Ok(path.to_owned())
}

#[expect(clippy::print_stdout, reason = "scripts read the result from standard output")]
fn print_result(result: &Value) {
    println!("{result}");
}
