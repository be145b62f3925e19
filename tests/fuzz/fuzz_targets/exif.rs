//! EXIF blocks: whatever they hold, the photo is not refused for it.
#![no_main]

use fitting::decode::{Detail, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|block: &[u8]| {
    let file = fuzz::containers::jpeg_with_exif(block);
    let photo =
        decode(&file, &fuzz::limits(), Detail::Full).expect("a photo is not refused for its EXIF block");
    assert_eq!(photo.width() * photo.height(), 64);
});
