//! The sweep: photos that outlived their bound, and works about which something is due. Bounded in one run; what
//! is left over is due again five minutes later.

use cloud::{CloudError, Disposal, DueWork};
use domain::limits::{DUE_SHARDS, PHOTO_AGE_MAX};
use domain::{DueAction, Failure, PhotoKey, ReasonCode, UnixSeconds};

use crate::event::Scheduled;

/// Works looked at per shard in one run: eight shards make 800 in well under the function's time-out.
const DUE_PER_SHARD: u16 = 100;

/// Runs the scheduled task. What fails does not keep the rest from being purged; the first error is returned in
/// the end, for the alarm, and what it was about is still due in the next run.
pub(crate) async fn run(disposal: &Disposal, task: Scheduled, now: UnixSeconds) -> Result<(), CloudError> {
    let Scheduled::Sweep = task;
    let mut tally = Tally::default();
    for key in disposal.photos.stored_until(now.plus(-PHOTO_AGE_MAX)).await? {
        tally.count(give_up_orphan(disposal, &key, now).await);
    }
    let photos = tally.done;
    for shard in 0..DUE_SHARDS {
        for due in disposal.works.due(shard, now, DUE_PER_SHARD).await? {
            tally.count(settle(disposal, due, now).await);
        }
    }
    tracing::info!(photos, works = tally.done - photos, "swept");
    tally.error.map_or(Ok(()), Err)
}

/// What a run has done, and what first went wrong.
#[derive(Default)]
struct Tally {
    done: usize,
    error: Option<CloudError>,
}

impl Tally {
    fn count(&mut self, outcome: Result<bool, CloudError>) {
        match outcome {
            Ok(done) => self.done += usize::from(done),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
    }
}

/// Deletes a photo that is older than any synthesis, lease or no lease: this bounds what a crash leaves behind. The
/// photo goes first, whatever state its row is in; then its work fails, unless a worker is still at it and ends it.
async fn give_up_orphan(disposal: &Disposal, key: &str, now: UnixSeconds) -> Result<bool, CloudError> {
    disposal.photos.delete_stray(key).await?;
    if let Ok(key) = key.parse::<PhotoKey>()
        && let Some(work) = disposal.works.load(key.subject, key.work).await?
        && !work.is_held_by_another(now, None)
    {
        disposal.abandon(&work, Failure::of(ReasonCode::InternalError), now).await?;
    }
    Ok(true)
}

/// Does what is due about one work; the index may be behind, so the row decides. Whether anything was done.
async fn settle(disposal: &Disposal, due: DueWork, now: UnixSeconds) -> Result<bool, CloudError> {
    let Some(work) = disposal.works.load(due.subject, due.work).await? else { return Ok(false) };
    match work.due_action(now) {
        DueAction::Wait => return Ok(false),
        DueAction::Fail(reason) => disposal.abandon(&work, Failure::of(reason), now).await?,
        DueAction::Remove => disposal.remove(&work).await?,
    };
    Ok(true)
}
