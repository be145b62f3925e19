//! The developer's loop as its users start it: `cargo xtask dev`, `cargo xtask replay`, `cargo lambda invoke`.
//!
//! Needs the models and the demo templates, which `cargo xtask dev` brings where they are missing.

#![expect(clippy::expect_used, reason = "a step that fails fails the test")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use local_stack::{Python, build_binaries, workspace_root};

/// `cargo xtask dev`, killed when dropped, as a closed terminal would.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts it and waits for its guide; the port that the guide says `cargo lambda` listens on.
fn start(xtask: &Path) -> (Dev, String) {
    let mut child = Command::new(xtask)
        .arg("dev")
        .current_dir(workspace_root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("xtask starts");
    let guide = BufReader::new(child.stdout.take().expect("piped"));
    let dev = Dev(child);
    let mut invoke = None;
    for line in guide.lines().map_while(Result::ok) {
        // The guide's last line; to stop before it would break the pipe under its writer.
        if line.starts_with("AWS") {
            break;
        }
        invoke = invoke.or_else(|| line.starts_with("Invoke").then(|| line.clone()));
    }
    let invoke = invoke.expect("cargo xtask dev ended before it printed its guide");
    let port = invoke.split("--invoke-port ").nth(1).and_then(|rest| rest.split(' ').next());
    (dev, port.expect("the guide names the port").to_owned())
}

/// Every sample event, with the function that its folder names.
fn events() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(workspace_root().join("events")).expect("events/").flatten();
    let folders = folders.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut events = Vec::new();
    for folder in folders {
        let function = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for event in std::fs::read_dir(&folder).expect("a folder").flatten() {
            events.push((function.clone(), event.path()));
        }
    }
    events.sort();
    events
}

#[test]
fn every_sample_event_is_handled_by_replay_and_by_cargo_lambda_invoke() {
    let xtask = build_binaries(&["xtask"]).expect("xtask builds")["xtask"].clone();
    let cargo_lambda =
        Python::for_cargo_lambda(&|_| ()).expect("cargo lambda").programs().join("cargo-lambda");
    let (_dev, port) = start(&xtask);
    let events = events();
    assert!(events.len() >= 13, "{events:?}");
    for (function, event) in events {
        let replay = Command::new(&xtask).arg("replay").arg(&event).output().expect("replay");
        assert!(replay.status.success(), "replay {}: {replay:?}", event.display());
        let invoke = Command::new(&cargo_lambda)
            .args(["lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port", &port])
            .args([&function, "--data-file"])
            .arg(&event)
            .output()
            .expect("invoke");
        assert!(invoke.status.success(), "invoke {}: {invoke:?}", event.display());
    }
}
