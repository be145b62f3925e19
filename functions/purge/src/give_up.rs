//! An event was given up: its photo goes now, and the work says so.

use cloud::{CloudError, WorkStores};
use domain::{Failure, PhotoKey, ReasonCode, UnixSeconds};
use lambda::object_key;

use crate::event::GivenUp;

/// Deletes the photos of the event and records that their works failed.
pub(crate) async fn run(work_stores: &WorkStores, record: &GivenUp, now: UnixSeconds) -> Result<(), CloudError> {
    for photo in &record.request_payload.records {
        // A key that is none of ours has no work; the sweep removes whatever lies under it.
        if let Ok(key) = object_key(&photo.s3.object).parse() {
            give_up(work_stores, key, record.request_context.request_id.as_deref(), now).await?;
        }
    }
    Ok(())
}

/// Gives up the photo under `key`, unless a worker on a duplicate of the event holds its work right now: then that
/// worker, or its own failure, ends it. The lease of a worker on this very event is dead, however long it would
/// have run: Lambda gives an event up after its last worker has ended.
async fn give_up(
    work_stores: &WorkStores,
    key: PhotoKey,
    request: Option<&str>,
    now: UnixSeconds,
) -> Result<(), CloudError> {
    let Some(work) = work_stores.works.load(key.subject, key.work).await? else {
        return work_stores.photos.delete(key).await;
    };
    if work.is_held_by_another(now, request) {
        return Ok(());
    }
    work_stores.abandon(&work, Failure::of(ReasonCode::InternalError), now).await
}
