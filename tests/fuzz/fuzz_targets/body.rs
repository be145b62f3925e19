//! Bodies of requests. What passes the checks keeps the limits.
#![no_main]

use domain::UploadRequest;
use domain::limits::{CONTACT_BYTES_MAX, PHOTO_BYTES_MAX};
use lambda::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

#[path = "../../../functions/deletion-requests/src/body.rs"]
#[expect(dead_code, reason = "the target reads bodies and acts on none")]
mod deletion_request;

fuzz_target!(|body: &str| {
    let event = json!({ "body": body, "isBase64Encoded": false, "routeKey": "POST /v1/uploads" });
    let request: Request = serde_json::from_value(event).expect("an event of the gateway");
    if let Ok(upload) = request.json::<UploadRequest>()
        && upload.check().is_ok()
    {
        assert!((1..=PHOTO_BYTES_MAX).contains(&upload.content_length));
    }
    if let Ok(deletion) = request.json::<deletion_request::Body>()
        && let Ok(Some(contact)) = deletion.contact()
    {
        assert!((1..=CONTACT_BYTES_MAX).contains(&contact.len()));
    }
});
