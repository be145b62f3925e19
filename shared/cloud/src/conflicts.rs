//! Injects conflicts into table writes, as DynamoDB answers them while a transaction holds the row. The emulator
//! never answers so, because it carries out one request at a time.
//!
//! Compiled into test builds only (`--features kill-points`). With `CONFLICTS=0.3` three out of ten writes get a
//! conflict. `CONFLICT_SEED` and the number of the write choose them, so that a repeated run gets the same conflicts.
//! Such a write never leaves the process, so it stores nothing. The answer has the form of DynamoDB's, and the SDK's
//! own parser reads it.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

static WRITES: AtomicU64 = AtomicU64::new(0);

/// How many writes get a conflict, and the seed that chooses them.
#[derive(Debug, Clone, Copy)]
struct Odds {
    per_thousand: u64,
    seed: u64,
}

impl Odds {
    /// Reads the variables `CONFLICTS` and `CONFLICT_SEED`; `None` without the first.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1,000")]
    fn of_process() -> Option<Self> {
        let text = |name| std::env::var_os(name)?.into_string().ok();
        let odds: f64 = text("CONFLICTS")?.parse().ok()?;
        let seed = text("CONFLICT_SEED").and_then(|seed| seed.parse().ok()).unwrap_or(0);
        Some(Self { per_thousand: (odds.clamp(0.0, 1.0) * 1_000.0) as u64, seed })
    }

    /// Decides whether the next write gets a conflict; `None` if not. The number chooses the operation of a
    /// transaction that conflicts.
    fn draw(self) -> Option<u64> {
        let number = mix(self.seed ^ mix(WRITES.fetch_add(1, Ordering::SeqCst)));
        (number % 1_000 < self.per_thousand).then_some(number / 1_000)
    }
}

/// Maps a number to another that looks random (SplitMix64).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Wraps the client so that some writes get conflicts, if the variable `CONFLICTS` is set.
pub(crate) fn with_conflicts(client: SharedHttpClient) -> SharedHttpClient {
    let Some(odds) = Odds::of_process() else { return client };
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Conflicting { behind: client.http_connector(settings, components), odds })
    })
}

#[derive(Debug)]
struct Conflicting {
    behind: SharedHttpConnector,
    odds: Odds,
}

impl HttpConnector for Conflicting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.conflict(&request) {
            Some(answer) => HttpConnectorFuture::ready(Ok(answer)),
            None => self.behind.call(request),
        }
    }
}

impl Conflicting {
    /// Returns the answer to a write that gets a conflict; `None` for every other request.
    fn conflict(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let operation = request.headers().get("x-amz-target")?.strip_prefix("DynamoDB_20120810.")?;
        if !WRITE_OPERATIONS.contains(&operation) {
            return None;
        }
        let number = self.odds.draw()?;
        let body = serde_json::from_slice(request.body().bytes()?).ok()?;
        tracing::warn!(operation, "conflict injected");
        let (status, body) = answer(operation, &body, number);
        let mut response =
            HttpResponse::new(StatusCode::try_from(status).ok()?, SdkBody::from(body.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        Some(response)
    }
}

/// Operations that write rows.
const WRITE_OPERATIONS: [&str; 5] =
    ["BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];

/// Returns the status and the body that DynamoDB answers to a conflict.
fn answer(operation: &str, request: &Value, number: u64) -> (u16, Value) {
    let error = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    let message = "Transaction is ongoing for the item";
    match operation {
        "BatchWriteItem" => (200, json!({ "UnprocessedItems": request["RequestItems"] })),
        "TransactWriteItems" => {
            let operations = request["TransactItems"].as_array().map_or(1, Vec::len) as u64;
            let reason = |index| match index == number % operations {
                true => json!({ "Code": "TransactionConflict", "Message": message }),
                false => json!({ "Code": "None" }),
            };
            let reasons: Vec<_> = (0..operations).map(reason).collect();
            let name = error("TransactionCanceledException");
            let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
            (400, json!({ "__type": name, "Message": message, "CancellationReasons": reasons }))
        }
        _ => (400, json!({ "__type": error("TransactionConflictException"), "message": message })),
    }
}
