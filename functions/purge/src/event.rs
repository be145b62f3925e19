//! Events that trigger `purge`.

use aws_lambda_events::s3::S3Event;
use serde::Deserialize;

/// An event, by its sender.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum PurgeEvent {
    /// From the scheduler: a task.
    Scheduled(Scheduled),
    /// From Lambda: `synthesize` failed on an event for the last time.
    GivenUp(Box<GivenUp>),
}

/// The scheduler's input, as the SAM template sets it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub(crate) enum Scheduled {
    /// Run the sweep.
    Sweep,
    /// Run the residue check.
    Residue,
}

/// The record that Lambda sends to an on-failure destination. Only the event and its id are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GivenUp {
    /// The invocation that failed.
    pub(crate) request_context: RequestContext,
    /// The S3 event.
    pub(crate) request_payload: S3Event,
}

/// What the record says about the invocation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestContext {
    /// The request id, the same for all attempts. Without it `purge` cannot tell whether a lease is dead, and leaves
    /// the work to the sweep.
    pub(crate) request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_event_is_recognised() {
        let scheduled = serde_json::from_str(r#"{"task": "sweep"}"#).expect("the scheduler's");
        assert!(matches!(scheduled, PurgeEvent::Scheduled(Scheduled::Sweep)));
        let scheduled = serde_json::from_str(r#"{"task": "residue"}"#).expect("the scheduler's");
        assert!(matches!(scheduled, PurgeEvent::Scheduled(Scheduled::Residue)));
        let record = r#"{"version": "1.0", "requestContext": {"requestId": "r", "condition": "RetriesExhausted"},
            "requestPayload": {"Records": []}, "responsePayload": null}"#;
        assert!(matches!(serde_json::from_str(record).expect("Lambda's"), PurgeEvent::GivenUp(_)));
        let anonymous = record.replace(r#""requestId": "r", "#, "");
        assert!(matches!(serde_json::from_str(&anonymous).expect("the emulator's"), PurgeEvent::GivenUp(_)));
        assert!(serde_json::from_str::<PurgeEvent>(r#"{"task": "other"}"#).is_err());
    }
}
