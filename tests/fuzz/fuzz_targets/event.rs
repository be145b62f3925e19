//! Fuzzes the events that trigger functions: each is parsed or refused. An accepted key survives a round trip.
#![no_main]

use domain::{Favorite, WorkId};
use lambda::Request;
use libfuzzer_sys::fuzz_target;

#[path = "../../../functions/erase/src/event.rs"]
#[expect(dead_code, reason = "the target only reads events")]
mod erase;
#[path = "../../../functions/synthesize/src/photo.rs"]
mod photo;
#[path = "../../../functions/purge/src/event.rs"]
#[expect(dead_code, reason = "the target only reads events")]
mod purge;
#[path = "../../../functions/synthesize/src/event.rs"]
mod synthesize;

use erase::EraseEvent;
use synthesize::{Arrival, UploadEvent};

/// The uploads bucket of the sample events.
const BUCKET: &str = "dev-uploads-000000000000";

fuzz_target!(|text: &[u8]| {
    if let Ok(EraseEvent::Requests { records }) = serde_json::from_slice(text) {
        for record in &records {
            let _ = record.request();
        }
    }
    let _ = serde_json::from_slice::<purge::PurgeEvent>(text);
    if let Ok(event) = serde_json::from_slice::<UploadEvent>(text) {
        for arrival in event.arrivals(BUCKET).into_iter().flatten() {
            if let Arrival::Photo(photo) = arrival {
                let key = photo.key.to_string();
                assert_eq!(key.parse(), Ok(photo.key));
            }
        }
    }
    if let Ok(request) = serde_json::from_slice::<Request>(text) {
        let _ = (request.caller(), request.idempotency_key(), request.limit(50));
        let _ =
            (request.cursor::<WorkId>(), request.cursor::<Favorite>(), request.path::<WorkId>("id", "work"));
    }
});
