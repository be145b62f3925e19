//! Dispatches an event to its task.

use jiff::SignedDuration;

use crate::erase::{Erase, EraseError};
use crate::event::{EraseEvent, StreamRecord, Task};
use crate::replay::Replayed;

/// Runs the task of an event. A replay answers whether it is complete.
///
/// # Errors
/// When a step failed. It stays due, and the next sweep retries it.
pub(crate) async fn handle(erase: &Erase, event: EraseEvent) -> Result<Option<Replayed>, EraseError> {
    match event {
        EraseEvent::Task(Task::Sweep) => erase.sweep().await.map(|()| None),
        EraseEvent::Task(Task::Replay { table, seconds }) => {
            let most =
                seconds.map_or(SignedDuration::MAX, |seconds| SignedDuration::from_secs(seconds.into()));
            Ok(Some(erase.replay(table, erase.budget(most)).await?))
        }
        EraseEvent::Requests { records } => {
            let budget = erase.budget(SignedDuration::MAX);
            for request in records.iter().filter_map(StreamRecord::request) {
                erase.advance(request, budget).await?;
            }
            tracing::info!(requests = records.len(), "requests handled");
            Ok(None)
        }
    }
}
