//! The AWS emulator as a child process: loopback only, TLS and IAM on, a free port.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::lifeline::{Tied, free_port};
use crate::python::Python;
use crate::stopwatch::Stopwatch;
use crate::workspace::program;

/// How long the emulator may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long an answer may take: under `cargo xtask dev` a call may wait for the compiler, as long as the overlay lets it.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// A running emulator; dropping it stops it and every function process.
pub(crate) struct Emulator {
    process: Tied,
    pub(crate) endpoint: String,
    pub(crate) certificate: PathBuf,
}

impl Emulator {
    /// Starts the emulator with its files below `directory` and waits until it answers.
    pub(crate) fn start(
        python: &Python,
        directory: &Path,
        environment: &[(String, String)],
    ) -> anyhow::Result<(Self, ureq::Agent)> {
        fs::create_dir_all(directory)?;
        let port = free_port()?;
        let log = directory.join("emulator.log");
        let output = File::create(&log)?;
        let process = Tied::start(
            python
                .command()
                .arg(program("emulator.py"))
                .args(["--port", &port.to_string(), "--directory"])
                .arg(directory)
                .envs(environment.iter().map(|(name, value)| (name, value)))
                .stdout(output.try_clone()?)
                .stderr(output),
        )?;
        let certificate = directory.join("certificate.pem");
        let mut emulator = Self { process, endpoint: format!("https://127.0.0.1:{port}"), certificate };
        let agent = emulator.wait().with_context(|| format!("see {}", log.display()))?;
        Ok((emulator, agent))
    }

    /// Waits for the first answer; gives the HTTPS client that trusts the emulator.
    fn wait(&mut self) -> anyhow::Result<ureq::Agent> {
        let start = Stopwatch::start();
        let health = health_url(&self.endpoint);
        while start.elapsed() < START_LIMIT {
            if let Ok(agent) = trusting(&self.certificate)
                && agent.get(&health).call().is_ok()
            {
                return Ok(agent);
            }
            if self.process.has_ended() {
                bail!("the emulator ended at its start");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the emulator did not answer within {} s", START_LIMIT.as_secs())
    }
}

/// What an emulator answers as soon as it serves.
pub(crate) fn health_url(endpoint: &str) -> String {
    format!("{endpoint}/_ministack/health")
}

/// An HTTPS client that trusts this one certificate, and hands 4xx and 5xx to its caller as answers.
pub(crate) fn trusting(certificate: &Path) -> anyhow::Result<ureq::Agent> {
    let certificate = Certificate::from_pem(&fs::read(certificate)?)?;
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate])).build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_LIMIT))
        .build();
    Ok(config.into())
}
