//! `cargo xtask publish FOLDER`: lays the templates out as the templates bucket holds them, for `aws s3 sync`.

use std::fs;
use std::path::PathBuf;

use local_stack::lay_out;

use crate::workspace::{self, say};

/// Lay the templates of `templates/` out as the templates bucket holds them, for `aws s3 sync`.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The folder that becomes the bucket's content.
    folder: PathBuf,
}

impl Publish {
    /// Writes every object as a file.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let objects = lay_out(&workspace::root().join("templates"))?;
        for (key, bytes) in &objects {
            let file = self.folder.join(key);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(file, bytes)?;
        }
        say(&format!("{} files in {}", objects.len(), self.folder.display()));
        Ok(())
    }
}
