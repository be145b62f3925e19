//! Where things lie in the checkout this was built from.

use std::path::{Path, PathBuf};

/// The checkout's top folder.
#[must_use]
pub fn workspace_root() -> PathBuf {
    #[expect(clippy::expect_used, reason = "this crate lies two folders below the top")]
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("infra/local has a top folder");
    root.to_owned()
}

/// Where the stack of that name keeps its logs, certificate and temporary files.
#[must_use]
pub fn local_directory(name: &str) -> PathBuf {
    workspace_root().join("target/local").join(name)
}

/// The Python programs that the local stack runs.
pub(crate) fn program(file: &str) -> PathBuf {
    workspace_root().join("infra/local/python").join(file)
}
