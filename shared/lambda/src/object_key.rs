//! Object keys in S3's events.

use aws_lambda_events::s3::S3Object;
use percent_encoding::percent_decode_str;

/// The key of an event's object, as S3 itself knows it: events carry keys form-encoded (a space is `+`, anything
/// unusual percent-encoded; Amazon S3 User Guide, "Event message structure"). Empty when the event has none.
pub fn object_key(object: &S3Object) -> String {
    let encoded = object.key.as_deref().unwrap_or_default().replace('+', " ");
    percent_decode_str(&encoded).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_s3_knows_it() {
        for (encoded, key) in
            [("uploads/a/b", "uploads/a/b"), ("uploads%2Fa%2Fb", "uploads/a/b"), ("a+b%2Bc", "a b+c")]
        {
            let object = serde_json::from_value(serde_json::json!({ "key": encoded })).expect("an object");
            assert_eq!(object_key(&object), key);
        }
        assert_eq!(object_key(&S3Object::default()), "");
    }
}
