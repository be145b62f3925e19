//! `seeds FOLDER EVENTS`: writes the seed inputs of each fuzz target to FOLDER/TARGET. EVENTS is the folder of sample
//! events.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fuzz::{containers, receipts};

#[expect(clippy::disallowed_methods, reason = "a program of the tests, with two paths as its arguments")]
fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(events)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: seeds FOLDER EVENTS"));
    };
    let photos = [containers::jpegs(), containers::pngs(), containers::webps()].concat();
    write(&folder, "jpeg", &containers::jpegs())?;
    write(&folder, "photo", &photos)?;
    write(&folder, "exif", &(1..=8).map(containers::exif).collect::<Vec<_>>())?;
    write(&folder, "icc", &containers::profiles())?;
    write(&folder, "event", &sample_events(&events)?)?;
    write(&folder, "cursor", &CURSORS.map(|text| text.as_bytes().to_vec()))?;
    write(&folder, "body", &BODIES.map(|text| text.as_bytes().to_vec()))?;
    write(&folder, "receipt", &[receipts::signed().into_bytes(), key_set()?])
}

/// One text of each kind that a client sends back.
const CURSORS: [&str; 4] = [
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "1795000000.template.astronaut",
    "1795000000.work.01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV/01BX5ZZKBKACTAV9WEVGEMMVRZ",
];

/// One body of each kind that a client sends.
const BODIES: [&str; 2] = [
    r#"{"template_id": "astronaut", "source": "camera", "content_type": "image/jpeg", "content_length": 3145728,
        "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}"#,
    r#"{"scope": "account", "contact": "somebody@example.org"}"#,
];

fn key_set() -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&receipts::keys())?)
}

/// Reads the sample events of all functions, sorted by path, so that a seed has the same number on every machine.
fn sample_events(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    for function in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        files.extend(entries(&function)?);
    }
    files.sort();
    files.into_iter().map(fs::read).collect()
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn write(folder: &Path, target: &str, seeds: &[Vec<u8>]) -> io::Result<()> {
    let folder = folder.join(target);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
