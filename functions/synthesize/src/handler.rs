//! From an S3 event to the works of its photos.

use crate::event::{Arrival, EventError, UploadEvent};
use crate::synthesize::{Ending, SynthesisError, Synthesize};

/// Why an event goes back to Lambda.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandleError {
    /// It is none that this function is for.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Its photo is to be tried again.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
}

/// Makes the works of an event's photos, one after the other, and deletes what else has arrived.
///
/// # Errors
/// When Lambda is to try again; what was done before is then found done.
pub(crate) async fn handle(
    synthesize: &Synthesize,
    event: UploadEvent,
    request: &str,
) -> Result<(), HandleError> {
    let photos = &synthesize.work_stores.photos;
    for arrival in event.arrivals(photos.bucket())? {
        match arrival {
            Arrival::Photo(photo) => {
                let ending = synthesize.run(&photo, request).await?;
                if ending == Ending::OnlyDeleted {
                    synthesize.count_unprocessed();
                }
                // No id: the line outlives the work, and an ending may say something of a face.
                tracing::info!(?ending, "photo handled");
            }
            Arrival::Stray(key) => {
                photos.delete_stray(&key).await.map_err(SynthesisError::from)?;
                synthesize.count_unprocessed();
                tracing::warn!("stray object deleted");
            }
        }
    }
    Ok(())
}
