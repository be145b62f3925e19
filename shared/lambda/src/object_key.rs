//! Decodes object keys in S3 events.

use aws_lambda_events::s3::S3Object;
use percent_encoding::percent_decode_str;

/// Returns the decoded key of an event's object. S3 events carry keys form-encoded: a space is `+`, and unusual
/// characters are percent-encoded (Amazon S3 User Guide, "Event message structure"). The key is empty when the event
/// has none.
pub fn object_key(object: &S3Object) -> String {
    let encoded = object.key.as_deref().unwrap_or_default().replace('+', " ");
    percent_decode_str(&encoded).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_key_is_form_decoded() {
        for (encoded, key) in
            [("uploads/a/b", "uploads/a/b"), ("uploads%2Fa%2Fb", "uploads/a/b"), ("a+b%2Bc", "a b+c")]
        {
            let object = serde_json::from_value(serde_json::json!({ "key": encoded })).expect("an object");
            assert_eq!(object_key(&object), key);
        }
        assert_eq!(object_key(&S3Object::default()), "");
    }
}
