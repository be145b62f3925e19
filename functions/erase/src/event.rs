//! Events that trigger `erase`.

use domain::RequestId;
use serde::Deserialize;

/// An event, by its sender.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum EraseEvent {
    /// From the scheduler, or from an operator.
    Task(Task),
    /// From the stream of the erasures table: new requests.
    Requests {
        /// The records of the stream. They hold keys only.
        #[serde(rename = "Records")]
        records: Vec<StreamRecord>,
    },
}

/// A task besides new requests.
#[derive(Debug, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Task {
    /// Run the sweep.
    Sweep,
    /// Reapply erasures to a restored copy of the records, before it serves.
    Replay {
        /// The table name of the copy.
        table: String,
        /// How many seconds this run may take. The default, also the maximum, fits into the function's time-out.
        seconds: Option<u32>,
    },
}

/// One record of a DynamoDB stream (Amazon DynamoDB API reference, "StreamRecord").
#[derive(Debug, Deserialize)]
pub(crate) struct StreamRecord {
    dynamodb: Keys,
}

#[derive(Debug, Deserialize)]
struct Keys {
    #[serde(rename = "Keys")]
    keys: Key,
}

#[derive(Debug, Deserialize)]
struct Key {
    pk: Text,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl StreamRecord {
    /// Returns the id of the new request; `None` for a row of another kind.
    pub(crate) fn request(&self) -> Option<RequestId> {
        self.dynamodb.keys.pk.text.strip_prefix("REQUEST#")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_event_is_recognised() {
        let event = |text: &str| serde_json::from_str::<EraseEvent>(text);
        assert!(matches!(event(r#"{"task": "sweep"}"#), Ok(EraseEvent::Task(Task::Sweep))));
        let replay = event(r#"{"task": "replay", "table": "copy"}"#);
        assert!(
            matches!(replay, Ok(EraseEvent::Task(Task::Replay { table, seconds: None })) if table == "copy")
        );
        let replay = event(r#"{"task": "replay", "table": "copy", "seconds": 7}"#);
        assert!(matches!(replay, Ok(EraseEvent::Task(Task::Replay { seconds: Some(7), .. }))));
        assert!(event(r#"{"task": "other"}"#).is_err());
        assert!(event(r#"{"task": "replay"}"#).is_err());
    }

    #[test]
    fn a_record_of_the_stream_names_its_request() {
        let id = RequestId::from_bits(7);
        let record = |key: &str| {
            let keys = serde_json::json!({ "Keys": { "pk": { "S": key } }, "SequenceNumber": "1" });
            serde_json::from_value::<StreamRecord>(
                serde_json::json!({ "eventName": "INSERT", "dynamodb": keys }),
            )
        };
        assert_eq!(record(&format!("REQUEST#{id}")).expect("a record").request(), Some(id));
        assert_eq!(record("OTHER#x").expect("a record").request(), None);
    }
}
