//! Dispatches an event to its task.

use cloud::{CloudError, Cursors, Erasures, Favorites, Inspection, LogGroups, WorkStores};
use domain::UnixSeconds;
use lambda::Metrics;

use crate::event::{PurgeEvent, Scheduled};
use crate::give_up;
use crate::residue::Residue;
use crate::sweep::Sweep;

/// The stores and settings that the tasks use.
pub(crate) struct Purge {
    pub(crate) work_stores: WorkStores,
    pub(crate) favorites: Favorites,
    pub(crate) erasures: Erasures,
    pub(crate) inspection: Inspection,
    pub(crate) log_groups: LogGroups,
    pub(crate) log_period_days: i32,
    pub(crate) cursors: Cursors,
    pub(crate) metrics: Metrics,
    pub(crate) clock: fn() -> UnixSeconds,
}

impl Purge {
    /// Runs the task of an event. After each sweep it resumes a residue check that ran out of time or failed; the sweep
    /// ends early enough to leave time for that.
    pub(crate) async fn handle(&self, event: PurgeEvent) -> Result<(), CloudError> {
        let residue = self.residue((self.clock)());
        match event {
            PurgeEvent::Scheduled(Scheduled::Sweep) => {
                let swept = self.sweep().run().await;
                swept.and(residue.resume().await)
            }
            PurgeEvent::Scheduled(Scheduled::Residue) => residue.run().await,
            PurgeEvent::GivenUp(record) => give_up::run(&self.work_stores, &record, (self.clock)()).await,
        }
    }

    fn sweep(&self) -> Sweep<'_> {
        let Self { work_stores, cursors, metrics, clock, .. } = self;
        Sweep { work_stores, cursors, metrics, clock: *clock }
    }

    fn residue(&self, start: UnixSeconds) -> Residue<'_> {
        let Self { work_stores, favorites, erasures, inspection, log_groups, cursors, metrics, .. } = self;
        Residue {
            work_stores,
            favorites,
            erasures,
            inspection,
            log_groups,
            log_period_days: self.log_period_days,
            cursors,
            metrics,
            clock: self.clock,
            start,
        }
    }
}
