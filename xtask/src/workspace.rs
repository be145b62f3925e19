//! The path of the workspace, and progress messages to the terminal.

use std::path::Path;

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Prints one line of progress to stderr; stdout is for results.
#[expect(clippy::print_stderr, reason = "a command-line tool reports its progress")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
