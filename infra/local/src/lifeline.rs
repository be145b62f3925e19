//! Child processes that end when this process does, however it ends.
//!
//! Each of them ends by itself once its standard input closes; the operating system closes our end even when
//! we are killed, and a test process never runs the destructors of its statics.

use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use crate::stopwatch::Stopwatch;

/// How long a child may take to end after its standard input closed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A running child whose standard input we hold; dropping it stops the child.
pub(crate) struct Tied {
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Tied {
    /// Starts `command` with its standard input in our hand.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    /// The child's standard input and output, for a child that is asked things over them.
    pub(crate) fn pipes(&mut self) -> Option<(ChildStdin, std::process::ChildStdout)> {
        Some((self.lifeline.take()?, self.child.stdout.take()?))
    }

    /// Whether the child has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        self.lifeline = None;
        let start = Stopwatch::start();
        while start.elapsed() < STOP_LIMIT {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Both can only fail for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of the loopback address that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot bind a loopback port")?;
    Ok(listener.local_addr()?.port())
}
