//! Handles the on-failure record of `synthesize`: deletes the photo and marks the work failed.

use cloud::{CloudError, WorkStores};
use domain::{Failure, PhotoKey, ReasonCode, UnixSeconds};
use lambda::object_key;

use crate::event::GivenUp;

/// Deletes the photos of an event and marks their works failed.
pub(crate) async fn run(
    work_stores: &WorkStores,
    record: &GivenUp,
    now: UnixSeconds,
) -> Result<(), CloudError> {
    for photo in &record.request_payload.records {
        // A key of another form has no work. The sweep deletes the object under it.
        if let Ok(key) = object_key(&photo.s3.object).parse() {
            give_up(work_stores, key, record.request_context.request_id.as_deref(), now).await?;
        }
    }
    Ok(())
}

/// Deletes the photo under `key` and marks its work failed, unless a worker on a duplicate of the event holds the
/// work. In that case that worker, or its own failure, ends the work. A lease of a worker on this same event is dead,
/// because Lambda sends the record only after the last worker has ended.
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
