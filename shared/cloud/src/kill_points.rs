//! Ends or pauses the process before or after its n-th write. So tests can check what a crash at any point leaves
//! behind, and what happens when another process comes in between.
//!
//! Compiled into test builds only (`--features kill-points`). The points are counted where requests leave the
//! process, so no write can be missed: every request that is not a read is a write. `KILL_AT=n` ends the process at
//! point n, from 1. `PAUSE_AT=n` makes it create the file `PAUSE_FILE` at point n and wait until the file is gone.
//! `PAUSE_AT_CALL=n` does the same before the n-th request, reads included, because data that a read has found may be
//! gone by the next request. Without any of these variables the points are only counted and logged.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Operations that change nothing. All others count as writes.
const READS: [&str; 8] = [
    "BatchGetItem",
    "GetItem",
    "Query",
    "Scan",
    "GetObject",
    "ListMultipartUploads",
    "ListObjectsV2",
    "HeadObject",
];

static PASSED: AtomicU32 = AtomicU32::new(0);
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Counts the points before and after each write and ends or pauses the process at the chosen one.
#[derive(Debug, Clone)]
pub(crate) struct KillPoints {
    kill_at: Option<u32>,
    pause_at: Option<u32>,
    pause_at_call: Option<u32>,
    pause_file: Option<PathBuf>,
}

impl KillPoints {
    /// Reads the variables `KILL_AT`, `PAUSE_AT`, `PAUSE_AT_CALL` and `PAUSE_FILE`.
    #[expect(
        clippy::disallowed_methods,
        reason = "test builds only; injected faults are not settings of the function"
    )]
    pub(crate) fn of_process() -> Self {
        let point = |name| std::env::var_os(name)?.to_str()?.parse().ok();
        Self {
            kill_at: point("KILL_AT"),
            pause_at: point("PAUSE_AT"),
            pause_at_call: point("PAUSE_AT_CALL"),
            pause_file: std::env::var_os("PAUSE_FILE").map(PathBuf::from),
        }
    }

    fn pass(&self, place: &str, operation: &str) {
        let point = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        tracing::warn!(point, place, operation, "kill point");
        if self.kill_at == Some(point) {
            std::process::abort();
        }
        if self.pause_at == Some(point) {
            self.pause();
        }
    }

    fn call(&self) {
        let call = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
        if self.pause_at_call == Some(call) {
            self.pause();
        }
    }

    /// Blocks the only thread, like a suspended process. If the file cannot be created, the process does not pause,
    /// and the test that waits for the file fails.
    fn pause(&self) {
        let Some(file) = &self.pause_file else { return };
        let _created = std::fs::write(file, b"");
        while file.exists() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Returns the operation's name if it is a write.
fn write(config: &ConfigBag) -> Option<String> {
    let name = config.load::<Metadata>()?.name();
    (!READS.contains(&name)).then(|| name.to_owned())
}

impl Intercept for KillPoints {
    fn name(&self) -> &'static str {
        "KillPoints"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.call();
        if let Some(operation) = write(config) {
            self.pass("before", &operation);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(operation) = write(config) {
            self.pass("after", &operation);
        }
        Ok(())
    }
}
