//! Requests and responses of the HTTP API (API Gateway payload format 2.0).
//!
//! The caller's identity comes only from the claims of the JWT authorizer. No header, query or body can name a user.

use std::net::IpAddr;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::{HeaderMap, HeaderName, HeaderValue, header};
use domain::limits::IDEMPOTENCY_KEY_CHARS_MAX;
use domain::{IdentityHash, UnixSeconds};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{ApiError, Problem};

/// The longest body that is read, in bytes. The API takes only small JSON documents; photos go to S3.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request that passed the authorizer.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Request(ApiGatewayV2httpRequest);

impl Request {
    pub(crate) fn new(event: ApiGatewayV2httpRequest) -> Self {
        Self(event)
    }

    /// The route that the request matched, such as `GET /v1/works/{id}`.
    pub fn route(&self) -> &str {
        self.0.route_key.as_deref().unwrap_or_default()
    }

    /// Returns the identity of the signed-in caller.
    ///
    /// # Errors
    /// 401 when the authorizer passed on no issuer or no `sub`. That cannot happen on a deployed route.
    pub fn caller(&self) -> Result<IdentityHash, Problem> {
        self.issuer_and_subject().map(|(issuer, subject)| IdentityHash::new(issuer, subject))
    }

    /// Returns the caller's issuer and `sub` in clear. Use them only for what must be sent to the issuer.
    ///
    /// # Errors
    /// As [`Request::caller`].
    pub fn issuer_and_subject(&self) -> Result<(&str, &str), Problem> {
        match (self.claim("iss"), self.claim("sub")) {
            (Some(issuer), Some(subject)) => Ok((issuer, subject)),
            _ => Err(Problem::new(
                401,
                "unauthenticated",
                "Not signed in",
                "Sign in and send the access token.",
            )),
        }
    }

    /// Returns the caller's user name in a Cognito user pool. Access tokens and identity tokens name the claim
    /// differently.
    pub fn username(&self) -> Option<&str> {
        self.claim("username").or_else(|| self.claim("cognito:username"))
    }

    /// Returns when the caller's token was issued (`iat`). Without `iat` it is the time of the sign-in (`auth_time`),
    /// which is never later. `None` when the token holds neither. API Gateway passes numbers on as text.
    pub fn issued_at(&self) -> Option<UnixSeconds> {
        let claim = self.claim("iat").or_else(|| self.claim("auth_time"))?;
        claim.parse().ok().map(UnixSeconds::from_second)
    }

    fn claim(&self, name: &str) -> Option<&str> {
        let jwt = self.0.request_context.authorizer.as_ref()?.jwt.as_ref()?;
        jwt.claims.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the network address of the sender, as API Gateway saw it. Behind a proxy it is the proxy's address.
    pub fn source_address(&self) -> Option<IpAddr> {
        self.0.request_context.http.source_ip.as_deref()?.parse().ok()
    }

    /// Parses a path parameter. `what` names the thing in the 404 answer.
    ///
    /// # Errors
    /// 404 when the parameter is not a valid `T`, because nothing can exist under it.
    pub fn path<T: std::str::FromStr>(&self, name: &str, what: &'static str) -> Result<T, Problem> {
        let text = self.0.path_parameters.get(name).map_or("", String::as_str);
        text.parse().map_err(|_malformed| Problem::not_found(what))
    }

    /// Returns a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query_string_parameters.first(name)
    }

    /// Returns how many items a page of a list may hold (`limit`): at most `max`, which is also the default.
    ///
    /// # Errors
    /// 400 when `limit` is not a number from 1 to `max`.
    pub fn limit(&self, max: usize) -> Result<usize, Problem> {
        let Some(text) = self.query("limit") else { return Ok(max) };
        let number = text.parse().ok().filter(|limit| (1..=max).contains(limit));
        number.ok_or_else(|| {
            Problem::bad_request("invalid_limit", format!("limit must be a number from 1 to {max}."))
        })
    }

    /// Returns the item after which a page of a list begins (`cursor`). Endpoints search for this item only among the
    /// caller's own.
    ///
    /// # Errors
    /// 400 when `cursor` is malformed.
    pub fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = self.query("cursor") else { return Ok(None) };
        let invalid = "cursor must be the next_cursor of the previous page.";
        text.parse().map(Some).map_err(|_malformed| Problem::bad_request("invalid_cursor", invalid))
    }

    /// Returns a header, or `None` when it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the key that identifies a repeated request (`Idempotency-Key`).
    ///
    /// # Errors
    /// 400 when the key is missing, too long, or not visible ASCII.
    pub fn idempotency_key(&self) -> Result<&str, Problem> {
        let key = self.header("idempotency-key").unwrap_or_default();
        let valid = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        let detail = format!(
            "Send an Idempotency-Key header of 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters."
        );
        if valid { Ok(key) } else { Err(Problem::bad_request("invalid_idempotency_key", detail)) }
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// 413 when the body is too long, 400 when it is not the JSON that the endpoint expects.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = self.0.body.as_deref().unwrap_or_default();
        if self.0.is_base64_encoded {
            let detail = "Send the JSON document with Content-Type: application/json.";
            return Err(Problem::bad_request("invalid_body", detail));
        }
        if body.len() > BODY_BYTES_MAX {
            let detail =
                format!("The body may have at most {BODY_BYTES_MAX} bytes ({} KiB).", BODY_BYTES_MAX >> 10);
            return Err(Problem::new(413, "body_too_large", "The body is too large", detail));
        }
        serde_json::from_str(body)
            .map_err(|error| Problem::bad_request("invalid_body", format!("The body is invalid: {error}.")))
    }
}

/// An HTTP response. It never sets a cookie, and may be cached only where the endpoint says so.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Option<String>,
}

impl Response {
    /// Creates a response with a JSON document.
    ///
    /// # Errors
    /// When `body` cannot be serialised.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self::of(status, "application/json", serde_json::to_string(body)?))
    }

    /// Creates a response of status 200 with a document that is not JSON.
    pub fn document(content_type: &'static str, body: String) -> Self {
        Self::of(200, content_type, body)
    }

    /// Creates a response of status 204: the request succeeded and there is no body.
    pub fn no_content() -> Self {
        let mut response = Self::of(204, "", String::new());
        response.headers.remove(header::CONTENT_TYPE);
        Self { body: None, ..response }
    }

    /// Adds a `Retry-After` header, which tells the app when to ask again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Lets every cache keep the answer for `seconds`. Only for answers that are the same for everybody and hold no
    /// personal data.
    #[must_use]
    pub fn cached_for(self, seconds: u32) -> Self {
        let Ok(value) = HeaderValue::from_str(&format!("public, max-age={seconds}")) else { return self };
        self.header(header::CACHE_CONTROL, value)
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    fn of(status: u16, content_type: &'static str, body: String) -> Self {
        let response = Self { status, headers: HeaderMap::new(), body: Some(body) };
        response
            .header(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .header(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
    }

    fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl TryFrom<&Problem> for Response {
    type Error = serde_json::Error;

    fn try_from(problem: &Problem) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_string(&problem.body())?;
        let response = Self::of(problem.status(), "application/problem+json", body);
        Ok(match problem.retry_after_seconds() {
            Some(seconds) => response.retry_after(seconds),
            None => response,
        })
    }
}

impl From<Response> for ApiGatewayV2httpResponse {
    fn from(response: Response) -> Self {
        let mut event = Self::default();
        event.status_code = i64::from(response.status);
        event.headers = response.headers;
        event.body = response.body.map(Body::Text);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(event: serde_json::Value) -> Request {
        Request::new(serde_json::from_value(event).expect("an event"))
    }

    fn event(extra: &serde_json::Value) -> serde_json::Value {
        let mut event = serde_json::json!({
            "version": "2.0", "routeKey": "GET /v1/works",
            "requestContext": { "http": { "method": "GET" },
                "authorizer": { "jwt": { "claims": { "iss": "https://issuer", "sub": "ada" } } } },
        });
        for (key, value) in extra.as_object().expect("an object") {
            event[key] = value.clone();
        }
        event
    }

    #[test]
    fn the_caller_comes_from_the_authorizers_claims() {
        let caller = request(event(&serde_json::json!({}))).caller().expect("signed in");
        assert_eq!(caller, IdentityHash::new("https://issuer", "ada"));
    }

    #[test]
    fn a_request_without_both_claims_has_no_caller() {
        for claims in [
            serde_json::json!({}),
            serde_json::json!({"sub": "ada"}),
            serde_json::json!({"iss": "i", "sub": ""}),
        ] {
            let context = serde_json::json!({ "http": { "method": "GET" }, "authorizer": { "jwt": { "claims": claims } } });
            let problem = request(event(&serde_json::json!({ "requestContext": context })))
                .caller()
                .expect_err("no caller");
            assert_eq!(problem.status(), 401);
        }
    }

    #[test]
    fn a_tokens_time_is_iat_else_auth_time_else_none() {
        let issued_at = |claims: serde_json::Value| {
            let context = serde_json::json!({ "http": { "method": "GET" }, "authorizer": { "jwt": { "claims": claims } } });
            request(event(&serde_json::json!({ "requestContext": context }))).issued_at()
        };
        let second = |second| Some(UnixSeconds::from_second(second));
        assert_eq!(issued_at(serde_json::json!({ "iat": "1795435200" })), second(1_795_435_200));
        let both = serde_json::json!({ "iat": "1795435200", "auth_time": "1795000000" });
        assert_eq!(issued_at(both), second(1_795_435_200));
        assert_eq!(issued_at(serde_json::json!({ "auth_time": "1795000000" })), second(1_795_000_000));
        for claims in [serde_json::json!({}), serde_json::json!({ "iat": "yesterday" })] {
            assert_eq!(issued_at(claims), None);
        }
    }

    #[test]
    fn a_body_that_is_too_long_is_refused() {
        let body = "x".repeat(BODY_BYTES_MAX + 1);
        let problem = request(event(&serde_json::json!({ "body": body })))
            .json::<serde_json::Value>()
            .expect_err("too long");
        assert_eq!(problem.code(), "body_too_large");
    }

    #[test]
    fn an_answer_is_cached_only_where_the_endpoint_says_so() {
        let answer = || Response::json(200, &[1, 2]).expect("serialises");
        assert_eq!(answer().headers["cache-control"], "no-store");
        assert_eq!(answer().cached_for(300).headers["cache-control"], "public, max-age=300");
    }

    #[test]
    fn a_problem_is_problem_json_and_never_cached() {
        let response = Response::try_from(&Problem::not_found("work")).expect("serialises");
        assert_eq!(response.headers["content-type"], "application/problem+json");
        assert_eq!(response.headers["cache-control"], "no-store");
        assert!(response.body.expect("a body").contains("urn:ai-fitting:problem:not_found"));
    }
}
