//! Runs the AWS emulator as a child process: on a free loopback port, with TLS and IAM.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::lifeline::{ChildGuard, free_port};
use crate::python::Python;
use crate::stopwatch::Stopwatch;
use crate::workspace::program;

/// The longest time until the emulator's first answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The longest time for an answer. Under `cargo xtask dev` a call may wait for the compiler, up to the time limit in
/// the overlay.
const ANSWER_LIMIT: Duration = Duration::from_secs(300);

/// A running emulator; dropping it stops it and every function process.
pub(crate) struct Emulator {
    process: ChildGuard,
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
        let process = ChildGuard::start(
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
        let agent = emulator
            .wait()
            .with_context(|| format!("the emulator did not start; see its log {}", log.display()))?;
        Ok((emulator, agent))
    }

    /// Waits for the first answer. Returns an HTTPS client that trusts the emulator.
    fn wait(&mut self) -> anyhow::Result<ureq::Agent> {
        let start = Stopwatch::start();
        let health = health_url(&self.endpoint);
        while start.elapsed() < START_LIMIT {
            if let Ok(agent) = https_client(&self.certificate)
                && agent.get(&health).call().is_ok()
            {
                return Ok(agent);
            }
            if self.process.has_ended() {
                bail!("its process ended");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("it did not answer within {} s", START_LIMIT.as_secs())
    }
}

/// The URL that the emulator answers as soon as it is ready.
pub(crate) fn health_url(endpoint: &str) -> String {
    format!("{endpoint}/_ministack/health")
}

/// Makes an HTTPS client that trusts only this certificate, and returns 4xx and 5xx as answers, not errors.
pub(crate) fn https_client(certificate: &Path) -> anyhow::Result<ureq::Agent> {
    let certificate = Certificate::from_pem(&fs::read(certificate)?)?;
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate])).build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_global(Some(ANSWER_LIMIT))
        .build();
    Ok(config.into())
}
