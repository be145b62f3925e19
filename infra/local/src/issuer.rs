//! The local `OpenID` Connect issuer, standing for whatever provider a deployment names.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::lifeline::{Tied, free_port};
use crate::python::Python;
use crate::stopwatch::Stopwatch;
use crate::workspace::program;

/// How long the issuer may take to make its key and answer.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running issuer; dropping it stops it.
pub(crate) struct Issuer {
    _process: Tied,
    pub(crate) url: String,
}

impl Issuer {
    /// The audience its tokens carry by default, and the deployed API asks for.
    pub(crate) const AUDIENCE: &'static str = "ai-fitting";

    /// Starts the issuer with the emulator's certificate, whose key lies beside it, and waits until it answers `agent`.
    pub(crate) fn start(python: &Python, certificate: &Path, agent: &ureq::Agent) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = python.command();
        command.arg(program("issuer.py")).args(["--port", &port.to_string(), "--audience", Self::AUDIENCE]);
        command.arg("--certificate").arg(certificate).arg("--key").arg(certificate.with_file_name("key.pem"));
        let issuer = Self { _process: Tied::start(&mut command)?, url: format!("https://127.0.0.1:{port}") };
        let start = Stopwatch::start();
        while agent.get(format!("{}/keys", issuer.url)).call().is_err() {
            ensure!(start.elapsed() < START_LIMIT, "the token issuer did not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(issuer)
    }
}

/// A token of the issuer at `url` with these claims over the usual ones.
pub(crate) fn token(agent: &ureq::Agent, url: &str, claims: &Value) -> anyhow::Result<String> {
    let mut answer = agent.post(format!("{url}/token")).send_json(claims)?;
    let body: Value = answer.body_mut().read_json()?;
    Ok(body["access_token"].as_str().context("the issuer answered without a token")?.to_owned())
}
