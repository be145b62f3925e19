//! `cargo xtask publish FOLDER`: writes the templates as files in the layout of the templates bucket, for `aws s3
//! sync`.
//!
//! Only this command may write to the folder: every file in it is uploaded and shown to users. A list next to the
//! folder names the files that this command wrote. With it the command detects foreign files, and removes files of
//! templates that no longer exist.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use local_stack::lay_out;

use crate::workspace::{self, say};

/// The most foreign files that an error message names.
const NAMED_MAX: usize = 3;

/// Write the templates of `templates/` in the layout of the templates bucket, for `aws s3 sync`.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The folder to sync to the bucket: a new one, an empty one, or that of an earlier run.
    folder: PathBuf,
}

impl Publish {
    /// Writes every object as a file, and removes the files of an earlier run that no longer belong there.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let objects = lay_out(&workspace::root().join("templates"))?;
        let removed = publish(&self.folder, &objects)?;
        say(&format!("wrote {} to {}", files(objects.len()), self.folder.display()));
        if removed > 0 {
            say(&format!("removed {} of an earlier run", files(removed)));
        }
        Ok(())
    }
}

/// Formats a number of files.
fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Makes the folder hold exactly these objects. Returns how many files of an earlier run were removed.
fn publish(folder: &Path, objects: &[(String, Vec<u8>)]) -> anyhow::Result<usize> {
    let list = list_path(folder)?;
    let own = own_files(&list)?;
    let existing = files_below(folder)?;
    let foreign: Vec<_> = existing.difference(&own).collect();
    ensure!(
        foreign.is_empty(),
        "{} holds {} that this command did not write and that would be uploaded: {}{}; choose another folder",
        folder.display(),
        files(foreign.len()),
        foreign.iter().take(NAMED_MAX).map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
        if foreign.len() > NAMED_MAX { ", …" } else { "" }
    );
    let new: BTreeSet<_> = objects.iter().map(|(key, _bytes)| key.clone()).collect();
    // The list comes first: if this run stops halfway, the next run still knows which files are its own.
    let all: Vec<_> = own.union(&new).cloned().collect();
    write(&list, all.join("\n").as_bytes())?;
    for (key, bytes) in objects {
        write(&folder.join(key), bytes)?;
    }
    let stale: Vec<_> = existing.difference(&new).collect();
    for name in &stale {
        remove(folder, name)?;
    }
    write(&list, new.iter().cloned().collect::<Vec<_>>().join("\n").as_bytes())?;
    Ok(stale.len())
}

/// The path of the list, next to the folder: inside the folder it would be uploaded.
fn list_path(folder: &Path) -> anyhow::Result<PathBuf> {
    let name =
        folder.file_name().with_context(|| format!("{} does not end in a folder name", folder.display()))?;
    Ok(folder.with_file_name(format!("{}.published", name.display())))
}

/// The files that earlier runs wrote.
fn own_files(list: &Path) -> anyhow::Result<BTreeSet<String>> {
    match fs::read_to_string(list) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| list.display().to_string()),
    }
}

/// Every file below a folder, as a path relative to it; empty when the folder does not exist.
fn files_below(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut folders = if folder.exists() { vec![folder.to_owned()] } else { Vec::new() };
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let path = entry.with_context(|| next.display().to_string())?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder)?.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// Removes a file, and the folders that are empty after that.
fn remove(folder: &Path, name: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    fs::remove_file(&path).with_context(|| path.display().to_string())?;
    for parent in path.ancestors().skip(1).take_while(|parent| *parent != folder) {
        if fs::remove_dir(parent).is_err() {
            // The folder holds other files.
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder to publish into, with its list; deleted on drop.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = workspace::root().join(format!("target/publish-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn bucket(&self) -> PathBuf {
            self.0.join("bucket")
        }

        fn publish(&self, keys: &[&str]) -> anyhow::Result<usize> {
            let objects: Vec<_> =
                keys.iter().map(|key| ((*key).to_owned(), key.as_bytes().to_vec())).collect();
            publish(&self.bucket(), &objects)
        }

        fn files(&self) -> Vec<String> {
            files_below(&self.bucket()).unwrap().into_iter().collect()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn publish_removes_the_files_of_a_deleted_template() {
        let scratch = Scratch::new("stale");
        scratch
            .publish(&["catalogue.json", "templates/a/1/picture.png", "templates/b/1/picture.png"])
            .unwrap();
        assert_eq!(scratch.publish(&["catalogue.json", "templates/a/2/picture.png"]).unwrap(), 2);
        assert_eq!(scratch.files(), ["catalogue.json", "templates/a/2/picture.png"]);
        assert!(!scratch.bucket().join("templates/b").exists(), "an empty folder remains");
        assert_eq!(scratch.publish(&["catalogue.json", "templates/a/2/picture.png"]).unwrap(), 0);
    }

    #[test]
    fn a_foreign_file_is_neither_uploaded_nor_removed() {
        let scratch = Scratch::new("foreign");
        fs::create_dir_all(scratch.bucket()).unwrap();
        fs::write(scratch.bucket().join("holiday.jpg"), b"mine").unwrap();
        let refusal = scratch.publish(&["catalogue.json"]).unwrap_err().to_string();
        assert!(
            refusal.contains("holds 1 file that this command did not write")
                && refusal.contains("holiday.jpg")
        );
        assert_eq!(scratch.files(), ["holiday.jpg"]);
        fs::remove_file(scratch.bucket().join("holiday.jpg")).unwrap();
        scratch.publish(&["catalogue.json", "templates/a/1/picture.png"]).unwrap();
        fs::write(scratch.bucket().join("templates/a/1/.DS_Store"), b"foreign").unwrap();
        scratch.publish(&["catalogue.json"]).unwrap_err();
        assert_eq!(scratch.files().len(), 3, "a refusal changes nothing");
    }
}
