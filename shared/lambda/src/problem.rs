//! Errors that the app receives: problem+json (RFC 9457) with a stable `code` and a sentence that says what to do.

use serde::Serialize;

/// An expected refusal of a request. It holds nothing that the caller may not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: String,
    retry_after_seconds: Option<u32>,
}

/// What an endpoint returns instead of a response.
///
/// Like `anyhow::Error` it does not implement `Error` itself, so that `?` converts any error of the layers below.
/// Such an error becomes a 500 that tells the app no details, and a log line with the error's `Display`. By the rule
/// of this project that text holds a place and a code, never a payload.
#[derive(Debug)]
pub enum ApiError {
    /// The request is refused.
    Problem(Problem),
    /// The service failed. A log line and the metric `server_faults` report it.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

impl Problem {
    /// Creates a problem with its HTTP status, stable code, title and detail.
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), retry_after_seconds: None }
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(400, code, "The request is not understood", detail)
    }

    /// 404: this caller may see nothing here. The answer is the same whether the thing never existed or belongs to
    /// somebody else.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(404, "not_found", "Not found", format!("There is no such {what}."))
    }

    /// 500: the service failed. The app may try again.
    pub(crate) fn internal() -> Self {
        let detail = "Something went wrong on our side; please try again.";
        Self::new(500, "internal_error", "Internal error", detail).retry_after(1)
    }

    /// 503: the service is too slow. The app may try again.
    pub(crate) fn unavailable() -> Self {
        let detail = "The service took too long to answer; please try again.";
        Self::new(503, "unavailable", "Temporarily unavailable", detail).retry_after(1)
    }

    /// Adds a `Retry-After` header.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns after how many seconds to ask again, if that is known.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.retry_after_seconds
    }

    pub(crate) fn body(&self) -> impl Serialize {
        Body {
            r#type: format!("urn:ai-fitting:problem:{}", self.code),
            title: self.title,
            status: self.status,
            detail: &self.detail,
            code: self.code,
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self::Internal(Box::new(error))
    }
}
