//! What others make of the same: deadlines by another package's calendars, receipts by another package's JOSE.
//!
//! They are Python packages, pinned with their hashes in `requirements.txt`; no stack is needed.

#![expect(clippy::expect_used, reason = "a peer that does not answer as asked fails the test")]

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

/// What the peer of that name answers.
fn ask<T: DeserializeOwned>(program: &str, request: &impl Serialize) -> T {
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
