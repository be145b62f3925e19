//! Python virtual environments under `target/python/`, each made from one pinned, hashed requirements file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::registry::sha256_of;
use crate::workspace::say;

/// The Python of the environment `name`, made anew whenever its requirements changed.
///
/// The requirements name everything that is needed, so nothing beyond them is resolved or installed.
pub(crate) fn environment(root: &Path, name: &str, requirements: &Path) -> anyhow::Result<PathBuf> {
    let folder = root.join("target/python").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements.sha256");
    let wanted = sha256_of(requirements).with_context(|| format!("{} is missing", requirements.display()))?;
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    say(&format!("  making the Python environment {name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "5",
            "--no-deps",
        ])
        .args(["--require-hashes", "--only-binary=:all:", "-r"])
        .arg(requirements))?;
    fs::write(stamp, wanted)?;
    Ok(python)
}

/// Runs a command to its end; its own messages go to the terminal.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
