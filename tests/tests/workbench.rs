//! A stack in which no event arrives by itself. Tests hand events to function processes, and kill a process, pause it
//! or set its clock ahead. The processes have the credentials of the functions' own roles.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use domain::{PhotoKey, SubjectId, WorkId};
use local_stack::{Answer, Credentials, FunctionProcess, Stopwatch, local_directory, workspace_root};
use serde_json::{Value, json};

use crate::app::{App, built, eventually};

/// The longest time that a function may take for one event.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long to wait for an answer before the next check whether the process is paused.
const POLL: Duration = Duration::from_millis(20);

/// The stack and the role credentials of its functions.
pub(crate) struct Workbench {
    pub(crate) app: App,
    roles: Mutex<BTreeMap<String, Credentials>>,
}

/// The faults injected into a function process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// The process dies at this kill point, from 1. There is one before and one after each write.
    pub(crate) kill_at: Option<u32>,
    /// The process pauses at this kill point.
    pub(crate) pause_at: Option<u32>,
    /// The process pauses before this request to a store, from 1. Reads count too.
    pub(crate) pause_at_call: Option<u32>,
    /// Of a thousand writes to tables, this many are answered with a transaction conflict.
    pub(crate) conflicts: u32,
    /// The process's clock is ahead by this much.
    pub(crate) ahead_seconds: u32,
}

/// The outcome of waiting for a pause.
pub(crate) enum PauseOutcome {
    /// The process is paused at its point.
    Paused,
    /// The process answered without reaching its point.
    Answered(Answer),
}

/// A function process, its log, and the file that exists while the process is paused.
pub(crate) struct Run {
    pub(crate) process: FunctionProcess,
    log: PathBuf,
    pause: PathBuf,
}

impl Workbench {
    /// Locks the workbench for one test: a sweep with its clock ahead would delete the data of a parallel test.
    pub(crate) fn open() -> MutexGuard<'static, Self> {
        static BENCH: OnceLock<Mutex<Workbench>> = OnceLock::new();
        Self::get_or_start(&BENCH, "workbench")
    }

    /// Locks a second workbench, for tests that check the whole stack and leave nothing behind.
    pub(crate) fn open_clean() -> MutexGuard<'static, Self> {
        static BENCH: OnceLock<Mutex<Workbench>> = OnceLock::new();
        Self::get_or_start(&BENCH, "clean-bench")
    }

    fn get_or_start(bench: &'static OnceLock<Mutex<Self>>, name: &str) -> MutexGuard<'static, Self> {
        let bench = bench.get_or_init(|| {
            let bench = Self::start(name);
            Mutex::new(bench.unwrap_or_else(|error| panic!("the stack {name} does not start: {error:#}")))
        });
        bench.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(name: &str) -> Result<Self> {
        let app = App::start(name)?;
        let none = json!({ "Bucket": app.stack.output("UploadsBucket")?, "NotificationConfiguration": {} });
        let account = app.stack.account();
        account.call("s3", "put_bucket_notification_configuration", &none)?;
        let mappings = account.call("lambda", "list_event_source_mappings", &json!({}))?;
        for mapping in mappings["EventSourceMappings"].as_array().into_iter().flatten() {
            account.call("lambda", "delete_event_source_mapping", &json!({ "UUID": mapping["UUID"] }))?;
        }
        let schedules = account.call("scheduler", "list_schedules", &json!({}))?;
        for schedule in schedules["Schedules"].as_array().context("no schedules")? {
            let name = json!({ "Name": schedule["Name"], "GroupName": schedule["GroupName"] });
            account.call("scheduler", "delete_schedule", &name)?;
        }
        Ok(Self { app, roles: Mutex::default() })
    }

    /// Starts a function with these faults, under its own role.
    pub(crate) fn run(&self, function: &str, faults: &Faults) -> Result<Run> {
        self.run_with(function, faults, &[])
    }

    /// Starts a function with these faults and with settings that differ from the deployed ones.
    pub(crate) fn run_with(&self, function: &str, faults: &Faults, settings: &[(&str, &str)]) -> Result<Run> {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let directory = local_directory("workbench");
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let log = directory.join(format!("{function}-{run}.log"));
        let pause = directory.join(format!("{function}-{run}.pause"));
        let _left_by_an_earlier_run = fs::remove_file(&pause);
        let mut environment = self.environment(function)?;
        let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
        set("CLOCK_AHEAD_SECONDS", faults.ahead_seconds.to_string());
        set("PAUSE_FILE", pause.display().to_string());
        for (name, value) in settings {
            set(name, (*value).to_owned());
        }
        if let Some(point) = faults.kill_at {
            set("KILL_AT", point.to_string());
        }
        if let Some(point) = faults.pause_at {
            set("PAUSE_AT", point.to_string());
        }
        if let Some(call) = faults.pause_at_call {
            set("PAUSE_AT_CALL", call.to_string());
        }
        if faults.conflicts > 0 {
            set("CONFLICTS", (f64::from(faults.conflicts) / 1_000.0).to_string());
        }
        let binary = built().faulty.get(function).context("no such faulty function")?;
        let environment: Vec<_> = environment.into_iter().collect();
        let output = Stdio::from(File::create(&log)?);
        let mut process = FunctionProcess::start_logging_to(binary, &environment, output)?;
        process.wait_until_ready(PATIENCE).with_context(|| format!("see {}", log.display()))?;
        Ok(Run { process, log, pause })
    }

    fn environment(&self, function: &str) -> Result<BTreeMap<String, String>> {
        let mut environment = self.app.stack.function_environment(function)?;
        let role = self.role(function)?;
        let described = self.app.stack.description();
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", role.access_key_id),
            ("AWS_ENDPOINT_URL", described.endpoint.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", role.secret_access_key),
            ("AWS_SESSION_TOKEN", role.session_token),
            ("SSL_CERT_FILE", described.certificate.display().to_string()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        Ok(environment)
    }

    /// Opens a session of the function's role. On AWS only Lambda may assume it; here this widens the role first.
    pub(crate) fn role(&self, function: &str) -> Result<Credentials> {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = roles.get(function) {
            return Ok(credentials.clone());
        }
        let account = self.app.stack.account();
        let name = json!({ "FunctionName": self.app.stack.function(function) });
        let configuration = account.call("lambda", "get_function_configuration", &name)?;
        let role = configuration["Role"].as_str().context("a function without a role")?;
        let trust = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" },
            { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" },
        ]});
        let role_name = role.rsplit('/').next().unwrap_or_default();
        let document = json!({ "RoleName": role_name, "PolicyDocument": trust.to_string() });
        account.call("iam", "update_assume_role_policy", &document)?;
        let session = json!({ "RoleArn": role, "RoleSessionName": function });
        let answer = account.call("sts", "assume_role", &session)?;
        let text = |name: &str| answer["Credentials"][name].as_str().unwrap_or_default().to_owned();
        let credentials = Credentials {
            access_key_id: text("AccessKeyId"),
            secret_access_key: text("SecretAccessKey"),
            session_token: text("SessionToken"),
        };
        roles.insert(function.to_owned(), credentials.clone());
        Ok(credentials)
    }

    /// Adds one permission to a function's role.
    pub(crate) fn allow(&self, function: &str, action: &str, resource: &str) -> Result<()> {
        let account = self.app.stack.account();
        let name = json!({ "FunctionName": self.app.stack.function(function) });
        let configuration = account.call("lambda", "get_function_configuration", &name)?;
        let role = configuration["Role"].as_str().context("a function without a role")?;
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": action, "Resource": resource },
        ]});
        let put = json!({
            "RoleName": role.rsplit('/').next(), "PolicyName": "more", "PolicyDocument": policy.to_string(),
        });
        account.call("iam", "put_role_policy", &put).map(drop)
    }

    /// Builds the event that S3 sends about a work's photo. The photo must be in the bucket.
    pub(crate) fn photo_event(&self, subject: SubjectId, work: WorkId) -> Result<Value> {
        let key = PhotoKey { subject, work }.to_string();
        let object = self.app.head_object("UploadsBucket", &key)?;
        let mut event = sample("synthesize/photo.json")?;
        let s3 = &mut event["Records"][0]["s3"];
        s3["bucket"]["name"] = json!(self.app.stack.output("UploadsBucket")?);
        s3["object"]["key"] = json!(key);
        s3["object"]["size"] = object["ContentLength"].clone();
        s3["object"]["eTag"] = json!(object["ETag"].as_str().unwrap_or_default().trim_matches('"'));
        Ok(event)
    }

    /// Builds the on-failure record that Lambda hands to `purge` for this event, which had the request id `request`.
    pub(crate) fn on_failure_record(event: &Value, request: &str) -> Result<Value> {
        let mut record = sample("purge/given-up.json")?;
        record["requestContext"]["requestId"] = json!(request);
        record["requestPayload"] = event.clone();
        Ok(record)
    }

    /// Runs a sweep of `purge` with its clock ahead.
    pub(crate) fn sweep(&self, ahead_seconds: u32) -> Result<()> {
        let mut purge = self.run("purge", &Faults { ahead_seconds, ..Faults::default() })?;
        purge.expect(&sample("purge/sweep.json")?)
    }
}

impl Run {
    /// Hands over one event and waits for the answer. Fails on a status of 500 and above.
    pub(crate) fn handle(&mut self, event: &Value) -> Result<Answer> {
        let answer = self.process.invoke(event, PATIENCE)?;
        self.reject_server_fault(answer)
    }

    /// Hands over one event and waits for the answer. Accepts any status.
    pub(crate) fn handle_with_any_status(&mut self, event: &Value) -> Result<Answer> {
        self.process.invoke(event, PATIENCE)
    }

    /// Fails if the answer is that of a route with a status of 500 and above.
    fn reject_server_fault(&self, answer: Answer) -> Result<Answer> {
        if let Answer::Returned(returned) = &answer {
            let failed = returned["statusCode"].as_u64().is_some_and(|status| status >= 500);
            ensure!(!failed, "answered {returned}; see {}", self.log.display());
        }
        Ok(answer)
    }

    /// Hands over one event and fails unless the function handles it without an error.
    pub(crate) fn expect(&mut self, event: &Value) -> Result<()> {
        match self.handle(event)? {
            Answer::Returned(_) => Ok(()),
            other => bail!("{other:?}; see {}", self.log.display()),
        }
    }

    /// Waits until the process is paused (`true`) or has handled its event without a pause (`false`).
    pub(crate) fn wait_for_pause(&mut self) -> Result<bool> {
        eventually("the process pauses or ends", || {
            let ended = self.log()?.contains("handled");
            Ok(if self.pause.exists() { Some(true) } else { ended.then_some(false) })
        })
    }

    /// Waits until the process is paused at its point or has answered.
    pub(crate) fn wait_for_pause_or_answer(&mut self) -> Result<PauseOutcome> {
        let start = Stopwatch::start();
        while start.elapsed() < PATIENCE {
            if self.pause.exists() {
                return Ok(PauseOutcome::Paused);
            }
            if let Ok(answer) = self.process.wait_for_answer(POLL) {
                return Ok(PauseOutcome::Answered(answer));
            }
        }
        bail!("neither paused nor answered; see {}", self.log.display())
    }

    /// Resumes a paused process.
    pub(crate) fn resume(&self) -> Result<()> {
        fs::remove_file(&self.pause).context("the process was not paused")
    }

    /// Waits for the answer to the event that was sent last. Fails on a status of 500 and above.
    pub(crate) fn answer(&mut self) -> Result<Answer> {
        let answer = self.process.wait_for_answer(PATIENCE)?;
        self.reject_server_fault(answer)
    }

    /// Ends a test that pauses a function at each of its points in turn. This process should pause after the last
    /// point. Fails unless it handled its event and passed exactly `points` points.
    pub(crate) fn expect_no_more_points(&mut self, points: usize) -> Result<()> {
        let answer = self.answer()?;
        ensure!(matches!(answer, Answer::Returned(_)), "after {points} points: {answer:?}");
        let passed = self.points()?;
        ensure!(passed.len() == points, "paused at {points} points of {passed:?}");
        Ok(())
    }

    /// Reads all lines that the process has logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    /// Lists the kill points that the process has passed, in order: `before PutObject`, `after PutObject`, …
    pub(crate) fn points(&self) -> Result<Vec<String>> {
        let mut points = Vec::new();
        for line in self.log()?.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            if line["message"] == "kill point" {
                let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                points.push(format!("{} {}", text("place"), text("operation")));
                ensure!(line["point"] == points.len(), "the log numbers the points out of order");
            }
        }
        Ok(points)
    }
}

/// Reads a sample event.
pub(crate) fn sample(path: &str) -> Result<Value> {
    let path = workspace_root().join("events").join(path);
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&text)?)
}
