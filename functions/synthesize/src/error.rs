//! Why a photo is not synthesized.

use cloud::CloudError;
use fitting::FittingError;

/// An error that sends the event back to Lambda.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SynthesisError {
    /// A store failed; a retry may succeed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The models or the template are broken. The work is already marked failed; the error makes the fault visible.
    #[error(transparent)]
    Fitting(#[from] FittingError),
}
