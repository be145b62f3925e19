//! What can go wrong in a store. An AWS error's own message may name a key, and a key names a subject; so only
//! the operation and the service's error code are kept.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A fault of a store. All of them are worth a retry; none is the user's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// The service did not do what it was asked.
    #[error("{operation} failed: {code}")]
    Service {
        /// The API operation.
        operation: &'static str,
        /// The service's error code, or what kept the request from an answer.
        code: String,
    },
    /// Something stored is not what this version of the code writes.
    #[error("{what} cannot be read")]
    Malformed {
        /// The kind of thing.
        what: &'static str,
    },
    /// The operating system gave no random bits.
    #[error("no random bits from the operating system")]
    Random,
}

impl CloudError {
    /// For `map_err`: what `operation` answered, without the answer's words.
    pub(crate) fn of<E: ProvideErrorMetadata, R>(
        operation: &'static str,
    ) -> impl FnOnce(SdkError<E, R>) -> Self {
        move |error| {
            let code = match &error {
                SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown").to_owned(),
                SdkError::TimeoutError(_) => "timeout".to_owned(),
                SdkError::DispatchFailure(_) => "no connection".to_owned(),
                SdkError::ResponseError(_) => "unreadable answer".to_owned(),
                _ => "request not built".to_owned(),
            };
            Self::Service { operation, code }
        }
    }

    /// For `map_err`: something stored cannot be read.
    pub(crate) fn malformed<E>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |_error| Self::Malformed { what }
    }
}
