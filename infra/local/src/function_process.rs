//! Runs one function binary directly, with our own Lambda Runtime API. It tests what the emulator cannot: a process
//! that is killed between two writes, or the time from a process's start to its first poll.
//!
//! Serves `/runtime/invocation/next`, `/response`, `/error` and `/init/error` as the AWS Lambda developer
//! guide ("Using the Lambda runtime API for custom runtimes") describes them, for one process.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::http_request::Request;
use crate::stopwatch::Stopwatch;

/// The time limit for an event: that of the function with the longest time limit in the template.
const TIME_LIMIT: Duration = Duration::from_secs(240);

/// The interval at which a waiting call checks that the process is alive.
const POLL: Duration = Duration::from_millis(5);

/// The outcome of an event.
#[derive(Debug)]
pub enum Answer {
    /// The function returned this value.
    Returned(Value),
    /// The function reported this error; Lambda would retry an asynchronous event.
    Failed(Value),
    /// The process ended before the function answered.
    Died(ExitStatus),
}

/// A running function; drop kills its process.
pub struct FunctionProcess {
    child: Child,
    started: Stopwatch,
    events: Sender<(String, Option<String>)>,
    reports: Receiver<Report>,
    polled_after: Option<Duration>,
}

/// What the process reported to the Runtime API, or that it ended.
enum Report {
    Polled(Stopwatch),
    Returned(String),
    Failed(String),
    Ended(ExitStatus),
}

impl FunctionProcess {
    /// Starts `binary` with only this environment; its log goes to this process's standard output.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start(binary: &Path, environment: &[(String, String)]) -> anyhow::Result<Self> {
        Self::start_logging_to(binary, environment, Stdio::inherit())
    }

    /// Starts `binary`. Every event announces `time_limit` as Lambda's deadline, but nothing enforces it.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start_with_time_limit(
        binary: &Path,
        environment: &[(String, String)],
        time_limit: Duration,
    ) -> anyhow::Result<Self> {
        Self::start_as(binary, environment, Stdio::inherit(), time_limit)
    }

    /// Starts `binary` with only this environment; its log, the standard output, goes to `log`.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start_logging_to(
        binary: &Path,
        environment: &[(String, String)],
        log: Stdio,
    ) -> anyhow::Result<Self> {
        Self::start_as(binary, environment, log, TIME_LIMIT)
    }

    fn start_as(
        binary: &Path,
        environment: &[(String, String)],
        log: Stdio,
        time_limit: Duration,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let (events, pending) = channel();
        let (report, reports) = channel();
        let pending = Arc::new(Mutex::new(pending));
        std::thread::spawn(move || serve(&listener, &pending, &report, time_limit));
        let started = Stopwatch::start();
        let child = Command::new(binary)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", binary.file_name().unwrap_or_default())
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "local")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "local")
            .stdin(Stdio::null())
            .stdout(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self { child, started, events, reports, polled_after: None })
    }

    /// Waits until the function polls for its first event. Returns the time since the start of its process.
    ///
    /// # Errors
    /// When the process ends, reports a start-up error, or does not poll within `limit`.
    pub fn wait_until_ready(&mut self, limit: Duration) -> anyhow::Result<Duration> {
        if let Some(after) = self.polled_after {
            return Ok(after);
        }
        match self.next_report(limit)? {
            Report::Polled(at) => Ok(*self.polled_after.insert(at.after(self.started))),
            Report::Returned(text) | Report::Failed(text) => bail!("the function did not start: {text}"),
            Report::Ended(status) => bail!("the function's process ended before its first poll: {status}"),
        }
    }

    /// Sends the function one event and waits for the outcome.
    ///
    /// # Errors
    /// When the function does not answer within `limit`.
    pub fn invoke(&mut self, event: &Value, limit: Duration) -> anyhow::Result<Answer> {
        self.send(event);
        self.wait_for_answer(limit)
    }

    /// Sends the function one event without waiting.
    pub fn send(&self, event: &Value) {
        self.send_with_request_id(event, None);
    }

    /// Sends one event with this request id; Lambda retries an event under the same id.
    pub fn send_with_request_id(&self, event: &Value, request: Option<&str>) {
        // This fails only if the server's thread has ended; then waiting for the answer fails too.
        let _ = self.events.send((event.to_string(), request.map(str::to_owned)));
    }

    /// Waits for the outcome of the last event.
    ///
    /// # Errors
    /// When the function does not answer within `limit`.
    pub fn wait_for_answer(&mut self, limit: Duration) -> anyhow::Result<Answer> {
        let json = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        loop {
            match self.next_report(limit)? {
                Report::Polled(at) => {
                    self.polled_after.get_or_insert(at.after(self.started));
                }
                Report::Returned(text) => return Ok(Answer::Returned(json(text))),
                Report::Failed(text) => return Ok(Answer::Failed(json(text))),
                Report::Ended(status) => return Ok(Answer::Died(status)),
            }
        }
    }

    /// The operating system's id of the process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process without warning, as a crash or an out-of-memory would.
    pub fn kill(&mut self) {
        // Both fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the next report, or for the end of the process.
    fn next_report(&mut self, limit: Duration) -> anyhow::Result<Report> {
        let start = Stopwatch::start();
        while start.elapsed() < limit {
            match self.reports.recv_timeout(POLL) {
                Ok(report) => return Ok(report),
                Err(RecvTimeoutError::Disconnected) => bail!("the Runtime API's thread has ended"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(status) = self.child.try_wait()? {
                // The last report may still be in transit.
                return Ok(self.reports.recv_timeout(20 * POLL).unwrap_or(Report::Ended(status)));
            }
        }
        bail!("the function did not answer within {} s", limit.as_secs_f64())
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Events to send, each with its request id if it needs a specific one.
type Pending = Arc<Mutex<Receiver<(String, Option<String>)>>>;

/// Accepts connections until this process ends. Only the function's process knows the address.
fn serve(listener: &TcpListener, pending: &Pending, report: &Sender<Report>, time_limit: Duration) {
    for connection in listener.incoming().flatten() {
        let (pending, report) = (Arc::clone(pending), report.clone());
        // An error means that the process closed the connection.
        std::thread::spawn(move || answer_requests(&connection, &pending, &report, time_limit).ok());
    }
}

fn answer_requests(
    connection: &TcpStream,
    pending: &Pending,
    report: &Sender<Report>,
    time_limit: Duration,
) -> anyhow::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    while let Some(request) = Request::read(&mut reader)? {
        let answer = match request.path.rsplit('/').next() {
            Some("next") => {
                report.send(Report::Polled(Stopwatch::start()))?;
                let (event, request) = pending.lock().unwrap_or_else(PoisonError::into_inner).recv()?;
                invocation_response(&event, request, time_limit)
            }
            Some("response") => {
                report.send(Report::Returned(request.body))?;
                accepted_response()
            }
            Some("error") => {
                report.send(Report::Failed(request.body))?;
                accepted_response()
            }
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        writer.write_all(answer.as_bytes())?;
    }
    Ok(())
}

fn accepted_response() -> String {
    "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the Runtime API states a deadline by the wall clock")]
fn invocation_response(event: &str, request: Option<String>, time_limit: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = request.unwrap_or_else(|| format!("{:032x}", now.as_nanos()));
    let deadline = now + time_limit;
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Lambda-Runtime-Aws-Request-Id: {request}\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:local\r\n\r\n{event}",
        event.len(),
        deadline.as_millis(),
    )
}
