//! Makes the content of the templates bucket from template folders.
//!
//! The bucket holds `templates/{id}/{version}/{file}` for every file, and `catalogue.json`. The catalogue is an array
//! of what the app shows of each template, with the sha256 of its `template.json`, which pins all its other files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The name of the file that describes a template.
const DESCRIPTION: &str = "template.json";

/// One object of the bucket: its key and its bytes.
type Object = (String, Vec<u8>);

/// The fields of `template.json` that the catalogue repeats, and the template's files.
#[derive(Deserialize)]
struct Description {
    id: String,
    version: u32,
    title: String,
    licence: String,
    width: u32,
    height: u32,
    files: BTreeMap<String, File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    sha256: String,
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

/// Returns the bucket's objects for every template folder of `directory`. The catalogue is last, so that a reader of a
/// new catalogue finds all files that it names. Only files that a description names are included.
///
/// # Errors
/// When a folder cannot be read, is not a template, or differs from its `template.json`; the message has its path.
pub fn lay_out(directory: &Path) -> anyhow::Result<Vec<Object>> {
    let mut objects = Vec::new();
    let mut catalogue: Vec<Entry> = Vec::new();
    for folder in sorted_entries(directory)?.iter().filter(|path| path.is_dir()) {
        let at = || folder.display().to_string();
        let (entry, files) = template(folder).with_context(at)?;
        let twice = catalogue.iter().any(|other| other.id == entry.id);
        ensure!(!twice, "{}: another folder also has the template {}", at(), entry.id);
        objects.extend(files);
        catalogue.push(entry);
    }
    objects.push(("catalogue.json".to_owned(), serde_json::to_vec_pretty(&catalogue)?));
    Ok(objects)
}

/// The catalogue's entry for the template of one folder, and the template's objects.
fn template(folder: &Path) -> anyhow::Result<(Entry, Vec<Object>)> {
    let bytes = fs::read(folder.join(DESCRIPTION)).context(DESCRIPTION)?;
    let described: Description = serde_json::from_slice(&bytes).context(DESCRIPTION)?;
    for (what, text) in [("title", &described.title), ("licence", &described.licence)] {
        ensure!(!text.trim().is_empty(), "{DESCRIPTION}: the {what} is empty; users see it, so set it");
    }
    let key = |name: &str| format!("templates/{}/{}/{name}", described.id, described.version);
    let mut objects = vec![(key(DESCRIPTION), bytes.clone())];
    for File { name, sha256 } in described.files.values() {
        ensure!(!name.contains(['/', '\\']), "{name} is not a plain file name");
        let file = fs::read(folder.join(name)).with_context(|| name.clone())?;
        ensure!(hash(&file) == *sha256, "{name} is not the file that {DESCRIPTION} describes");
        objects.push((key(name), file));
    }
    let thumbnail =
        described.files.get("thumbnail").context("template.json names no thumbnail")?.name.clone();
    let entry = Entry {
        id: described.id,
        version: described.version,
        sha256: hash(&bytes),
        title: described.title,
        licence: described.licence,
        width: described.width,
        height: described.height,
        thumbnail,
    };
    Ok((entry, objects))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sorted_entries(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let at = || directory.display().to_string();
    let entries = fs::read_dir(directory).with_context(at)?;
    let mut paths =
        entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>().with_context(at)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::workspace::local_directory;

    /// A folder of templates, deleted on drop.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = local_directory(&format!("{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        /// Adds a valid template in a folder of that name, after applying `change` to its description.
        fn add(&self, folder: &str, change: impl Fn(&mut Value)) {
            let folder = self.0.join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("thumbnail.jpg"), b"thumbnail").unwrap();
            let mut description = json!({
                "id": "mona", "version": 3, "title": "Mona", "licence": "public domain", "width": 4, "height": 5,
                "face": { "index": 0 },
                "files": { "thumbnail": { "name": "thumbnail.jpg", "sha256": hash(b"thumbnail") } },
            });
            change(&mut description);
            fs::write(folder.join(DESCRIPTION), description.to_string()).unwrap();
        }

        fn refusal(&self) -> String {
            format!("{:#}", lay_out(&self.0).unwrap_err())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn only_files_that_a_description_names_become_objects() {
        let folder = Folder::new("laid-out");
        folder.add("mona", |_| {});
        fs::write(folder.0.join("mona/notes.txt"), b"mine").unwrap();
        let objects = lay_out(&folder.0).unwrap();
        let keys: Vec<_> = objects.iter().map(|(key, _)| key.as_str()).collect();
        let expected = ["templates/mona/3/template.json", "templates/mona/3/thumbnail.jpg", "catalogue.json"];
        assert_eq!(keys, expected);
        let catalogue: Value = serde_json::from_slice(&objects[2].1).unwrap();
        assert_eq!(catalogue[0]["sha256"], hash(&objects[0].1));
    }

    #[test]
    fn a_folder_that_is_not_a_template_is_refused_with_its_path() {
        for (case, change, message) in [
            ("no-title", json!({ "title": " " }), "the title is empty"),
            ("no-licence", json!({ "licence": "" }), "the licence is empty"),
            ("no-thumbnail", json!({ "files": {} }), "template.json names no thumbnail"),
            (
                "altered",
                json!({ "files": { "thumbnail": { "name": "thumbnail.jpg", "sha256": "00" } } }),
                "thumbnail.jpg is not the file that template.json describes",
            ),
            (
                "elsewhere",
                json!({ "files": { "thumbnail": { "name": "../thumbnail.jpg", "sha256": "00" } } }),
                "../thumbnail.jpg is not a plain file name",
            ),
        ] {
            let folder = Folder::new(case);
            folder.add("mona", |description| {
                for (name, value) in change.as_object().unwrap() {
                    description[name] = value.clone();
                }
            });
            let refusal = folder.refusal();
            assert!(refusal.contains(message) && refusal.contains("/mona: "), "{case}: {refusal}");
        }
        let folder = Folder::new("empty");
        fs::create_dir_all(folder.0.join("mona")).unwrap();
        assert!(folder.refusal().contains("/mona: template.json: "), "{}", folder.refusal());
        let folder = Folder::new("twice");
        folder.add("one", |_| {});
        folder.add("two", |_| {});
        assert!(folder.refusal().contains("/two: another folder also has the template mona"));
    }
}
