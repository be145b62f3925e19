//! Fuzzes the texts that clients send back: ids, cursors and keys. An accepted text still has the same value after it
//! is written and parsed again.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use domain::{Favorite, PhotoKey, RequestId, SubjectId, TemplateId, WorkId, WorkObjectKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check_round_trip::<WorkId>(text);
    check_round_trip::<SubjectId>(text);
    check_round_trip::<RequestId>(text);
    check_round_trip::<TemplateId>(text);
    check_round_trip::<Favorite>(text);
    check_round_trip::<PhotoKey>(text);
    check_round_trip::<WorkObjectKey>(text);
});

fn check_round_trip<T: FromStr + Display + PartialEq>(text: &str) {
    let Ok(parsed) = text.parse::<T>() else { return };
    let again = parsed.to_string().parse::<T>();
    assert!(again.is_ok_and(|again| again == parsed), "an accepted text does not survive a round trip");
}
