//! The errors of the stores. The message of an AWS error may name a key, and a key names a subject. So only the
//! operation and the service's error code are kept.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A fault of a store. The user never causes it, and a retry may succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// The service did not carry out the operation.
    #[error("{operation} failed: {code}")]
    Service {
        /// The API operation.
        operation: &'static str,
        /// The service's error code, or why there was no answer.
        code: String,
    },
    /// Stored data, or an answer, does not have the form that this version of the code expects.
    #[error("{what} cannot be read")]
    Malformed {
        /// What cannot be read.
        what: &'static str,
    },
    /// The operating system gave no random bits.
    #[error("the operating system gave no random bits")]
    Random,
}

impl CloudError {
    /// For `map_err`: converts an SDK error of `operation` and drops its message.
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

    /// For `map_err`: replaces an error by [`CloudError::Malformed`].
    pub(crate) fn malformed<E>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |_error| Self::Malformed { what }
    }
}
