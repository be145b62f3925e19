//! The sweep: photos that outlived their bound, and works about which something is due. Bounded in one run; what
//! is left over is due again five minutes later.

use cloud::{CloudError, Disposal, DueWork};
use domain::limits::{DUE_SHARDS, PHOTO_AGE_MAX};
use domain::{DueAction, Failure, PhotoKey, ReasonCode, UnixSeconds};

use crate::event::Scheduled;

/// Works looked at per shard in one run: eight shards make 800 in well under the function's time-out.
const DUE_PER_SHARD: u16 = 100;

/// Runs the scheduled task.
pub(crate) async fn run(disposal: &Disposal, task: Scheduled, now: UnixSeconds) -> Result<(), CloudError> {
    let Scheduled::Sweep = task;
    let photos = orphan_photos(disposal, now).await?;
    let mut works = 0_usize;
    for shard in 0..DUE_SHARDS {
        for due in disposal.works.due(shard, now, DUE_PER_SHARD).await? {
            works += usize::from(settle(disposal, due, now).await?);
        }
    }
    tracing::info!(photos, works, "swept");
    Ok(())
}

/// Deletes every photo that is older than any synthesis, lease or no lease, and fails its work. This bounds what a
/// crash leaves behind.
async fn orphan_photos(disposal: &Disposal, now: UnixSeconds) -> Result<usize, CloudError> {
    let orphans = disposal.photos.stored_until(now.plus(-PHOTO_AGE_MAX)).await?;
    for orphan in &orphans {
        let work = match orphan.parse::<PhotoKey>() {
            Ok(key) => disposal.works.load(key.subject, key.work).await?,
            Err(_stray) => None,
        };
        disposal.photos.delete_stray(orphan).await?;
        if let Some(work) = work {
            disposal.abandon(&work, Failure::of(ReasonCode::InternalError), now).await?;
        }
    }
    Ok(orphans.len())
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
