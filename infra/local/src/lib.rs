//! Runs the whole service on this machine. An AWS emulator enforces IAM and TLS. The real template is deployed to it,
//! the real function binaries run under their own roles, and a local issuer signs the tokens that the API accepts.
//!
//! `cargo xtask demo` and `dev` and the acceptance tests use it. `overlay.yaml` lists every difference from AWS. The
//! template tests assert what the emulator does not enforce.

mod account;
mod api;
mod binaries;
mod catalogue;
mod emulator;
mod function_process;
mod http_request;
mod issuer;
mod lifeline;
mod python;
mod reservation;
mod stack;
mod stopwatch;
mod template;
mod watch;
mod workspace;

pub use account::{Account, CallError, Credentials};
pub use api::{ApiAnswer, Caller};
pub use binaries::{
    Binaries, FUNCTIONS, build_binaries, build_functions, build_functions_with_faults, cargo,
};
pub use catalogue::lay_out;
pub use function_process::{Answer, FunctionProcess};
pub use python::Python;
pub use reservation::Reservation;
pub use stack::{Description, LocalStack, Options, Stack};
pub use stopwatch::Stopwatch;
pub use template::{Overlay, lint_template, transformed_template};
pub use watch::{Watch, Watcher};
pub use workspace::{local_directory, workspace_root};
