//! Fuzzes request bodies: a body that passes the checks keeps the limits.
#![no_main]

use std::sync::LazyLock;

use domain::UploadRequest;
use domain::limits::{CONTACT_BYTES_MAX, PHOTO_BYTES_MAX};
use lambda::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[path = "../../../functions/deletion-requests/src/body.rs"]
#[expect(dead_code, reason = "the target only reads bodies")]
mod deletion_request;

/// An event of API Gateway, whose body is replaced.
static EVENT: LazyLock<Value> = LazyLock::new(|| {
    let sample = include_str!("../../../events/uploads/create.json");
    serde_json::from_str(sample).expect("a sample event")
});

fuzz_target!(|body: &str| {
    let mut event = EVENT.clone();
    event["body"] = body.into();
    event["isBase64Encoded"] = false.into();
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
