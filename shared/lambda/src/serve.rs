//! The serving loop: calls the handler for each event, returns the outcome and logs each fault once.
//!
//! A panic becomes an error without the panic's payload, because Lambda writes every error to the log and to the
//! on-failure destination. The place of the panic is in the log (`telemetry`).

use std::future::Future;
use std::panic::AssertUnwindSafe;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deadline::{OutOfTime, within};
use crate::{ApiError, Metrics, Problem, Request, Response, clock};

/// Why an event was not handled. Lambda retries the event. The text is safe to log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HandlerError(String);

impl HandlerError {
    /// Takes the text of `error`. By the rule of this project it holds no payload.
    pub fn of(error: &impl std::error::Error) -> Self {
        Self(error.to_string())
    }

    fn out_of_time(error: OutOfTime) -> Self {
        Self(error.to_string())
    }

    fn panicked() -> Self {
        Self("the handler panicked; the log line before this one names the place in the code".to_owned())
    }
}

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Self {
        Self { error_type: "HandlerError".to_owned(), error_message: error.0 }
    }
}

/// Serves the routes of an HTTP API until Lambda ends the process. The handler gets the request and the time. Answers
/// with a status of 500 and above are counted, because Lambda itself counts them as successes.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve_http<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Request, Timestamp) -> F,
    F: Future<Output = Result<Response, ApiError>>,
{
    let service = service_fn(async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        let metrics = Metrics::of_function(event.context.env_config.function_name.clone());
        let request = Request::new(event.payload);
        let route = request.route().to_owned();
        let handling = AssertUnwindSafe(Box::pin(handler(request, clock::now()))).catch_unwind();
        let outcome = match within(event.context.deadline, handling).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_payload)) => Err(ApiError::Internal(Box::new(HandlerError::panicked()))),
            Err(out_of_time) => Err(unavailable(out_of_time)),
        };
        let response = answer(outcome).map_err(|error| HandlerError::of(&error))?;
        if response.status() >= 500 {
            metrics.count_server_fault(&route, clock::now_seconds());
        }
        Ok::<_, HandlerError>(ApiGatewayV2httpResponse::from(response))
    });
    lambda_runtime::run(service).await
}

/// Serves asynchronous events until Lambda ends the process. The handler gets the event and the request's id, which
/// is the same for every attempt at one event. The handler's answer reaches only somebody who invokes the function by
/// hand. An error goes back to Lambda, which retries.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn serve_events<E, A, H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    E: DeserializeOwned,
    A: Serialize,
    H: Fn(E, String) -> F,
    F: Future<Output = Result<A, HandlerError>>,
{
    let service = service_fn(async |event: LambdaEvent<E>| {
        let LambdaEvent { payload, context } = event;
        let handling = AssertUnwindSafe(Box::pin(handler(payload, context.request_id))).catch_unwind();
        let outcome = match within(context.deadline, handling).await {
            Ok(handled) => handled.unwrap_or_else(|_payload| Err(HandlerError::panicked())),
            Err(out_of_time) => Err(HandlerError::out_of_time(out_of_time)),
        };
        if let Err(error) = &outcome {
            tracing::error!(%error, "event not handled");
        }
        outcome
    });
    lambda_runtime::run(service).await
}

fn unavailable(error: OutOfTime) -> ApiError {
    tracing::error!(%error, "request not served");
    Problem::unavailable().into()
}

fn answer(outcome: Result<Response, ApiError>) -> Result<Response, serde_json::Error> {
    match outcome {
        Ok(response) => Ok(response),
        Err(ApiError::Problem(problem)) => Response::try_from(&problem),
        Err(ApiError::Internal(error)) => {
            tracing::error!(%error, "request not served");
            Response::try_from(&Problem::internal())
        }
    }
}
