//! Events that wake functions: read or refused. A key that is accepted names one photo.
#![no_main]

use aws_lambda_events::s3::S3Event;
use domain::{Favorite, PhotoKey, WorkId};
use lambda::Request;
use libfuzzer_sys::fuzz_target;

#[path = "../../../functions/purge/src/event.rs"]
#[expect(dead_code, reason = "the target reads events and carries none out")]
mod purge;

fuzz_target!(|text: &[u8]| {
    let _ = serde_json::from_slice::<purge::PurgeEvent>(text);
    if let Ok(event) = serde_json::from_slice::<S3Event>(text) {
        for record in event.records {
            let key = lambda::object_key(&record.s3.object);
            if let Ok(photo) = key.parse::<PhotoKey>() {
                assert_eq!(photo.to_string(), key);
            }
        }
    }
    if let Ok(request) = serde_json::from_slice::<Request>(text) {
        let _ = (request.caller(), request.idempotency_key(), request.limit(50));
        let _ =
            (request.cursor::<WorkId>(), request.cursor::<Favorite>(), request.path::<WorkId>("id", "work"));
    }
});
