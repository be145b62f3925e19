//! Paths in the workspace.

use std::path::{Path, PathBuf};

/// The top folder of the checkout from which this crate was built.
#[must_use]
pub fn workspace_root() -> PathBuf {
    #[expect(clippy::expect_used, reason = "this crate is two folders below the top")]
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("infra/local has a top folder");
    root.to_owned()
}

/// The folder for the logs, certificate and temporary files of the stack of that name.
#[must_use]
pub fn local_directory(name: &str) -> PathBuf {
    workspace_root().join("target/local").join(name)
}

/// The path of a Python program of the local stack.
pub(crate) fn program(file: &str) -> PathBuf {
    workspace_root().join("infra/local/python").join(file)
}
