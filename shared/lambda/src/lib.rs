//! What every Lambda function needs: settings, clock, telemetry, the caller's identity, problem+json and the serving
//! loop. This crate knows no AWS service and no endpoint.

pub mod clock;
mod deadline;
mod http;
mod metrics;
mod object_key;
mod problem;
mod serve;
mod settings;
mod telemetry;

pub use http::{Request, Response};
pub use metrics::{Metric, Metrics, Unit};
pub use object_key::object_key;
pub use problem::{ApiError, Problem};
pub use serve::{HandlerError, serve_events, serve_http};
pub use settings::{Settings, SettingsError};

/// Starts a function: sets up its logs under `name`, then reads its environment.
#[must_use]
pub fn start(name: &'static str) -> Settings {
    telemetry::start(name);
    Settings::of_process()
}
