//! `cargo xtask demo`: a photo becomes a work, and the photo is gone; then its user goes, and a receipt says so. On the
//! real parts, from a bare clone.
//!
//! Each step says what it does and how long it took on standard error; the last line of standard output is one
//! JSON object, for scripts.

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

use crate::local::{Start, bring_what_is_missing, start_stack};
use crate::template::DEMO_PACK;
use crate::workspace;
use steps::Steps;

/// For how many seconds the demo's upload URLs work. An erasure is verified only when the last of them has run out, so
/// with the default the demo would wait for minutes. It says aloud what it does.
const UPLOAD_URL_SECONDS: u32 = 3;

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
    /// Runs the demo. What is wrong with the arguments is said before anything is built or started.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let own = self.photo.as_deref().map(Photo::read).transpose()?;
        must_be_there(&self.template)?;
        fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        let reservation = Reservation::of("demo")?;
        let mut steps = Steps::start();
        bring_what_is_missing(&mut |step| steps.next(step))?;
        let photo = match own {
            Some(photo) => photo,
            None => Photo::read(&workspace::root().join("target/pictures/astronaut.png"))?,
        };
        let parameters = vec![("UploadUrlSeconds".to_owned(), UPLOAD_URL_SECONDS.to_string())];
        let start = Start { parameters, ..Start::default() };
        let stack = start_stack(reservation, start, &mut |step| steps.next(step))?;
        self.show(&stack, &photo, steps)
    }

    /// The life of a photo, of a work and of its user.
    fn show(&self, stack: &LocalStack, photo: &Photo, mut steps: Steps) -> anyhow::Result<()> {
        steps.next("Sign in and list the templates");
        let user = stack.sign_in("demo-user")?;
        let templates = user.get("/v1/templates")?.expect(200)?;
        let mut listed = templates["templates"].as_array().context("no list of templates")?.iter();
        ensure!(
            listed.any(|template| template["id"] == self.template.as_str()),
            "the template {} is not listed",
            self.template
        );

        steps.next(&format!(
            "Ask for an upload (the URL works for {UPLOAD_URL_SECONDS} s here, for {} s by default)",
            UPLOAD_WINDOW.as_secs()
        ));
        let bytes = &photo.bytes;
        let created = user.ask_for_upload(&self.template, bytes, photo.content_type, "demo")?.expect(201)?;
        let work_id = created["work_id"].as_str().context("no work_id")?.to_owned();

        steps.next(&format!("PUT the photo, {} KB, to its presigned URL", bytes.len() / 1000));
        let put = Stopwatch::start();
        let (status, said) = user.put_photo(&created["upload"], bytes)?;
        ensure!(status == 200, "S3 answered {status}: {said}");
        steps.next("Wait for the work");
        let work = wait_until_ready(&user, &work_id)?;
        let put_to_ready_ms = u64::try_from(put.elapsed().as_millis())?;

        steps.next("Download the work");
        let image = download(&user, &work, &self.out.join(format!("{work_id}.jpg")))?;
        steps.next("Look whether the photo is gone");
        let photos = stack.account().object_keys(stack.output("UploadsBucket")?)?;
        ensure!(photos.is_empty(), "the uploads bucket still holds {}", photos.join(", "));
        let works = user.get("/v1/works")?.expect(200)?;
        let works_listed = works["works"].as_array().map_or(0, Vec::len);

        steps.next("Make the work a favorite and list the favorites");
        user.send("PUT", &format!("/v1/favorites/work/{work_id}"), &[], Vec::new())?.expect(200)?;
        let favorites = user.get("/v1/favorites")?.expect(200)?;
        ensure!(favorites["favorites"][0]["id"] == work_id.as_str(), "the favorite is not listed");

        let erased = erasure::erase_account(stack, &user, &mut steps, &self.out)?;
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

/// A photo as it is sent.
struct Photo {
    bytes: Vec<u8>,
    content_type: &'static str,
}

impl Photo {
    /// Reads a file that the service takes: its size and its first bytes are checked here.
    fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let bytes = fs::read(path).with_context(|| format!("cannot read the photo {name}"))?;
        let size = u64::try_from(bytes.len())?;
        ensure!(
            size <= PHOTO_BYTES_MAX,
            "the photo {name} has {:.1} MiB; the service takes {} MiB",
            bytes.len() as f64 / f64::from(1 << 20),
            PHOTO_BYTES_MAX >> 20
        );
        let content_type = match bytes.as_slice() {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', ..] => "image/png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
            _ => bail!("the photo {name} is no JPEG, PNG or WebP"),
        };
        Ok(Self { bytes, content_type })
    }
}

/// Checks that a template of this id lies in `templates/`, from where the demo publishes, or is made before that.
fn must_be_there(template: &str) -> anyhow::Result<()> {
    let directory = workspace::root().join("templates");
    let mut ids: BTreeSet<_> = DEMO_PACK.into_iter().map(str::to_owned).collect();
    // Without the folder there are those that the demo makes.
    for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
        if entry.path().join("template.json").is_file() {
            ids.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let there = ids.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    ensure!(ids.contains(template), "there is no template {template}; there are: {there}");
    Ok(())
}

/// Asks for the work as often as the API says to, until it is ready.
fn wait_until_ready(user: &Caller<'_>, work_id: &str) -> anyhow::Result<Value> {
    let start = Stopwatch::start();
    while start.elapsed() < READY_LIMIT {
        let answer = user.get(&format!("/v1/works/{work_id}"))?;
        let pause = answer.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let work = answer.expect(200)?;
        match work["status"].as_str() {
            Some("ready") => return Ok(work),
            // The URL is short-lived here, and the function may start more slowly: a photo that was sent in time still
            // becomes a work.
            Some("failed") if work["failure"]["reason"] != "upload_expired" => {
                let text = |name: &str| work["failure"][name].as_str().unwrap_or("unknown").to_owned();
                bail!("the photo was refused ({}). {}", text("reason"), text("advice"))
            }
            _ => std::thread::sleep(Duration::from_secs(pause.unwrap_or(1)).min(FIRST_PAUSES_MAX)),
        }
    }
    bail!("the work was not ready within {} s", READY_LIMIT.as_secs())
}

/// `Retry-After` counts whole seconds; on one machine a shorter pause shows how long a work really takes.
const FIRST_PAUSES_MAX: Duration = Duration::from_millis(50);

fn download(user: &Caller<'_>, work: &Value, path: &Path) -> anyhow::Result<PathBuf> {
    let url = work["image"]["url"].as_str().context("the work has no image")?;
    let (status, bytes) = user.download(url)?;
    ensure!(status == 200, "S3 answered {status} for the work");
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    Ok(path.to_owned())
}

#[expect(clippy::print_stdout, reason = "the result goes to standard output")]
fn print_result(result: &Value) {
    println!("{result}");
}
