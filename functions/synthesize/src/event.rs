//! Reads the photos from an S3 event.

use aws_lambda_events::s3::S3EventRecord;
use lambda::object_key;
use serde::Deserialize;

use crate::photo::ArrivedPhoto;

/// An event from S3. It holds records, except the test event, which S3 sends when a notification is set up.
#[derive(Debug, Deserialize)]
pub(crate) struct UploadEvent {
    #[serde(rename = "Records", default)]
    records: Vec<S3EventRecord>,
}

/// An object that arrived in the uploads bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// A photo, under a key that `uploads` assigns.
    Photo(ArrivedPhoto),
    /// Any other object, under this key.
    Stray(String),
}

/// Why an event is not for this function.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EventError {
    /// The notification of another bucket is wired to this function.
    #[error(
        "the event is from another bucket than UPLOADS_BUCKET; check the notifications in infra/template.yaml"
    )]
    OtherBucket,
    /// The size or the ETag is missing. S3 always sends both with `ObjectCreated`.
    #[error("the event has no size or no ETag; S3 sends both with every ObjectCreated event")]
    Incomplete,
}

impl UploadEvent {
    /// Returns the objects that arrived in `bucket`.
    ///
    /// # Errors
    /// When a record is about another bucket or is incomplete. Lambda then retries and gives the event up, which
    /// raises an alarm.
    pub(crate) fn arrivals(&self, bucket: &str) -> Result<Vec<Arrival>, EventError> {
        self.records.iter().map(|record| arrived(record, bucket)).collect()
    }
}

fn arrived(record: &S3EventRecord, bucket: &str) -> Result<Arrival, EventError> {
    if record.s3.bucket.name.as_deref() != Some(bucket) {
        return Err(EventError::OtherBucket);
    }
    let object = &record.s3.object;
    let key = object_key(object);
    let Ok(photo_key) = key.parse() else { return Ok(Arrival::Stray(key)) };
    let etag = object.e_tag.clone().ok_or(EventError::Incomplete)?;
    let bytes = object.size.and_then(|size| u64::try_from(size).ok()).ok_or(EventError::Incomplete)?;
    Ok(Arrival::Photo(ArrivedPhoto { key: photo_key, etag, bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const WORK: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";

    fn event(bucket: &str, key: &str) -> UploadEvent {
        let object = serde_json::json!({ "key": key, "size": 5, "eTag": "abc" });
        let s3 = serde_json::json!({ "bucket": { "name": bucket }, "object": object });
        let record = serde_json::json!({ "eventName": "ObjectCreated:Put", "eventTime": "2026-11-23T12:00:00.000Z",
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "userIdentity": {},
            "requestParameters": {}, "responseElements": {}, "s3": s3 });
        serde_json::from_value(serde_json::json!({ "Records": [record] })).expect("an event")
    }

    #[test]
    fn a_photos_key_is_decoded() {
        let plain = event("uploads", &format!("uploads/{SUBJECT}/{WORK}")).arrivals("uploads").expect("ours");
        let encoded =
            event("uploads", &format!("uploads%2F{SUBJECT}%2F{WORK}")).arrivals("uploads").expect("ours");
        assert_eq!(plain, encoded);
        let [Arrival::Photo(photo)] = plain.as_slice() else { panic!("one photo, not {plain:?}") };
        assert_eq!((photo.bytes, photo.etag.as_str()), (5, "abc"));
    }

    #[test]
    fn the_test_event_holds_no_photo() {
        let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}"#;
        let event: UploadEvent = serde_json::from_str(test).expect("the test event");
        assert_eq!(event.arrivals("uploads"), Ok(Vec::new()));
    }

    #[test]
    fn an_event_of_another_bucket_is_refused_and_a_stray_object_is_reported() {
        let key = format!("uploads/{SUBJECT}/{WORK}");
        assert_eq!(event("other", &key).arrivals("uploads"), Err(EventError::OtherBucket));
        assert_eq!(
            event("uploads", "uploads/x").arrivals("uploads"),
            Ok(vec![Arrival::Stray("uploads/x".into())])
        );
    }
}
