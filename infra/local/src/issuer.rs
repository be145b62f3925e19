//! Runs the local `OpenID` Connect issuer, which replaces the identity provider of a deployment.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::lifeline::{ChildGuard, free_port};
use crate::python::Python;
use crate::stopwatch::Stopwatch;
use crate::workspace::program;

/// The longest time until the issuer has made its key and answers.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running issuer; drop stops it.
pub(crate) struct Issuer {
    _process: ChildGuard,
    pub(crate) url: String,
}

impl Issuer {
    /// The default audience of its tokens, which the deployed API requires.
    pub(crate) const AUDIENCE: &'static str = "ai-fitting";

    /// Starts the issuer with the emulator's certificate and key (in one folder) and waits until it answers `agent`.
    pub(crate) fn start(python: &Python, certificate: &Path, agent: &ureq::Agent) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = python.command();
        command.arg(program("issuer.py")).args(["--port", &port.to_string(), "--audience", Self::AUDIENCE]);
        command.arg("--certificate").arg(certificate).arg("--key").arg(certificate.with_file_name("key.pem"));
        let issuer =
            Self { _process: ChildGuard::start(&mut command)?, url: format!("https://127.0.0.1:{port}") };
        let start = Stopwatch::start();
        while agent.get(format!("{}/keys", issuer.url)).call().is_err() {
            ensure!(
                start.elapsed() < START_LIMIT,
                "the token issuer did not answer within {} s",
                START_LIMIT.as_secs()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(issuer)
    }
}

/// Requests a token with these claims from the issuer at `url`; missing claims get the defaults.
pub(crate) fn token(agent: &ureq::Agent, url: &str, claims: &Value) -> anyhow::Result<String> {
    let mut answer = agent.post(format!("{url}/token")).send_json(claims)?;
    let body: Value = answer.body_mut().read_json()?;
    Ok(body["access_token"].as_str().context("the issuer answered without a token")?.to_owned())
}
