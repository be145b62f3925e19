//! The content of the templates bucket, made of template folders.
//!
//! `templates/{id}/{version}/{file}` for every file, and `catalogue.json`: an array of what the app shows of
//! each template, with the sha256 of its `template.json`, which pins all its other files.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// One object of the bucket: its key and its bytes.
type Object = (String, Vec<u8>);

/// What `template.json` says that the catalogue repeats.
#[derive(Deserialize)]
struct Description {
    id: String,
    version: u32,
    title: String,
    licence: String,
    width: u32,
    height: u32,
    files: Files,
}

#[derive(Deserialize)]
struct Files {
    thumbnail: File,
}

#[derive(Deserialize)]
struct File {
    name: String,
}

#[derive(Serialize)]
struct Entry {
    id: String,
    version: u32,
    sha256: String,
    title: String,
    licence: String,
    width: u32,
    height: u32,
    thumbnail: String,
}

/// Lays out every template folder of `directory` as the bucket's objects, the catalogue last: whoever reads a
/// new catalogue finds what it names.
///
/// # Errors
/// When a folder cannot be read or its `template.json` lacks a field.
pub fn lay_out(directory: &Path) -> anyhow::Result<Vec<Object>> {
    let mut objects = Vec::new();
    let mut catalogue = Vec::new();
    for folder in sorted_entries(directory)?.iter().filter(|path| path.is_dir()) {
        let path = folder.join("template.json");
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let described: Description =
            serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?;
        for file in sorted_entries(folder)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let key = format!("templates/{}/{}/{name}", described.id, described.version);
            objects.push((key, fs::read(&file)?));
        }
        catalogue.push(Entry {
            id: described.id,
            version: described.version,
            sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            title: described.title,
            licence: described.licence,
            width: described.width,
            height: described.height,
            thumbnail: described.files.thumbnail.name,
        });
    }
    objects.push(("catalogue.json".to_owned(), serde_json::to_vec_pretty(&catalogue)?));
    Ok(objects)
}

fn sorted_entries(directory: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
