//! Handles an S3 event: makes a work of each photo in it.

use crate::error::SynthesisError;
use crate::event::{Arrival, EventError, UploadEvent};
use crate::synthesize::{Ending, Synthesize};

/// Why an event goes back to Lambda.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandleError {
    /// The event is not for this function.
    #[error(transparent)]
    Event(#[from] EventError),
    /// A photo of the event must be tried again.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
}

/// Makes the works of an event's photos, one after the other, and deletes every other object that arrived.
///
/// # Errors
/// When Lambda must try again. The retry does not repeat what was already done.
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
                // The line holds no id, because it outlives the work, and an ending may reveal something about a
                // face.
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
