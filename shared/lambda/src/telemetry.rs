//! Sets up the log: one JSON line an event on stdout, at INFO and above from this project, at WARN and above from all
//! libraries.
//!
//! The levels are fixed in code: at TRACE the SDK prints bodies and keys, and no environment variable may turn that
//! on. A panic is logged with its place and without its payload, which may hold anything.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The shared crates of this project, which log at INFO too.
const SHARED_TARGETS: [&str; 4] = ["cloud", "domain", "fitting", "lambda"];

/// Starts logging for the function `name` and replaces the panic hook. `main` calls it once, before anything else.
pub(crate) fn start(name: &'static str) {
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
