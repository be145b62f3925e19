//! The deployed service as users call it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::WorkId;
use local_stack::{
    ApiAnswer, Binaries, Caller, LocalStack, Options, Reservation, Stopwatch, build_functions,
    build_functions_with_faults, workspace_root,
};
use serde_json::Value;

use crate::faces::Photo;

/// The template of most tests: the smaller of the two demo templates.
pub(crate) const TEMPLATE: &str = "astronaut";

/// The other demo template.
pub(crate) const OTHER_TEMPLATE: &str = "joconde";

/// How long a test waits for a result before it fails, with room for a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A deployed service.
pub(crate) struct App {
    pub(crate) stack: LocalStack,
}

/// The function binaries: the deployed ones, and those with fault injection.
pub(crate) struct Built {
    pub(crate) plain: Binaries,
    pub(crate) faulty: Binaries,
}

/// Builds the functions once. The faulty ones come first, because the plain build overwrites them.
pub(crate) fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = || {
            let faulty = build_functions_with_faults()?;
            Ok::<_, anyhow::Error>(Built { plain: build_functions()?, faulty })
        };
        build().unwrap_or_else(|error| panic!("the functions do not build: {error:#}"))
    })
}

/// A signed-in user of the service.
pub(crate) struct User<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: Caller<'a>,
    pub(crate) name: String,
}

/// A work that waits for its photo, and the upload for it.
pub(crate) struct PendingUpload {
    pub(crate) work: WorkId,
    /// `url`, `headers`, `expires_at`.
    pub(crate) upload: Value,
}

impl App {
    /// The stack in which everything runs as deployed.
    pub(crate) fn live() -> &'static Self {
        static LIVE: OnceLock<App> = OnceLock::new();
        LIVE.get_or_init(|| {
            Self::start("acceptance").unwrap_or_else(|error| panic!("the stack does not start: {error:#}"))
        })
    }

    /// Deploys a stack of that name with the demo templates.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let models = workspace_root().join("models/weights");
        let templates = workspace_root().join("templates");
        ensure!(models.is_dir(), "the face models are missing: run `cargo xtask models`");
        ensure!(templates.is_dir(), "the demo templates are missing: run `cargo xtask template demo`");
        // All users of the tests share one network address, so its quota is off.
        let parameters = vec![("UploadsPerAddress".to_owned(), "0".to_owned())];
        let options = Options { models, parameters, ..Options::default() };
        let stack = LocalStack::start(Reservation::of(name)?, &options, &built().plain, &|_step| {})?;
        stack.publish_templates(&templates)?;
        Ok(Self { stack })
    }

    /// Signs in a new user, who has no subject yet.
    pub(crate) fn user(&self) -> Result<User<'_>> {
        static USERS: AtomicU32 = AtomicU32::new(0);
        let name = format!("person-{}", USERS.fetch_add(1, Ordering::Relaxed));
        Ok(User { app: self, caller: self.stack.sign_in(&name)?, name })
    }
}

impl User<'_> {
    /// Requests an upload for [`TEMPLATE`].
    pub(crate) fn request_upload(&self, photo: &Photo) -> Result<PendingUpload> {
        self.request_upload_for(TEMPLATE, photo)
    }

    /// Requests an upload for this template.
    pub(crate) fn request_upload_for(&self, template: &str, photo: &Photo) -> Result<PendingUpload> {
        PendingUpload::of(&self.post_upload(template, photo)?.expect(201)?)
    }

    /// Requests an upload and returns the answer, whatever its status.
    pub(crate) fn try_request_upload(&self, photo: &Photo) -> Result<ApiAnswer> {
        self.post_upload(TEMPLATE, photo)
    }

    fn post_upload(&self, template: &str, photo: &Photo) -> Result<ApiAnswer> {
        static KEYS: AtomicU32 = AtomicU32::new(0);
        let key = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        self.caller.request_upload(template, &photo.bytes, photo.content_type, &key)
    }

    /// `POST /v1/account`.
    pub(crate) fn start_account(&self) -> Result<ApiAnswer> {
        self.caller.send("POST", "/v1/account", &[], Vec::new())
    }

    /// Signs the same user in again, with a newer token.
    pub(crate) fn sign_in_again(&self) -> Result<Self> {
        // `iat` counts whole seconds, and the new one must be later than every earlier one.
        std::thread::sleep(Duration::from_millis(1_100));
        Ok(User { app: self.app, caller: self.app.stack.sign_in(&self.name)?, name: self.name.clone() })
    }

    /// Requests an upload and sends the photo.
    pub(crate) fn send(&self, photo: &Photo) -> Result<PendingUpload> {
        let pending = self.request_upload(photo)?;
        let (status, reply) = self.caller.put_photo(&pending.upload, &photo.bytes)?;
        ensure!(status == 200, "S3 answered {status}: {reply}");
        Ok(pending)
    }

    /// `GET /v1/works/{id}`.
    pub(crate) fn show(&self, work: WorkId) -> Result<ApiAnswer> {
        self.caller.get(&format!("/v1/works/{work}"))
    }

    /// `DELETE /v1/works/{id}`.
    pub(crate) fn delete(&self, work: WorkId) -> Result<ApiAnswer> {
        self.caller.send("DELETE", &format!("/v1/works/{work}"), &[], Vec::new())
    }

    /// Lists the works with `GET /v1/works`.
    pub(crate) fn list(&self) -> Result<Vec<Value>> {
        let mut body = self.caller.get("/v1/works")?.expect(200)?;
        serde_json::from_value(body["works"].take()).context("no list of works")
    }

    /// `PUT /v1/favorites/{kind}/{id}`.
    pub(crate) fn save_favorite(&self, kind: &str, id: &str) -> Result<ApiAnswer> {
        self.caller.send("PUT", &format!("/v1/favorites/{kind}/{id}"), &[], Vec::new())
    }

    /// `DELETE /v1/favorites/{kind}/{id}`.
    pub(crate) fn remove_favorite(&self, kind: &str, id: &str) -> Result<ApiAnswer> {
        self.caller.send("DELETE", &format!("/v1/favorites/{kind}/{id}"), &[], Vec::new())
    }

    /// Lists the favorites with `GET /v1/favorites`.
    pub(crate) fn favorites(&self) -> Result<Vec<Value>> {
        let mut body = self.caller.get("/v1/favorites")?.expect(200)?;
        serde_json::from_value(body["favorites"].take()).context("no list of favorites")
    }

    /// Waits until the work is ready or failed, and returns it.
    pub(crate) fn wait(&self, work: WorkId) -> Result<Value> {
        eventually("the work is ready or failed", || {
            let body = self.show(work)?.expect(200)?;
            let ended = ["ready", "failed"].contains(&body["status"].as_str().unwrap_or_default());
            Ok(ended.then_some(body))
        })
    }
}

impl PendingUpload {
    /// Reads the answer to `POST /v1/uploads`.
    pub(crate) fn of(answer: &Value) -> Result<Self> {
        let work = answer["work_id"].as_str().context("no work_id")?.parse()?;
        Ok(Self { work, upload: answer["upload"].clone() })
    }
}

/// Repeats a check until it returns a value. Fails after [`PATIENCE`].
pub(crate) fn eventually<T>(what: &str, mut check: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Stopwatch::start();
    loop {
        if let Some(seen) = check()? {
            return Ok(seen);
        }
        ensure!(start.elapsed() < PATIENCE, "did not happen within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}
