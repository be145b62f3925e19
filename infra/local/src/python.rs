//! Sets up Python environments of pinned, hashed packages below `target/python/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::workspace::workspace_root;

/// A virtual environment with exactly the packages of a requirements file.
pub struct Python {
    directory: PathBuf,
}

impl Python {
    /// Sets up the environment of emulator, deployment, lint and issuer.
    ///
    /// # Errors
    /// When Python 3.10 or newer is missing, or a package cannot be fetched or has a wrong hash.
    pub fn for_stack(report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        Self::with_requirements("stack", &workspace_root().join("infra/local/requirements.txt"), report)
    }

    /// Sets up the environment that contains `cargo lambda`.
    ///
    /// # Errors
    /// As [`Self::for_stack`].
    pub fn for_cargo_lambda(report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        Self::with_requirements("dev", &workspace_root().join("infra/local/requirements-dev.txt"), report)
    }

    /// Makes `target/python/NAME` match this requirements file; does nothing if it already matches.
    ///
    /// The file must list every package: dependencies that it does not list are not installed.
    ///
    /// # Errors
    /// As [`Self::for_stack`].
    pub fn with_requirements(name: &str, requirements: &Path, report: &dyn Fn(&str)) -> anyhow::Result<Self> {
        let directory = workspace_root().join("target/python").join(name);
        fs::create_dir_all(&directory)?;
        // Two commands that start at once must not install into the same folder.
        let lock = File::create(directory.join("set-up.lock"))?;
        lock.lock().context("cannot lock the Python environment")?;
        let installed = directory.join("installed.txt");
        let wanted = fs::read(requirements).with_context(|| requirements.display().to_string())?;
        if fs::read(&installed).is_ok_and(|present| present == wanted) {
            return Ok(Self { directory });
        }
        report(&format!(
            "  installing the packages of the Python environment {name}; this takes a minute or two"
        ));
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(directory.join("venv")))?;
        let python = Self { directory };
        run(python
            .command()
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--retries",
                "5",
                "--no-deps",
                "--require-hashes",
                "--requirement",
            ])
            .arg(requirements))?;
        fs::write(installed, wanted)?;
        Ok(python)
    }

    /// A command that runs this environment's interpreter.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(self.interpreter())
    }

    /// The path of this environment's interpreter.
    #[must_use]
    pub fn interpreter(&self) -> PathBuf {
        self.programs().join("python3")
    }

    /// The folder of the programs that the packages install.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.directory.join("venv/bin")
    }
}

/// Runs `command` and waits for its end; its output goes to standard error.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(status.success(), "{} failed: {status}; its messages are above", command.get_program().display());
    Ok(())
}
