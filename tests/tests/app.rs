//! The deployed service as its users see it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::WorkId;
use local_stack::{
    ApiAnswer, Binaries, Caller, LocalStack, Options, Reservation, Stopwatch, build_faulty_functions,
    build_functions, workspace_root,
};
use serde_json::Value;

use crate::faces::Photo;

/// The template the tests fit onto: the smaller of the demo pack.
pub(crate) const TEMPLATE: &str = "astronaut";

/// The other template of the demo pack.
pub(crate) const OTHER_TEMPLATE: &str = "joconde";

/// How long anything may take on a slow and busy machine before a test takes it for broken.
const PATIENCE: Duration = Duration::from_secs(120);

/// A deployed service.
pub(crate) struct App {
    pub(crate) stack: LocalStack,
}

/// The function binaries: those that are deployed, and those that can be made to fail.
pub(crate) struct Built {
    pub(crate) plain: Binaries,
    pub(crate) faulty: Binaries,
}

/// Builds the functions, once. The faulty ones first: the build of the plain ones takes their place.
pub(crate) fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let build = || {
            let faulty = build_faulty_functions()?;
            Ok::<_, anyhow::Error>(Built { plain: build_functions()?, faulty })
        };
        build().unwrap_or_else(|error| panic!("the functions do not build: {error:#}"))
    })
}

/// Somebody who signed in for the first time.
pub(crate) struct User<'a> {
    pub(crate) app: &'a App,
    pub(crate) caller: Caller<'a>,
    pub(crate) name: String,
}

/// A work that waits for its photo.
pub(crate) struct PendingUpload {
    pub(crate) work: WorkId,
    /// `url`, `headers`, `expires_at`.
    pub(crate) upload: Value,
}

impl App {
    /// The service in which everything happens as deployed.
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
        ensure!(models.is_dir(), "there are no models: run `cargo xtask models`");
        ensure!(templates.is_dir(), "there are no templates: run `cargo xtask template demo`");
        // All users of the tests have one address.
        let parameters = vec![("UploadsPerAddress".to_owned(), "0".to_owned())];
        let options = Options { models, parameters, ..Options::default() };
        let stack = LocalStack::start(Reservation::of(name)?, &options, &built().plain, &|_step| {})?;
        stack.publish_templates(&templates)?;
        Ok(Self { stack })
    }

    /// A user nobody has seen before.
    pub(crate) fn user(&self) -> Result<User<'_>> {
        static USERS: AtomicU32 = AtomicU32::new(0);
        let name = format!("person-{}", USERS.fetch_add(1, Ordering::Relaxed));
        Ok(User { app: self, caller: self.stack.sign_in(&name)?, name })
    }
}

impl User<'_> {
    /// Asks for an upload.
    pub(crate) fn request_upload(&self, photo: &Photo) -> Result<PendingUpload> {
        self.request_upload_for(TEMPLATE, photo)
    }

    /// Asks for an upload for this template.
    pub(crate) fn request_upload_for(&self, template: &str, photo: &Photo) -> Result<PendingUpload> {
        PendingUpload::of(&self.post_upload(template, photo)?.expect(201)?)
    }

    /// Asks for an upload, whatever is answered.
    pub(crate) fn try_request_upload(&self, photo: &Photo) -> Result<ApiAnswer> {
        self.post_upload(TEMPLATE, photo)
    }

    fn post_upload(&self, template: &str, photo: &Photo) -> Result<ApiAnswer> {
        static KEYS: AtomicU32 = AtomicU32::new(0);
        let key = format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        self.caller.ask_for_upload(template, &photo.bytes, photo.content_type, &key)
    }

    /// `POST /v1/account`.
    pub(crate) fn start_account(&self) -> Result<ApiAnswer> {
        self.caller.send("POST", "/v1/account", &[], Vec::new())
    }

    /// The same user with a new token.
    pub(crate) fn sign_in_again(&self) -> Result<Self> {
        // A token says the second in which it was issued: it must be a later one than any before.
        std::thread::sleep(Duration::from_millis(1_100));
        Ok(User { app: self.app, caller: self.app.stack.sign_in(&self.name)?, name: self.name.clone() })
    }

    /// Asks for an upload and sends the photo.
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

    /// The works that `GET /v1/works` lists.
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

    /// The favorites that `GET /v1/favorites` lists.
    pub(crate) fn favorites(&self) -> Result<Vec<Value>> {
        let mut body = self.caller.get("/v1/favorites")?.expect(200)?;
        serde_json::from_value(body["favorites"].take()).context("no list of favorites")
    }

    /// The work, once it is ready or failed.
    pub(crate) fn wait(&self, work: WorkId) -> Result<Value> {
        eventually("the work ends", || {
            let body = self.show(work)?.expect(200)?;
            let ended = ["ready", "failed"].contains(&body["status"].as_str().unwrap_or_default());
            Ok(ended.then_some(body))
        })
    }
}

impl PendingUpload {
    /// From the answer to `POST /v1/uploads`.
    pub(crate) fn of(answer: &Value) -> Result<Self> {
        let work = answer["work_id"].as_str().context("no work_id")?.parse()?;
        Ok(Self { work, upload: answer["upload"].clone() })
    }
}

/// Looks again and again until there is something to see.
pub(crate) fn eventually<T>(what: &str, mut check: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Stopwatch::start();
    loop {
        if let Some(seen) = check()? {
            return Ok(seen);
        }
        ensure!(start.elapsed() < PATIENCE, "waited {} s in vain: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}
