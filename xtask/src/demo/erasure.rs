//! The demo's second half: erases the account, verifies the receipt and checks that no data of the user remains.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use domain::Salt;
use domain::limits::UPLOAD_WINDOW;
use domain::receipt::{self, Jwks};
use local_stack::{Caller, LocalStack, Stopwatch};
use serde_json::{Value, json};

use super::steps::Steps;

/// The longest time until the erasure is verified.
const LIMIT: Duration = Duration::from_secs(90);

/// The pause between two reads of the erasure's status.
const PAUSE: Duration = Duration::from_millis(250);

/// The outcome of the erasure.
pub(super) struct Erased {
    /// The verify pass found nothing.
    pub(super) verified: bool,
    /// The receipt matches the published key and the requester's salt.
    pub(super) receipt_valid: bool,
    /// How many objects and rows of the user remain in buckets and tables.
    pub(super) residue: usize,
}

/// Requests the erasure of the user's account, waits until it is verified, and writes the receipt to `out`.
pub(super) fn erase_account(
    stack: &LocalStack,
    user: &Caller<'_>,
    steps: &mut Steps,
    out: &Path,
) -> anyhow::Result<Erased> {
    steps.next("Request the erasure of the account");
    let body = json!({ "scope": "account", "contact": "demo-user@example.com" }).to_string();
    let headers = [("Idempotency-Key", "demo-erasure"), ("Content-Type", "application/json")];
    let requested = user.send("POST", "/v1/deletion-requests", &headers, body.into_bytes())?.expect(201)?;
    let text = |name: &str| {
        requested[name]
            .as_str()
            .map(str::to_owned)
            .context("the answer to the deletion request is incomplete")
    };
    let (id, salt) = (text("request_id")?, text("salt")?);
    let works = user.get("/v1/works")?.expect(200)?;
    ensure!(works["works"] == json!([]), "the works are still visible after the deletion request");

    // The salt replaces a token, which an erased user can no longer get.
    let anonymous = stack.caller(None)?;
    let path = format!("/v1/deletion-requests/{id}");
    let salted = [("Erasure-Salt", salt.as_str())];
    wait_until_verified(stack, steps, |path_end| {
        anonymous.send("GET", &format!("{path}{path_end}"), &salted, Vec::new())
    })?;

    steps.next("Fetch the receipt and verify it offline");
    let receipt = anonymous.send("GET", &format!("{path}/receipt"), &salted, Vec::new())?;
    ensure!(receipt.status == 200, "the service answered without a receipt: {}", receipt.text);
    let keys = anonymous.get("/v1/receipts/keys")?.expect(200)?;
    fs::write(out.join("receipt.jws"), &receipt.text)?;
    fs::write(out.join("receipt-keys.json"), keys.to_string())?;
    let keys: Jwks = serde_json::from_value(keys)?;
    let salt: Salt = salt.parse()?;
    let receipt_valid = receipt::verify(&receipt.text, &keys, Some(&salt)).is_ok();

    steps.next("Check that no data of the user remains");
    let residue = residue(stack)?;
    Ok(Erased { verified: true, receipt_valid, residue })
}

/// Waits until the request is verified and prints each new status. The scheduler starts a sweep every minute; to finish
/// sooner, this function starts sweeps too.
fn wait_until_verified(
    stack: &LocalStack,
    steps: &mut Steps,
    show: impl Fn(&str) -> anyhow::Result<local_stack::ApiAnswer>,
) -> anyhow::Result<()> {
    let start = Stopwatch::start();
    let mut seen = String::new();
    while start.elapsed() < LIMIT {
        let shown: Value = show("")?.expect(200)?;
        let status = shown["status"].as_str().context("the answer has no status")?;
        if status != seen {
            steps.next(&describe(status));
            status.clone_into(&mut seen);
        }
        if status == "verified" {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
        if status == "erased" {
            stack.account().invoke(&stack.function("erase"), &json!({ "task": "sweep" }))?;
        }
    }
    bail!("the erasure was not verified within {} s; see target/local/demo/emulator.log", LIMIT.as_secs())
}

/// The step that is printed for a status of the erasure; says what the erasure waits for.
fn describe(status: &str) -> String {
    if status != "erased" {
        return format!("Status of the erasure: {status}");
    }
    // Twice the validity of an upload URL: a PUT may begin in its last second (`domain::Erasure::erased`).
    let minutes = 2 * UPLOAD_WINDOW.as_mins();
    format!(
        "Status of the erasure: {status}; the verify pass waits until every upload URL has expired \
         (seconds in this demo, {minutes} minutes by default)"
    )
}

/// Counts the objects and rows that belong to a user; the demo has one user. The request and the tombstone stay for
/// their retention periods and identify nobody.
fn residue(stack: &LocalStack) -> anyhow::Result<usize> {
    let mut found = 0;
    for bucket in ["UploadsBucket", "WorksBucket"] {
        found += stack.account().object_keys(stack.output(bucket)?)?.len();
    }
    for (table, attribute, prefix) in [
        ("RecordsTable", "pk", "SUBJECT#"),
        ("IdentitiesTable", "subject", ""),
        ("IdentitiesTable", "sub", ""),
    ] {
        let scan = json!({ "TableName": stack.output(table)?, "ConsistentRead": true });
        let rows = stack.account().call("dynamodb", "scan", &scan)?;
        let belongs_to_a_user =
            |row: &&Value| row[attribute]["S"].as_str().is_some_and(|value| value.starts_with(prefix));
        found += rows["Items"]
            .as_array()
            .context("the scan answered without rows")?
            .iter()
            .filter(belongs_to_a_user)
            .count();
    }
    Ok(found)
}
