//! Runs `cargo lambda watch`, which rebuilds and restarts a function when its source changes. It replaces the zip
//! packages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::binaries::{FUNCTIONS, remove_package_variables};
use crate::lifeline::{ChildGuard, free_port};
use crate::python::Python;
use crate::stack::Stack;
use crate::stopwatch::Stopwatch;
use crate::workspace::{local_directory, program, workspace_root};

/// The default port of `cargo lambda invoke`.
const DEFAULT_PORT: u16 = 9000;
/// The longest time until the watcher listens. It compiles a function only at the function's first event.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The longest time for a function's first call: on a slow machine cargo compiles for minutes.
const WARM_UP_LIMIT: Duration = Duration::from_secs(900);

/// The port of a watcher that has not started yet. The emulator needs the port first.
pub struct Watch {
    port: u16,
    cargo_lambda: Python,
}

/// A running watcher; drop stops it and the functions that it started.
pub struct Watcher {
    process: ChildGuard,
}

impl Watch {
    /// Installs `cargo lambda` if it is missing. Chooses the default port, or another if that one is in use.
    ///
    /// # Errors
    /// When the packages cannot be installed or no port is free.
    pub fn prepare(report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        let cargo_lambda = Python::for_cargo_lambda(report)?;
        let default_is_free = TcpListener::bind(("127.0.0.1", DEFAULT_PORT)).is_ok();
        Ok(Self { port: if default_is_free { DEFAULT_PORT } else { free_port()? }, cargo_lambda })
    }

    /// The environment variables with which the emulator sends the events of `stack`'s functions to this watcher.
    #[must_use]
    pub fn emulator_environment(&self, stack: &str) -> Vec<(String, String)> {
        let proxy =
            |name: &&str| (format!("MINISTACK_LAMBDA_PROXY_{stack}-{name}"), self.invocation_url(name));
        FUNCTIONS.iter().map(proxy).collect()
    }

    /// Starts the watcher with the environment of the deployed functions. All functions share one environment and run
    /// as the account's root.
    ///
    /// # Errors
    /// When the stack does not answer or the watcher does not listen.
    pub fn start(&self, stack: &Stack) -> anyhow::Result<Watcher> {
        let environment = self.write_environment(stack)?;
        let mut command = self.cargo_lambda.command();
        remove_package_variables(&mut command);
        command
            .current_dir(workspace_root())
            .arg(program("tied.py"))
            .arg(self.program())
            .args(["lambda", "watch", "--invoke-address", "127.0.0.1", "--concurrency", "4"])
            .args(["--invoke-port", &self.port.to_string(), "--env-file"])
            .arg(environment);
        let mut watcher = Watcher { process: ChildGuard::start(&mut command)? };
        let start = Stopwatch::start();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(
                !watcher.has_ended(),
                "cargo lambda watch ended before it listened; its messages are above"
            );
            ensure!(
                start.elapsed() < START_LIMIT,
                "cargo lambda watch does not listen on port {} after {} s",
                self.port,
                START_LIMIT.as_secs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(watcher)
    }

    /// Calls each function once and waits for its answer, so that `cargo lambda` compiles and starts it.
    ///
    /// # Errors
    /// When a function does not answer in time, or the watcher ends.
    pub fn warm_up(&self, watcher: &mut Watcher) -> anyhow::Result<()> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(WARM_UP_LIMIT))
            .http_status_as_error(false)
            .build();
        let agent = ureq::Agent::from(config);
        for name in FUNCTIONS {
            let answer = agent.post(self.invocation_url(name)).send_json(warm_up_event(name));
            let mut answer = answer.with_context(|| format!("the function {name} cannot be called"))?;
            ensure!(
                !watcher.has_ended(),
                "cargo lambda watch ended while it started the function {name}; its messages are above"
            );
            let status = answer.status();
            let message = answer.body_mut().read_to_string()?;
            ensure!(status.is_success(), "the function {name} does not start: {status} {message}");
        }
        Ok(())
    }

    /// The URL at which the watcher takes events for a function.
    fn invocation_url(&self, function: &str) -> String {
        format!("http://127.0.0.1:{}/2015-03-31/functions/{function}/invocations", self.port)
    }

    /// The path of the `cargo-lambda` program.
    fn program(&self) -> PathBuf {
        self.cargo_lambda.programs().join("cargo-lambda")
    }

    /// The port that the watcher listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Writes the variables of all functions to one file. Functions that share a variable set it to the same value.
    fn write_environment(&self, stack: &Stack) -> anyhow::Result<PathBuf> {
        let mut variables = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "test".to_owned()),
            ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
            ("AWS_ENDPOINT_URL".to_owned(), stack.description().endpoint.clone()),
            ("SSL_CERT_FILE".to_owned(), stack.description().certificate.display().to_string()),
        ]);
        for name in FUNCTIONS {
            variables.extend(stack.function_environment(name)?);
        }
        let mut text = String::new();
        for (name, value) in variables {
            writeln!(text, "{name}={value}")?;
        }
        let path = local_directory(&stack.description().name).join("functions.env");
        fs::write(&path, text)?;
        Ok(path)
    }
}

impl Watcher {
    /// Whether the watcher has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.has_ended()
    }
}

/// An event that a function handles without any effect: no photos, no requests, a sweep of an empty stack, or a route
/// that does not exist.
fn warm_up_event(function: &str) -> Value {
    match function {
        "synthesize" | "erase" => json!({ "Records": [] }),
        "purge" => json!({ "task": "sweep" }),
        _ => json!({
            "version": "2.0", "routeKey": "GET /warm-up", "rawPath": "/warm-up", "rawQueryString": "", "headers": {},
            "requestContext": {
                "routeKey": "GET /warm-up", "stage": "$default", "timeEpoch": 0,
                "http": { "method": "GET", "path": "/warm-up" },
            },
            "isBase64Encoded": false,
        }),
    }
}
