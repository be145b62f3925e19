//! Where the workspace lies, and how a command talks to whoever runs it.

use std::path::Path;

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// One line of progress on stderr; stdout belongs to results.
#[expect(clippy::print_stderr, reason = "a command-line tool talks to its user")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
