//! Calls the deployed HTTP API and its presigned URLs as an app does.

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ureq::http::{HeaderMap, Request};

use crate::stack::Stack;

/// An answer of the API, with any status.
#[derive(Debug)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON document; `Null` if the body is empty or not JSON.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl ApiAnswer {
    /// Checks the status and returns the document.
    ///
    /// # Errors
    /// When the status differs; the message contains the problem document.
    pub fn expect(self, status: u16) -> anyhow::Result<Value> {
        anyhow::ensure!(
            self.status == status,
            "the API answered with status {} instead of {status}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

/// One user of the API.
pub struct Caller<'a> {
    stack: &'a Stack,
    url: String,
    token: Option<String>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(stack: &'a Stack, token: Option<String>) -> anyhow::Result<Self> {
        Ok(Self { stack, url: stack.api_url()?, token })
    }

    /// Sends `GET path`.
    ///
    /// # Errors
    /// When the API cannot be reached.
    pub fn get(&self, path: &str) -> anyhow::Result<ApiAnswer> {
        self.send("GET", path, &[], Vec::new())
    }

    /// Sends a request with these headers and this body.
    ///
    /// # Errors
    /// When the API cannot be reached.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> anyhow::Result<ApiAnswer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.stack.agent().run(request.body(body)?)?;
        let (parts, mut body) = response.into_parts();
        let text = body.read_to_string()?;
        let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let body = if kind.contains("json") && !text.is_empty() {
            serde_json::from_str(&text)?
        } else {
            Value::Null
        };
        Ok(ApiAnswer { status: parts.status.as_u16(), headers: parts.headers, body, text })
    }

    /// Requests an upload of this photo, to be fitted onto the template.
    ///
    /// # Errors
    /// When the API cannot be reached.
    pub fn request_upload(
        &self,
        template: &str,
        photo: &[u8],
        content_type: &str,
        idempotency_key: &str,
    ) -> anyhow::Result<ApiAnswer> {
        let document = json!({
            "template_id": template,
            "source": "album",
            "content_type": content_type,
            "content_length": photo.len(),
            "sha256": BASE64_STANDARD.encode(Sha256::digest(photo)),
        });
        let headers = [("content-type", "application/json"), ("idempotency-key", idempotency_key)];
        self.send("POST", "/v1/uploads", &headers, document.to_string().into_bytes())
    }

    /// PUTs the photo as the upload's answer says. Returns the status and the body, which on an error is S3's document.
    ///
    /// # Errors
    /// When the answer has no URL or S3 cannot be reached.
    pub fn put_photo(&self, upload: &Value, photo: &[u8]) -> anyhow::Result<(u16, String)> {
        let url = upload["url"].as_str().context("the upload has no url")?;
        let mut request = Request::builder().method("PUT").uri(url);
        for (name, value) in upload["headers"].as_object().context("the upload has no headers")? {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        let mut response = self.stack.agent().run(request.body(photo.to_vec())?)?;
        Ok((response.status().as_u16(), response.body_mut().read_to_string()?))
    }

    /// Fetches a presigned URL. Returns the status and the bytes.
    ///
    /// # Errors
    /// When S3 cannot be reached.
    pub fn download(&self, url: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut response = self.stack.agent().get(url).call()?;
        Ok((response.status().as_u16(), response.body_mut().with_config().limit(u64::MAX).read_to_vec()?))
    }
}
