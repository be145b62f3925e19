//! The sweep, every minute: whatever is due about any request. It is the second way in for what the stream missed, and
//! the only one for what becomes due later.

use cloud::CloudError;
use domain::limits::DUE_SHARDS;
use domain::{RequestId, UnixSeconds};
use jiff::SignedDuration;
use lambda::{Metric, Unit};

use crate::erase::{Erase, EraseError};

/// How long a run may go on: well below the function's time-out of 240 s. What is left over stays due.
const BUDGET: SignedDuration = SignedDuration::from_secs(180);

/// The metric that the template's alarm is on.
const OVERDUE: &str = "overdue_requests";

/// Seconds from one sweep to the next, by which the shards take turns in coming first.
const INTERVAL_SECONDS: i64 = 60;

/// What a run has done, and what first went wrong.
#[derive(Default)]
struct Tally {
    advanced: u64,
    overdue: u64,
    error: Option<EraseError>,
}

impl Erase {
    /// Runs it. What fails does not keep the rest from being done; the first error is returned in the end, for the
    /// alarm, and what it was about is still due in the next run.
    pub(crate) async fn sweep(&self) -> Result<(), EraseError> {
        let start = (self.clock)();
        let mut tally = Tally::default();
        let first = u8::try_from((start.as_second() / INTERVAL_SECONDS).rem_euclid(i64::from(DUE_SHARDS)));
        let first = first.unwrap_or(0);
        for turn in 0..DUE_SHARDS {
            if let Err(error) = self.shard((first + turn) % DUE_SHARDS, start, &mut tally).await {
                tally.error.get_or_insert(error.into());
            }
        }
        let overdue = Metric { name: OVERDUE, unit: Unit::Count, value: tally.overdue };
        self.metrics.emit(None, &[overdue], start);
        tracing::info!(advanced = tally.advanced, overdue = tally.overdue, "swept");
        tally.error.map_or(Ok(()), Err)
    }

    /// Advances what is due in one shard.
    async fn shard(&self, shard: u8, start: UnixSeconds, tally: &mut Tally) -> Result<(), CloudError> {
        let mut page = None;
        while (self.clock)().since(start) < BUDGET {
            let due = self.erasures.due(shard, start, page).await?;
            for request in due.requests {
                let advanced = match request {
                    Ok(request) => self.advance_or_count(request, start, tally).await,
                    Err(malformed) => Err(malformed.into()),
                };
                if let Err(error) = advanced {
                    tally.error.get_or_insert(error);
                }
            }
            page = due.next;
            if page.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Advances one request. One that cannot be advanced counts as overdue if it has been open for too long.
    async fn advance_or_count(
        &self,
        request: RequestId,
        start: UnixSeconds,
        tally: &mut Tally,
    ) -> Result<(), EraseError> {
        match self.advance(request).await {
            Ok(erasure) => {
                tally.advanced += 1;
                tally.overdue += u64::from(erasure.is_some_and(|erasure| erasure.is_overdue(start)));
                Ok(())
            }
            Err(error) => {
                let open = self.erasures.load(request).await?;
                tally.overdue += u64::from(open.is_some_and(|erasure| erasure.is_overdue(start)));
                Err(error)
            }
        }
    }
}
