//! Tests the `template` tool from its user's view: what it refuses, and that each error is printed once and names the
//! file.

#![expect(clippy::expect_used, reason = "a failed precondition ends the test")]

#[path = "../../fitting/tests/support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use fitting::RgbImage;
use support::{encoded_png, picture};

/// A checkout with the models and without templates; it is removed on drop.
struct Checkout(PathBuf);

impl Checkout {
    fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("models")).expect("a folder");
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/weights");
        symlink(weights, root.join("models/weights")).expect("a link");
        Self(root)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("written");
        path.display().to_string()
    }

    /// Runs the tool; returns whether it succeeded, and its output.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_template"));
        let output = tool.args(arguments).arg("--root").arg(&self.0).output().expect("starts");
        assert!(output.stdout.is_empty());
        (output.status.success(), String::from_utf8(output.stderr).expect("text"))
    }

    fn add(&self, picture: &str, title: &str, licence: &str) -> (bool, String) {
        self.run(&["add", picture, "--id", "mine", "--title", title, "--licence", licence])
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("removed");
    }
}

#[test]
fn a_template_is_made_checked_and_made_again_as_the_next_version() {
    let checkout = Checkout::new("made");
    let portrait = checkout.file("portrait.png", &picture("astronaut.png"));
    for version in 1..=2 {
        let (made, said) = checkout.add(&portrait, "Mine", "CC0");
        assert!(made && said.contains(&format!("template mine version {version}: ")), "{said}");
    }
    let (checked, said) = checkout.run(&["check", "mine"]);
    assert!(checked && said.contains("the face is small"), "{said}");
    let (found, said) = checkout.run(&["check", "yours"]);
    assert!(
        !found && said.contains("there is no template yours") && said.contains("there are: mine"),
        "{said}"
    );
}

#[test]
fn title_and_licence_must_not_be_empty() {
    let checkout = Checkout::new("untitled");
    let portrait = checkout.file("portrait.png", &picture("astronaut.png"));
    for (title, licence, option) in
        [("", "CC0", "--title"), ("Mine", "  ", "--licence"), ("a\nb", "CC0", "--title")]
    {
        let (made, said) = checkout.add(&portrait, title, licence);
        assert!(!made && said.contains(option), "{title:?} {licence:?}: {said}");
    }
    assert!(!checkout.0.join("templates").exists(), "a refused template was written");
}

#[test]
fn an_error_is_printed_once_and_names_the_file() {
    let checkout = Checkout::new("wrong");
    let missing = checkout.0.join("missing.png").display().to_string();
    let text = checkout.file("text.png", b"hello");
    let empty = checkout.file("empty.png", &encoded_png(&RgbImage::new(64, 64)));
    for (picture, reason) in [
        (&missing, "No such file"),
        (&text, "the picture is not a JPEG, PNG or WebP"),
        (&empty, "there is no face in the picture"),
    ] {
        let (made, said) = checkout.add(picture, "Mine", "CC0");
        assert!(!made, "{said}");
        for part in [picture.as_str(), reason] {
            assert_eq!(said.matches(part).count(), 1, "{part}: {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
