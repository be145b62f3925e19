//! Daily residue check: scans every store for data past its retention period. It reports a count of each kind, zeros
//! included, because one alarm watches the counts and another watches for missing reports.
//!
//! It only detects. The sweep, `erase`, S3's expiry and DynamoDB's TTL delete data. A finding means that one of them
//! has failed, and stays in place so that somebody can investigate. The one exception is the favorite of a work that
//! is gone ([`records`]), because nothing else would delete it.
//!
//! Data that has just become due, or is being written, is not residue. Each kind has a grace period: the time that
//! its deletion may take. If a row's counterpart is missing, it is read again, consistently, because other functions
//! write while the scan runs.

mod buckets;
mod erasures;
mod identities;
mod kind;
mod live;
mod logs;
mod partition;
mod progress;
mod records;

use cloud::{
    CloudError, CursorOf, Cursors, Erasures, Favorites, Inspection, LogGroups, PageStart, Scanned, Segment,
    WorkStores,
};
use domain::UnixSeconds;
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

use self::kind::{Found, Kind};
use self::live::Live;
use self::progress::{Place, Progress, SEGMENTS};

/// How long a run may take: well below the function's time-out of 240 s.
pub(crate) const BUDGET: SignedDuration = SignedDuration::from_secs(180);

/// The metric that counts residue. Alarms in the SAM template watch it.
const RESIDUE: &str = "residue_found";

/// The grace period of data that a sweep or the next event settles.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The grace period of rows that DynamoDB's TTL deletes ("typically within a few days"; earlier editions of its guide
/// say 48 hours).
const TTL_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// The residue check and what it needs.
pub(crate) struct Residue<'a> {
    pub(crate) work_stores: &'a WorkStores,
    pub(crate) favorites: &'a Favorites,
    pub(crate) erasures: &'a Erasures,
    pub(crate) inspection: &'a Inspection,
    pub(crate) log_groups: &'a LogGroups,
    /// How long log lines are kept.
    pub(crate) log_period_days: i32,
    pub(crate) cursors: &'a Cursors,
    pub(crate) metrics: &'a Metrics,
    pub(crate) clock: fn() -> UnixSeconds,
    /// When this run of the function began.
    pub(crate) start: UnixSeconds,
}

/// Whether a scan is complete or ran out of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Complete,
    Partial,
}

impl Residue<'_> {
    /// Starts a check, or resumes one that has not completed.
    pub(crate) async fn run(&self) -> Result<(), CloudError> {
        let progress = self.progress().await?.unwrap_or_default();
        self.scan_from(progress).await
    }

    /// Resumes a check that ran out of time or failed, if there is one and time is left. The sweep calls it.
    pub(crate) async fn resume(&self) -> Result<(), CloudError> {
        match self.progress().await? {
            Some(progress) => self.scan_from(progress).await,
            None => Ok(()),
        }
    }

    /// Loads the cursor of the last run; `None` when there is none. A cursor that this version cannot read starts a
    /// new check.
    async fn progress(&self) -> Result<Option<Progress>, CloudError> {
        let noted = self.cursors.load(CursorOf::Residue).await?;
        Ok(noted.map(|noted| Progress::read(&noted).unwrap_or_default()))
    }

    /// Scans one place after the other. It stores the cursor before it scans a place, so that a failed run is resumed
    /// like one that ran out of time.
    async fn scan_from(&self, mut progress: Progress) -> Result<(), CloudError> {
        let mut live = None;
        loop {
            if progress.place.is_beginning() {
                self.store_cursor(&progress).await?;
            }
            if self.is_over() || self.scan_place(&mut progress, &mut live).await? == Scan::Partial {
                return self.store_cursor(&progress).await;
            }
            match progress.place.next() {
                Some(place) => progress.place = place,
                None => break,
            }
        }
        self.emit_metrics(&progress.found);
        self.cursors.store(CursorOf::Residue, None).await
    }

    async fn store_cursor(&self, progress: &Progress) -> Result<(), CloudError> {
        self.cursors.store(CursorOf::Residue, Some(&progress.note())).await
    }

    async fn scan_place(&self, progress: &mut Progress, live: &mut Option<Live>) -> Result<Scan, CloudError> {
        let Progress { place, found } = progress;
        match place {
            Place::Uploads { after } => self.uploads(after, found).await,
            Place::Works { after } => self.works(after, found).await,
            Place::Records { segment } => {
                if live.is_none() {
                    *live = self.live().await?;
                }
                match live {
                    Some(live) => self.records(Segment { number: *segment, of: SEGMENTS }, live, found).await,
                    None => Ok(Scan::Partial),
                }
            }
            Place::Identities { segment } => {
                self.identities(Segment { number: *segment, of: SEGMENTS }, found).await
            }
            Place::Erasures { segment } => {
                self.requests(Segment { number: *segment, of: SEGMENTS }, found).await
            }
            Place::Logs => self.logs(found).await.map(|()| Scan::Complete),
        }
    }

    fn emit_metrics(&self, found: &Found) {
        for kind in Kind::ALL {
            let metric = Metric { name: RESIDUE, unit: Unit::Count, value: found.of(kind) };
            self.metrics.emit(Some(kind.as_str()), &[metric], self.now());
        }
        tracing::info!(found = found.total(), "residue check completed");
    }

    fn now(&self) -> UnixSeconds {
        (self.clock)()
    }

    /// Tells whether an item that was due at `due` is residue, given this grace period.
    fn is_past(&self, due: UnixSeconds, grace: SignedDuration) -> bool {
        due.plus(grace) <= self.now()
    }

    /// Reads the pages of a scan one after the other, as far as the run's time allows, and passes their rows to
    /// `judge`.
    async fn scan_pages<R>(
        &self,
        read: impl AsyncFn(Option<PageStart>) -> Result<Scanned<R>, CloudError>,
        mut judge: impl AsyncFnMut(Vec<R>) -> Result<(), CloudError>,
    ) -> Result<Scan, CloudError> {
        let mut start = None;
        loop {
            let page = read(start).await?;
            judge(page.rows).await?;
            start = page.next;
            if start.is_none() {
                return Ok(Scan::Complete);
            }
            if self.is_over() {
                return Ok(Scan::Partial);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.now().since(self.start) >= BUDGET
    }
}
