//! Builds the events that API Gateway sends, for function processes that a test kills, pauses or disturbs.

use anyhow::{Context as _, Result, bail};
use local_stack::Answer;
use serde_json::{Map, Value, json};

use crate::app::User;
use crate::workbench::sample;

/// A request of a signed-in user.
pub(crate) struct ApiRequest<'a> {
    /// The route with its parameters' names, such as `GET /v1/works/{id}`.
    pub(crate) route: &'a str,
    /// The values of the path's parameters.
    pub(crate) path: &'a [(&'a str, &'a str)],
    /// The `Idempotency-Key`; empty for none.
    pub(crate) key: &'a str,
    /// The document; `Null` for none.
    pub(crate) body: Value,
}

impl<'a> ApiRequest<'a> {
    /// A request without a body.
    pub(crate) fn of(route: &'a str, path: &'a [(&'a str, &'a str)]) -> Self {
        Self { route, path, key: "", body: Value::Null }
    }

    /// Adds an idempotency key and a document.
    pub(crate) fn with(self, key: &'a str, body: Value) -> Self {
        Self { key, body, ..self }
    }

    /// Builds the event for a function, with the issue time of the sample's token.
    pub(crate) fn event(&self, user: &User<'_>) -> Result<Value> {
        let mut event = sample("account/start.json")?;
        let (method, path) = self.route.split_once(' ').context("no route")?;
        event["routeKey"] = json!(self.route);
        event["rawPath"] = json!(path);
        let context = &mut event["requestContext"];
        context["routeKey"] = json!(self.route);
        context["http"]["method"] = json!(method);
        let claims = &mut context["authorizer"]["jwt"]["claims"];
        claims["iss"] = json!(user.app.stack.description().issuer);
        claims["sub"] = json!(user.name);
        let parameters = self.path.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        event["pathParameters"] = Value::Object(parameters.collect::<Map<_, _>>());
        if !self.key.is_empty() {
            event["headers"]["idempotency-key"] = json!(self.key);
        }
        if !self.body.is_null() {
            event["headers"]["content-type"] = json!("application/json");
            event["body"] = json!(self.body.to_string());
        }
        Ok(event)
    }
}

/// Reads the status and the document from a function's answer.
pub(crate) fn answered(answer: Answer) -> Result<(u64, Value)> {
    let Answer::Returned(answer) = answer else { bail!("the function did not answer: {answer:?}") };
    let status = answer["statusCode"].as_u64().context("no status")?;
    let body = answer["body"].as_str().unwrap_or("null");
    Ok((status, serde_json::from_str(body)?))
}
