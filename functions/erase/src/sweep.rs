//! The sweep, every minute: carries out the due steps of all requests. It catches requests that the stream missed,
//! and steps that become due later.

use cloud::CloudError;
use domain::RequestId;
use domain::limits::due_shards;
use jiff::SignedDuration;
use lambda::{Metric, Unit};

use crate::delete::Budget;
use crate::erase::{Erase, EraseError};

/// The metric that counts overdue requests. An alarm in the SAM template watches it.
const OVERDUE: &str = "overdue_requests";

/// The time between two sweeps.
const INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// The counts of a run, and its first error.
#[derive(Default)]
struct Tally {
    advanced: u64,
    overdue: u64,
    error: Option<EraseError>,
}

impl Erase {
    /// Returns the budget of a run that begins now and takes no longer than `most`.
    pub(crate) fn budget(&self, most: SignedDuration) -> Budget {
        Budget { clock: self.clock, until: (self.clock)().plus(self.budget.min(most)) }
    }

    /// Runs the sweep. A failure does not stop the rest. The first error is returned at the end, which raises an
    /// alarm; the failed item stays due.
    pub(crate) async fn sweep(&self) -> Result<(), EraseError> {
        let start = (self.clock)();
        let budget = self.budget(SignedDuration::MAX);
        let mut tally = Tally::default();
        for shard in due_shards(start, INTERVAL) {
            if let Err(error) = self.shard(shard, budget, &mut tally).await {
                tally.error.get_or_insert(error.into());
            }
        }
        // This is not part of an erasure, but only `erase` may delete from the identities.
        if let Err(error) = self.addresses.delete_old_secret(start).await {
            tally.error.get_or_insert(error.into());
        }
        let overdue = Metric { name: OVERDUE, unit: Unit::Count, value: tally.overdue };
        self.metrics.emit(None, &[overdue], start);
        tracing::info!(advanced = tally.advanced, overdue = tally.overdue, "swept");
        tally.error.map_or(Ok(()), Err)
    }

    /// Advances the due requests of one shard.
    async fn shard(&self, shard: u8, budget: Budget, tally: &mut Tally) -> Result<(), CloudError> {
        let mut page = None;
        while !budget.is_over() {
            let due = self.erasures.due(shard, (self.clock)(), page).await?;
            for request in due.requests {
                if budget.is_over() {
                    return Ok(());
                }
                let advanced = match request {
                    Ok(request) => self.advance_or_count(request, budget, tally).await,
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

    /// Advances one request. A request that cannot advance counts as overdue when it has been open for too long.
    async fn advance_or_count(
        &self,
        request: RequestId,
        budget: Budget,
        tally: &mut Tally,
    ) -> Result<(), EraseError> {
        let start = (self.clock)();
        match self.advance(request, budget).await {
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
