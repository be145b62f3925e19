//! Tests the commands of the developer's loop: `cargo xtask dev`, `cargo xtask replay`, `cargo lambda invoke`.
//!
//! Needs the models and the demo templates; `cargo xtask dev` fetches and makes those that are missing.

#![expect(clippy::expect_used, reason = "a failed step must fail the test")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use local_stack::{Python, build_binaries, workspace_root};
use serde_json::Value;

/// A running `cargo xtask dev`; drop kills it, as a closed terminal would.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts `cargo xtask dev` and waits for its guide. Returns the port of `cargo lambda` that the guide names.
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
        // This is the guide's last line. Stopping earlier would break the pipe while xtask still writes.
        if line.starts_with("AWS") {
            break;
        }
        invoke = invoke.or_else(|| line.starts_with("Invoke").then(|| line.clone()));
    }
    let invoke = invoke.expect("cargo xtask dev ended before it printed its guide");
    let port = invoke.split("--invoke-port ").nth(1).and_then(|rest| rest.split(' ').next());
    (dev, port.expect("the guide names the port").to_owned())
}

/// Lists every sample event: `FUNCTION/NAME` → file.
fn events() -> BTreeMap<String, PathBuf> {
    let folders = std::fs::read_dir(workspace_root().join("events")).expect("events/").flatten();
    let folders = folders.map(|entry| entry.path()).filter(|path| path.is_dir());
    let mut events = BTreeMap::new();
    for folder in folders {
        let function = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for event in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let name = event.path().with_extension("");
            let name = name.file_name().expect("a name").to_string_lossy().into_owned();
            events.insert(format!("{function}/{name}"), event.path());
        }
    }
    events
}

/// The statuses with which a sample may be answered.
struct Answers {
    event: &'static str,
    /// By `replay`, which sends it with live ids.
    replayed: &'static [u64],
    /// By `invoke`, which sends it unchanged: its ids belong to nothing.
    invoked: &'static [u64],
}

const fn answers(event: &'static str, replayed: &'static [u64], invoked: &'static [u64]) -> Answers {
    Answers { event, replayed, invoked }
}

/// The expected statuses for each sample request. A receipt exists only after the erasure is verified, hence 409.
const REQUESTS: [Answers; 15] = [
    answers("account/start", &[200], &[200]),
    answers("deletion-requests/create", &[200, 201], &[200, 201]),
    answers("deletion-requests/keys", &[200], &[200]),
    answers("deletion-requests/list", &[200], &[200]),
    answers("deletion-requests/receipt", &[200, 409], &[404]),
    answers("deletion-requests/show", &[200], &[404]),
    answers("favorites/delete", &[204], &[204]),
    answers("favorites/list", &[200], &[200]),
    answers("favorites/save", &[200], &[404]),
    answers("favorites/save-template", &[200], &[200]),
    answers("templates/list", &[200], &[200]),
    answers("uploads/create", &[201], &[200, 201]),
    answers("works/delete", &[204], &[204]),
    answers("works/list", &[200], &[200]),
    answers("works/show", &[200], &[404]),
];

/// The functions whose samples are events, not requests: they answer `null`.
const EVENT_FUNCTIONS: [&str; 3] = ["erase", "purge", "synthesize"];

/// Checks that a command succeeded and its sample was answered with an expected status.
fn check(what: &str, event: &str, statuses: impl Fn(&Answers) -> &'static [u64], output: &Output) {
    assert!(output.status.success(), "{what} {event}: {output:?}");
    let answer = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{what} {event}: {answer}"));
    let (function, _) = event.split_once('/').expect("a function");
    if EVENT_FUNCTIONS.contains(&function) {
        assert_eq!(answer, Value::Null, "{what} {event}");
        return;
    }
    let expected = REQUESTS.iter().find(|answers| answers.event == event);
    let expected =
        statuses(expected.unwrap_or_else(|| panic!("REQUESTS has no entry for the sample {event}")));
    let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{what} {event}: {answer}"));
    assert!(
        expected.contains(&status),
        "{what} {event}: status {status}, expected one of {expected:?}: {answer}"
    );
}

#[test]
fn replay_and_cargo_lambda_invoke_answer_every_sample_event_as_expected() {
    let xtask = build_binaries(&["xtask"]).expect("xtask builds")["xtask"].clone();
    let cargo_lambda =
        Python::for_cargo_lambda(&|_| ()).expect("cargo lambda").programs().join("cargo-lambda");
    let (_dev, port) = start(&xtask);
    assert_second_dev_is_refused(&xtask);
    let events = events();
    for Answers { event, .. } in &REQUESTS {
        assert!(events.contains_key(*event), "events/ has no sample {event}, which REQUESTS names");
    }
    let replay = |event: &str| {
        let output = Command::new(&xtask).arg("replay").arg(&events[event]).output().expect("replay");
        check("replay", event, |answers| answers.replayed, &output);
    };
    for (event, file) in &events {
        replay(event);
        let (function, _) = event.split_once('/').expect("a function");
        let output = Command::new(&cargo_lambda)
            .args(["lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port", &port])
            .args([function, "--data-file"])
            .arg(file)
            .output()
            .expect("invoke");
        check("invoke", event, |answers| answers.invoked, &output);
    }
    // A replay works again after an earlier replay deleted what it needs.
    for event in ["works/delete", "works/delete", "favorites/save", "uploads/create", "works/show"] {
        replay(event);
    }
}

/// Checks that a second `cargo xtask dev` of the checkout is refused: it would share the folder of the first.
fn assert_second_dev_is_refused(xtask: &Path) {
    let second = Command::new(xtask).arg("dev").stdin(Stdio::null()).output().expect("xtask starts");
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && message.contains("already runs the stack named dev of this checkout"),
        "{message}"
    );
    assert!(second.stdout.is_empty(), "the refused command printed a guide");
}
