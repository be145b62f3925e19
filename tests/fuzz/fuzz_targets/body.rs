//! Bodies of requests. What passes the checks keeps the limits.
#![no_main]

use domain::UploadRequest;
use domain::limits::PHOTO_BYTES_MAX;
use lambda::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|body: &str| {
    let event = json!({ "body": body, "isBase64Encoded": false, "routeKey": "POST /v1/uploads" });
    let request: Request = serde_json::from_value(event).expect("an event of the gateway");
    if let Ok(upload) = request.json::<UploadRequest>()
        && upload.check().is_ok()
    {
        assert!((1..=PHOTO_BYTES_MAX).contains(&upload.content_length));
    }
    let _ = request.json::<Value>();
});
