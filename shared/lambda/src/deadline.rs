//! How long an invocation may take. A handler is stopped shortly before Lambda would kill the process, so that the caller
//! gets an answer of ours, however many calls the handler makes and however slow each of them is.
//!
//! A stopped handler is dropped where it waits. That is safe for the same reasons as a crash there.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;

/// How long before its time limit an invocation is stopped: enough to write a log line and send the answer.
const MARGIN: Duration = Duration::from_millis(500);

/// The invocation was stopped: it was about to exceed its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped before the time limit; the stores answer too slowly, or there is too much to do")]
pub(crate) struct OutOfTime;

/// What `work` ends with, unless its time runs out first. `deadline_millis` is Lambda's: milliseconds since 1970.
///
/// # Errors
/// When the work was stopped.
pub(crate) async fn within<F: Future>(deadline_millis: u64, work: F) -> Result<F::Output, OutOfTime> {
    match time_left(deadline_millis, clock::real_now()) {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_elapsed| OutOfTime),
        None => Ok(work.await),
    }
}

/// How long an invocation may go on. `None` when the deadline has passed already: Lambda hands no such event over, and
/// stand-ins for it (`cargo lambda watch`) know no deadline and send a moment long ago.
fn time_left(deadline_millis: u64, now: Timestamp) -> Option<Duration> {
    let now = u64::try_from(now.as_millisecond()).ok()?;
    let left = Duration::from_millis(deadline_millis.checked_sub(now)?);
    Some(left.saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    #[test]
    fn an_invocation_is_stopped_half_a_second_before_its_deadline() {
        assert_eq!(time_left(1_795_000_010_000, NOW), Some(Duration::from_millis(9_500)));
        assert_eq!(time_left(1_795_000_000_100, NOW), Some(Duration::ZERO));
    }

    #[test]
    fn a_deadline_long_ago_is_none() {
        assert_eq!(time_left(600_000, NOW), None);
    }

    #[tokio::test]
    async fn work_that_does_not_end_is_stopped_and_other_work_is_not() {
        let deadline = u64::try_from(clock::real_now().as_millisecond()).expect("after 1970") + 600;
        assert_eq!(within(deadline, std::future::ready(7)).await, Ok(7));
        assert_eq!(within(deadline, std::future::pending::<()>()).await, Err(OutOfTime));
        assert_eq!(within(0, std::future::ready(7)).await, Ok(7));
    }
}
