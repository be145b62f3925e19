//! The sweep, every minute: whatever is due about any request. It is the second way in for what the stream missed, and
//! the only one for what becomes due later.

use cloud::CloudError;
use domain::limits::DUE_SHARDS;
use jiff::SignedDuration;
use lambda::{Metric, Unit};

use crate::erase::Erase;

/// How long a run may go on: well below the function's time-out of 240 s. What is left over stays due.
const BUDGET: SignedDuration = SignedDuration::from_secs(180);

/// The metric that the template's alarm is on.
const OVERDUE: &str = "overdue_requests";

impl Erase {
    /// Runs it. What fails does not keep the rest from being done; the first error is returned in the end, for the
    /// alarm, and what it was about is still due in the next run.
    pub(crate) async fn sweep(&self) -> Result<(), CloudError> {
        let start = (self.clock)();
        let (mut advanced, mut overdue, mut failed) = (0_u64, 0_u64, None);
        for shard in 0..DUE_SHARDS {
            let due = match self.erasures.due(shard, start).await {
                Ok(due) => due,
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            for request in due {
                if (self.clock)().since(start) >= BUDGET {
                    break;
                }
                if let Err(error) = self.advance(request).await {
                    failed.get_or_insert(error);
                }
                let erasure = self.erasures.load(request).await?;
                overdue += u64::from(erasure.is_some_and(|erasure| erasure.is_overdue(start)));
                advanced += 1;
            }
        }
        self.metrics.emit(None, &[Metric { name: OVERDUE, unit: Unit::Count, value: overdue }], start);
        tracing::info!(advanced, overdue, "swept");
        failed.map_or(Ok(()), Err)
    }
}
