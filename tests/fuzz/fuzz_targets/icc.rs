//! Fuzzes colour profiles: no profile makes the decoder refuse a photo.
#![no_main]

use fitting::decode::{Detail, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|profile: &[u8]| {
    let file = fuzz::containers::jpeg_with_profile(profile);
    let photo = decode(&file, &fuzz::limits(), Detail::Full)
        .expect("the profile must not make the decoder refuse the photo");
    assert_eq!(photo.upright().data().len(), 64 * 3);
});
