//! The demo's second half: the account is erased, a receipt says so, and nothing is left.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use domain::limits::UPLOAD_WINDOW;
use domain::receipt::{self, Jwks, Salt};
use local_stack::{Caller, LocalStack, Stopwatch};
use serde_json::{Value, json};

use super::steps::Steps;

/// How long the erasure may take.
const LIMIT: Duration = Duration::from_secs(90);

/// How often its state is looked at.
const PAUSE: Duration = Duration::from_millis(250);

/// What came of it.
pub(super) struct Erased {
    /// The second look found nothing.
    pub(super) verified: bool,
    /// The receipt fits the published key and the requester's salt.
    pub(super) receipt_valid: bool,
    /// How much of the user is left in buckets and tables.
    pub(super) residue: usize,
}

/// Has the user's account erased and follows it to its receipt, which goes into `out`.
pub(super) fn erase_account(
    stack: &LocalStack,
    user: &Caller<'_>,
    steps: &mut Steps,
    out: &Path,
) -> anyhow::Result<Erased> {
    steps.next("Ask for the account's erasure");
    let body = json!({ "scope": "account", "contact": "demo-user@example.com" }).to_string();
    let headers = [("Idempotency-Key", "demo-erasure"), ("Content-Type", "application/json")];
    let requested = user.send("POST", "/v1/deletion-requests", &headers, body.into_bytes())?.expect(201)?;
    let text = |name: &str| requested[name].as_str().map(str::to_owned).context("an incomplete answer");
    let (id, salt) = (text("request_id")?, text("salt")?);
    let works = user.get("/v1/works")?.expect(200)?;
    ensure!(works["works"] == json!([]), "the works are still to be seen");

    // Whoever has the salt needs no token, and there is soon nobody to make one out to.
    let nobody = stack.caller(None)?;
    let path = format!("/v1/deletion-requests/{id}");
    let salted = [("Erasure-Salt", salt.as_str())];
    follow(stack, steps, |path_end| nobody.send("GET", &format!("{path}{path_end}"), &salted, Vec::new()))?;

    steps.next("Fetch the receipt and check it offline");
    let receipt = nobody.send("GET", &format!("{path}/receipt"), &salted, Vec::new())?;
    ensure!(receipt.status == 200, "no receipt: {}", receipt.text);
    let keys = nobody.get("/v1/receipts/keys")?.expect(200)?;
    fs::write(out.join("receipt.jws"), &receipt.text)?;
    fs::write(out.join("receipt-keys.json"), keys.to_string())?;
    let keys: Jwks = serde_json::from_value(keys)?;
    let salt: Salt = salt.parse()?;
    let receipt_valid = receipt::verify(&receipt.text, &keys, Some(&salt)).is_ok();

    steps.next("Look whether anything is left");
    let residue = residue(stack)?;
    Ok(Erased { verified: true, receipt_valid, residue })
}

/// Follows the request until it is verified. The scheduler looks after it every minute; to be done sooner, its call is
/// made here as well.
fn follow(
    stack: &LocalStack,
    steps: &mut Steps,
    show: impl Fn(&str) -> anyhow::Result<local_stack::ApiAnswer>,
) -> anyhow::Result<()> {
    let start = Stopwatch::start();
    let mut seen = String::new();
    while start.elapsed() < LIMIT {
        let shown: Value = show("")?.expect(200)?;
        let status = shown["status"].as_str().context("no status")?;
        if status != seen {
            steps.next(&told(status));
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
    bail!("the erasure was not verified within {} s", LIMIT.as_secs())
}

/// A state of the erasure, and what it waits for.
fn told(status: &str) -> String {
    if status != "erased" {
        return format!("The erasure is {status}");
    }
    // Twice the life of an upload URL, for a PUT that began in its last second (`domain::Erasure::erased`).
    let minutes = 2 * UPLOAD_WINDOW.as_mins();
    format!(
        "The erasure is {status}; its second look waits until every upload URL has run out \
         (seconds here, {minutes} minutes in a deployed stack)"
    )
}

/// Everything in the buckets and tables that is somebody's: the demo has one user. The request and the word that
/// somebody was erased stay for their periods and name nobody.
fn residue(stack: &LocalStack) -> anyhow::Result<usize> {
    let mut found = 0;
    for bucket in ["UploadsBucket", "WorksBucket"] {
        found += stack.account().object_keys(stack.output(bucket)?)?.len();
    }
    for (table, attribute, of_somebody) in [
        ("RecordsTable", "pk", "SUBJECT#"),
        ("IdentitiesTable", "subject", ""),
        ("IdentitiesTable", "sub", ""),
    ] {
        let scan = json!({ "TableName": stack.output(table)?, "ConsistentRead": true });
        let rows = stack.account().call("dynamodb", "scan", &scan)?;
        let is_somebodys =
            |row: &&Value| row[attribute]["S"].as_str().is_some_and(|value| value.starts_with(of_somebody));
        found += rows["Items"].as_array().context("no rows")?.iter().filter(is_somebodys).count();
    }
    Ok(found)
}
