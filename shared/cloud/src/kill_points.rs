//! Ends the process before or after its n-th write, so that tests can show what a crash at any point leaves.
//!
//! Compiled into test builds only (`--features kill-points`). The points are counted where requests leave the
//! process, so none can be forgotten: every request that is no read is a write. `KILL_AT=n` ends the process at
//! point n, from 1; without it the points are only counted, and told on stderr.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Operations that change nothing.
const READS: [&str; 5] = ["GetItem", "Query", "GetObject", "ListObjectsV2", "HeadObject"];

static PASSED: AtomicU32 = AtomicU32::new(0);

/// Counts the points before and after each write and ends the process at the chosen one.
#[derive(Debug, Clone)]
pub(crate) struct KillPoints {
    kill_at: Option<u32>,
}

impl KillPoints {
    /// As the variable `KILL_AT` says.
    pub(crate) fn of_process() -> Self {
        let kill_at = std::env::var_os("KILL_AT").and_then(|value| value.to_str()?.parse().ok());
        Self { kill_at }
    }

    fn pass(&self, place: &str, operation: &str) {
        let point = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        tracing::warn!(point, place, operation, "kill point");
        if self.kill_at == Some(point) {
            std::process::abort();
        }
    }
}

/// The operation's name, if it is a write.
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
