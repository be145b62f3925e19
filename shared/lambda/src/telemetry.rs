//! Logs: one JSON line an event on stdout, our own at INFO, everybody else's at WARN and above.
//!
//! The clamp is in code, because the SDK's TRACE prints bodies and keys and no environment variable may turn
//! that on. A panic is logged with its place and never with its payload, which may hold anything.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The shared crates whose INFO lines are ours too.
const SHARED_TARGETS: [&str; 4] = ["cloud", "domain", "fitting", "lambda"];

/// Starts logging for the function `name` and replaces the panic hook. Called once, first thing in `main`.
pub fn start(name: &'static str) {
    let own = SHARED_TARGETS.into_iter().chain([name]).map(|target| (target, Level::INFO));
    let targets = Targets::new().with_default(Level::WARN).with_targets(own);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    // A second call (in a test) keeps the first subscriber.
    let _already_started = tracing_subscriber::registry().with(targets).with(lines).try_init();
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panicked");
    }));
}
