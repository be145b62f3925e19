//! The look for residue, every day: through everything, for what should be gone and is not. Each kind of it is counted in
//! the metric that an alarm is on, zeros too, since silence is another alarm.
//!
//! It detects. Deleting is the business of the sweep, of `erase`, of S3's and DynamoDB's own expiry; what is found here
//! says that one of them has failed, and is left for somebody to look at. The one exception is the favorite of a vanished
//! work ([`records`]), which nothing else would delete.
//!
//! What only just became due or is just being stored is no residue: each kind has a grace, as long as those whose business
//! it is may take. Who is found without their other half is looked at once more by a consistent read, because
//! everything goes on while this looks.

mod buckets;
mod erasures;
mod identities;
mod kind;
mod live;
mod logs;
mod partition;
mod progress;
mod records;

use cloud::{CloudError, CursorOf, Cursors, WorkStores, Erasures, Favorites, Inspection, LogGroups, Segment};
use domain::UnixSeconds;
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

use self::kind::{Found, Kind};
use self::live::Live;
use self::progress::{Place, Progress, SEGMENTS};

/// How long a run may go on, whatever it did before: well below the function's time-out of 240 s.
pub(crate) const BUDGET: SignedDuration = SignedDuration::from_secs(180);

/// The metric that the template's alarms are on.
const RESIDUE: &str = "residue_found";

/// How long after its time something may still be there that is settled by a sweep or comes with the next event.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How long DynamoDB may take to remove what has lapsed ("typically within a few days"; 48 hours in earlier editions of
/// its guide).
const TTL_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// The look and what it needs.
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

/// How far a scan came in the time that there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Complete,
    Partial,
}

impl Residue<'_> {
    /// Begins a pass, or goes on with one that has not come to its end.
    pub(crate) async fn run(&self) -> Result<(), CloudError> {
        let progress = self.progress().await?.unwrap_or_default();
        self.pass(progress).await
    }

    /// Goes on with a pass that ran out of time or failed, if there is one and there is time: the sweep asks for it.
    pub(crate) async fn go_on(&self) -> Result<(), CloudError> {
        match self.progress().await? {
            Some(progress) => self.pass(progress).await,
            None => Ok(()),
        }
    }

    /// How far the last run has come; one that another version noted and this one cannot read begins anew.
    async fn progress(&self) -> Result<Option<Progress>, CloudError> {
        let noted = self.cursors.load(CursorOf::Residue).await?;
        Ok(noted.map(|noted| Progress::read(&noted).unwrap_or_default()))
    }

    /// Looks through one place after the other. The place is noted before it is looked at, so that a run that fails is
    /// gone on with like one that runs out of time.
    async fn pass(&self, mut progress: Progress) -> Result<(), CloudError> {
        let mut live = None;
        loop {
            if progress.place.is_beginning() {
                self.note(&progress).await?;
            }
            if self.is_over() || self.look(&mut progress, &mut live).await? == Scan::Partial {
                return self.note(&progress).await;
            }
            match progress.place.next() {
                Some(place) => progress.place = place,
                None => break,
            }
        }
        self.tell(&progress.found);
        self.cursors.store(CursorOf::Residue, None).await
    }

    async fn note(&self, progress: &Progress) -> Result<(), CloudError> {
        self.cursors.store(CursorOf::Residue, Some(&progress.note())).await
    }

    async fn look(&self, progress: &mut Progress, live: &mut Option<Live>) -> Result<Scan, CloudError> {
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

    fn tell(&self, found: &Found) {
        for kind in Kind::ALL {
            let metric = Metric { name: RESIDUE, unit: Unit::Count, value: found.of(kind) };
            self.metrics.emit(Some(kind.as_str()), &[metric], self.now());
        }
        tracing::info!(found = found.total(), "looked for residue");
    }

    fn now(&self) -> UnixSeconds {
        (self.clock)()
    }

    /// Whether something that was due at `due` should be gone by now, though others may take this long over it.
    fn is_past(&self, due: UnixSeconds, grace: SignedDuration) -> bool {
        due.plus(grace) <= self.now()
    }

    fn is_over(&self) -> bool {
        self.now().since(self.start) >= BUDGET
    }
}
