//! Starts child processes that end when this process ends, however it ends.
//!
//! Each child ends by itself when its standard input closes. The operating system closes our end of it even if this
//! process is killed. Destructors are not enough: a test process never runs those of its statics.

use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::stopwatch::Stopwatch;

/// The longest time for a child to end after its standard input closes; then it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Owns a running child and its standard input; drop stops the child.
pub(crate) struct ChildGuard {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl ChildGuard {
    /// Starts `command` and keeps the other end of its standard input.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }

    /// Takes the child's standard input and output, for a child that answers requests over them.
    pub(crate) fn pipes(&mut self) -> Option<(ChildStdin, std::process::ChildStdout)> {
        Some((self.stdin.take()?, self.child.stdout.take()?))
    }

    /// Whether the child has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        self.stdin = None;
        let start = Stopwatch::start();
        while start.elapsed() < STOP_LIMIT {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Both fail only if the child has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a loopback port that is free now; another process may take it later.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot bind a loopback port")?;
    Ok(listener.local_addr()?.port())
}
