//! Retries a write that conflicts with a transaction on the same row. The SDK does not retry it: it treats a
//! cancelled transaction as an answer, and has no retry for `TransactionConflictException`.
//!
//! A conflict is never treated as a failed condition. DynamoDB may report both for one transaction. The other
//! transaction may be about to change the state that made the condition fail. So a conflict is retried, whatever else
//! is reported.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{TransactWriteItem, WriteRequest};
use aws_smithy_runtime_api::client::result::SdkError;

use super::Outcome;
use crate::{CloudError, Connection, random_bits};

/// How often one write is tried. All writes of a subject name its account gate, and DynamoDB lets one of two through.
/// If four out of five tries conflict, 93 of 100 writes still succeed.
const TRIES_MAX: u32 = 12;

/// The longest wait before another try, in milliseconds. All waits of a write together last at most 2.5 s, and 1.9 s
/// on average. The shortest time-out of a function is 10 s.
const WAIT_MAX: u64 = 320;

/// Cancellation reasons that are transient (Amazon DynamoDB API reference, "TransactWriteItems").
const TRANSIENT: [&str; 3] = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];

/// DynamoDB's answer to a try whose token belongs to a transaction that is still running.
const IN_PROGRESS: &str = "TransactionInProgressException";

/// Counts tries and waits between them. A wait is at most 20 ms at first, then doubles; half of it is random.
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { tries: 1 }
    }

    /// Waits before the next try. Returns `false` when no try is left.
    ///
    /// # Errors
    /// When the operating system gives no random bits.
    pub(crate) async fn wait(&mut self) -> Result<bool, CloudError> {
        if self.tries == TRIES_MAX {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(wait_millis(self.tries, random_bits()?))).await;
        self.tries += 1;
        Ok(true)
    }
}

fn wait_millis(tries: u32, random: u128) -> u64 {
    let longest = WAIT_MAX.min(10 << tries.min(16));
    let by_chance = u64::try_from(random % u128::from(longest / 2 + 1)).unwrap_or(0);
    longest / 2 + by_chance
}

/// Creates a token that marks the tries of one transaction as the same, so that it is not carried out twice.
fn request_token() -> Result<String, CloudError> {
    Ok(format!("{:032x}", random_bits()?))
}

/// Carries out all of `operations`, or none.
#[expect(clippy::disallowed_methods, reason = "the module that writes tables")]
pub(super) async fn transact(
    connection: &Connection,
    operations: Vec<TransactWriteItem>,
) -> Result<Outcome, CloudError> {
    let mut backoff = Backoff::new();
    let mut token = request_token()?;
    loop {
        let request = connection.dynamodb.transact_write_items().client_request_token(&token);
        let request = request.set_transact_items(Some(operations.clone()));
        let Err(error) = request.send().await else { return Ok(Outcome::Written) };
        let verdict = verdict(&reasons(&error));
        match verdict {
            Verdict::Refused(failed) => return Ok(Outcome::Refused(failed)),
            Verdict::TryAgain | Verdict::StillRunning if backoff.wait().await? => {}
            _ => return Err(CloudError::of("TransactWriteItems")(error)),
        }
        // While a transaction is running, the same token makes DynamoDB answer how that one ended.
        if verdict == Verdict::TryAgain {
            token = request_token()?;
        }
    }
}

/// What to do after a cancelled transaction, by its reasons.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    TryAgain,
    /// An earlier try, whose answer did not arrive, is still running.
    StillRunning,
    Refused(Vec<bool>),
    Failed,
}

fn verdict(reasons: &[&str]) -> Verdict {
    if reasons.iter().any(|reason| TRANSIENT.contains(reason)) {
        return Verdict::TryAgain;
    }
    if reasons == [IN_PROGRESS] {
        return Verdict::StillRunning;
    }
    let failed: Vec<_> = reasons.iter().map(|reason| *reason == "ConditionalCheckFailed").collect();
    if failed.contains(&true) { Verdict::Refused(failed) } else { Verdict::Failed }
}

/// Returns why DynamoDB cancelled a transaction, operation by operation. The list is empty after any other failure.
fn reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Vec<&str> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            let reasons = cancelled.cancellation_reasons().iter();
            reasons.map(|reason| reason.code().unwrap_or_default()).collect()
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => vec![IN_PROGRESS],
        _ => Vec::new(),
    }
}

/// Sends a write of one row.
pub(super) async fn single<T, E, R, F>(
    operation: &'static str,
    send: impl Fn() -> F,
) -> Result<Outcome, CloudError>
where
    E: ProvideErrorMetadata,
    F: Future<Output = Result<T, SdkError<E, R>>>,
{
    let mut backoff = Backoff::new();
    loop {
        let Err(error) = send().await else { return Ok(Outcome::Written) };
        let code = match &error {
            SdkError::ServiceError(answer) => answer.err().code().unwrap_or_default(),
            _ => "",
        };
        match code {
            "ConditionalCheckFailedException" => return Ok(Outcome::Refused(vec![true])),
            "TransactionConflictException" if backoff.wait().await? => {}
            _ => return Err(CloudError::of(operation)(error)),
        }
    }
}

/// Sends a batch. DynamoDB leaves out rows that conflict with a transaction, and rows above its throughput. They are
/// sent again.
#[expect(clippy::disallowed_methods, reason = "the module that writes tables")]
pub(super) async fn batch(
    connection: &Connection,
    mut left: HashMap<String, Vec<WriteRequest>>,
) -> Result<(), CloudError> {
    let mut backoff = Backoff::new();
    loop {
        let request = connection.dynamodb.batch_write_item().set_request_items(Some(left));
        let answer = request.send().await.map_err(CloudError::of("BatchWriteItem"))?;
        left = answer.unprocessed_items.unwrap_or_default();
        if left.is_empty() {
            return Ok(());
        }
        if !backoff.wait().await? {
            let code = "UnprocessedItems".to_owned();
            return Err(CloudError::Service { operation: "BatchWriteItem", code });
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::types::error::TransactionInProgressException;

    use super::*;

    const CONFLICT: &str = "TransactionConflict";
    const FAILED: &str = "ConditionalCheckFailed";

    #[test]
    fn a_conflict_is_never_treated_as_a_failed_condition() {
        assert_eq!(verdict(&["None", CONFLICT]), Verdict::TryAgain);
        assert_eq!(verdict(&[CONFLICT, FAILED]), Verdict::TryAgain);
        assert_eq!(verdict(&["None", "ThrottlingError"]), Verdict::TryAgain);
        assert_eq!(verdict(&["None", FAILED]), Verdict::Refused(vec![false, true]));
        assert_eq!(verdict(&["ValidationError", "None"]), Verdict::Failed);
        assert_eq!(verdict(&[]), Verdict::Failed);
        let running = TransactionInProgressException::builder().build();
        let running = TransactWriteItemsError::TransactionInProgressException(running);
        assert_eq!(verdict(&reasons(&SdkError::service_error(running, ()))), Verdict::StillRunning);
    }

    #[test]
    fn the_waits_of_a_write_are_bounded() {
        let longest: u64 = (1..TRIES_MAX).map(|tries| wait_millis(tries, u128::MAX)).sum();
        let shortest: u64 = (1..TRIES_MAX).map(|tries| wait_millis(tries, 0)).sum();
        assert!(shortest > 500 && longest <= 2_560, "{shortest} to {longest} ms");
        assert_eq!(wait_millis(1, 0), 10);
        assert_eq!(wait_millis(100, 160), 320);
    }

    /// Returns the outcome of a write of one row, and its tries, when it gets these answers in turn. The last
    /// repeats.
    async fn answered(codes: &[&str]) -> (Result<Outcome, CloudError>, usize) {
        let sent = std::cell::Cell::new(0);
        let outcome = single("DeleteItem", || {
            let code = codes[sent.get().min(codes.len() - 1)].to_owned();
            sent.set(sent.get() + 1);
            async move {
                let error = ErrorMetadata::builder().code(&code).build();
                if code.is_empty() { Ok(()) } else { Err(SdkError::service_error(error, ())) }
            }
        });
        (outcome.await, sent.get())
    }

    #[test]
    fn a_single_write_retries_a_conflict_and_gives_up_after_the_last_try() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let answered = |codes: &[&str]| runtime.block_on(answered(codes));
        let conflict = "TransactionConflictException";
        assert_eq!(answered(&[conflict, conflict, ""]), (Ok(Outcome::Written), 3));
        let refused = Outcome::Refused(vec![true]);
        assert_eq!(answered(&[conflict, "ConditionalCheckFailedException"]), (Ok(refused), 2));
        let (error, tries) = answered(&[conflict]);
        assert_eq!(tries, TRIES_MAX as usize);
        assert!(error.expect_err("given up").to_string().contains(conflict));
        let (error, tries) = answered(&["ThrottlingException"]);
        assert_eq!(tries, 1, "the SDK has already retried a throttled request");
        assert!(error.expect_err("an error").to_string().contains("ThrottlingException"));
    }
}
