//! Stops a handler shortly before Lambda would kill the process. So the caller always gets our answer, however many
//! calls the handler makes and however slow each call is.
//!
//! A stopped handler is dropped at the await point where it waits. That is as safe as a crash at the same point.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock;

/// How long before its time limit an invocation is stopped. That is enough to write a log line and send the answer.
const MARGIN: Duration = Duration::from_millis(500);

/// The error of an invocation that was stopped because it was about to exceed its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped just before Lambda's time limit; the stores are too slow, or there is too much to do")]
pub(crate) struct OutOfTime;

/// Runs `work` to its end, or stops it shortly before the deadline. `deadline_millis` is Lambda's deadline in
/// milliseconds since 1970.
///
/// # Errors
/// When the work was stopped.
pub(crate) async fn within<F: Future>(deadline_millis: u64, work: F) -> Result<F::Output, OutOfTime> {
    match time_left(deadline_millis, clock::real_now()) {
        Some(limit) => tokio::time::timeout(limit, work).await.map_err(|_elapsed| OutOfTime),
        None => Ok(work.await),
    }
}

/// Returns how long an invocation may still run. `None` when the deadline has already passed. Lambda never sends such
/// an event, but its stand-ins (`cargo lambda watch`) know no deadline and send a time long ago.
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
    fn a_deadline_long_ago_sets_no_limit() {
        assert_eq!(time_left(600_000, NOW), None);
    }

    #[tokio::test]
    async fn only_work_that_does_not_end_in_time_is_stopped() {
        let deadline = u64::try_from(clock::real_now().as_millisecond()).expect("after 1970") + 600;
        assert_eq!(within(deadline, std::future::ready(7)).await, Ok(7));
        assert_eq!(within(deadline, std::future::pending::<()>()).await, Err(OutOfTime));
        assert_eq!(within(0, std::future::ready(7)).await, Ok(7));
    }
}
