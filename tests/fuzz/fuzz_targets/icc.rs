//! Colour profiles: whatever they hold, the photo is not refused for it.
#![no_main]

use fitting::decode::{Detail, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|profile: &[u8]| {
    let file = fuzz::containers::jpeg_with_profile(profile);
    let photo = decode(&file, &fuzz::limits(), Detail::Full).expect("a photo is not refused for its profile");
    assert_eq!(photo.upright().data().len(), 64 * 3);
});
