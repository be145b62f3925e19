//! Texts that clients send back: ids, cursors, keys. What is accepted says the same when it is written again.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use domain::{Favorite, PhotoKey, RequestId, SubjectId, TemplateId, WorkId, WorkObjectKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    returns::<WorkId>(text);
    returns::<SubjectId>(text);
    returns::<RequestId>(text);
    returns::<TemplateId>(text);
    returns::<Favorite>(text);
    returns::<PhotoKey>(text);
    returns::<WorkObjectKey>(text);
});

fn returns<T: FromStr + Display + PartialEq>(text: &str) {
    let Ok(parsed) = text.parse::<T>() else { return };
    let again = parsed.to_string().parse::<T>();
    assert!(again.is_ok_and(|again| again == parsed), "what was accepted is not accepted again");
}
