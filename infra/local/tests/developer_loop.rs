//! The developer's loop as its users start it: `cargo xtask dev`, `cargo xtask replay`, `cargo lambda invoke`.
//!
//! Needs the models and the demo templates, which `cargo xtask dev` brings where they are missing.

#![expect(clippy::expect_used, reason = "a step that fails fails the test")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use local_stack::{Python, build_binaries, workspace_root};
use serde_json::Value;

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

/// Every sample event, by `FUNCTION/NAME`, with its file.
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

/// What a sample is answered with.
struct Answers {
    event: &'static str,
    /// With live ids in it.
    replayed: &'static [u64],
    /// As it is: its ids are nobody's.
    invoked: &'static [u64],
}

const fn answers(event: &'static str, replayed: &'static [u64], invoked: &'static [u64]) -> Answers {
    Answers { event, replayed, invoked }
}

/// The samples of requests, and the statuses that are right. A receipt is there as soon as the erasure is verified.
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

/// The functions whose samples are events: they answer nothing.
const EVENT_FUNCTIONS: [&str; 3] = ["erase", "purge", "synthesize"];

/// Checks that a command that handed a sample over was answered as is right.
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
    let expected = statuses(expected.unwrap_or_else(|| panic!("{event} is not in the table")));
    let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("{what} {event}: {answer}"));
    assert!(expected.contains(&status), "{what} {event}: {status}, not one of {expected:?}: {answer}");
}

#[test]
fn every_sample_event_is_answered_as_is_right_by_replay_and_by_cargo_lambda_invoke() {
    let xtask = build_binaries(&["xtask"]).expect("xtask builds")["xtask"].clone();
    let cargo_lambda =
        Python::for_cargo_lambda(&|_| ()).expect("cargo lambda").programs().join("cargo-lambda");
    let (_dev, port) = start(&xtask);
    a_second_one_is_refused(&xtask);
    let events = events();
    for Answers { event, .. } in &REQUESTS {
        assert!(events.contains_key(*event), "there is no sample {event}");
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
    // What a replay takes away is there again for the next.
    for event in ["works/delete", "works/delete", "favorites/save", "uploads/create", "works/show"] {
        replay(event);
    }
}

/// A second `cargo xtask dev` of the checkout would share the folder of the first.
fn a_second_one_is_refused(xtask: &Path) {
    let second = Command::new(xtask).arg("dev").stdin(Stdio::null()).output().expect("xtask starts");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("keeps the stack named dev of this checkout up"),
        "{said}"
    );
    assert!(second.stdout.is_empty(), "it printed a guide");
}
