//! Comparisons with other implementations: deadlines with another package's calendars, receipts with another package's
//! JOSE.
//!
//! These peers are Python packages, pinned with their hashes in `requirements.txt`. The tests need no stack.

#![expect(clippy::expect_used, reason = "a peer that fails or answers something else fails the test")]

mod deadlines;
mod receipts;

use std::io::Write as _;
use std::process::Stdio;
use std::sync::LazyLock;

use local_stack::{Python, workspace_root};
use serde::Serialize;
use serde::de::DeserializeOwned;

static PYTHON: LazyLock<Python> = LazyLock::new(|| {
    let requirements = workspace_root().join("tests/peers/requirements.txt");
    Python::with_requirements("peers", &requirements, &|_| ()).expect("the peers' environment")
});

/// Runs a peer's program with this request and returns its answer.
fn ask_peer<T: DeserializeOwned>(program: &str, request: &impl Serialize) -> T {
    let mut command = PYTHON.command();
    command.arg(workspace_root().join("tests/peers").join(program));
    let mut peer = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a peer");
    let mut input = peer.stdin.take().expect("its standard input");
    input.write_all(&serde_json::to_vec(request).expect("JSON")).expect("sent");
    drop(input);
    let output = peer.wait_with_output().expect("an answer");
    assert!(output.status.success(), "{program}: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}
