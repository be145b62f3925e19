//! Fuzzes EXIF blocks: no EXIF block makes the decoder refuse a photo.
#![no_main]

use fitting::decode::{Detail, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|block: &[u8]| {
    let file = fuzz::containers::jpeg_with_exif(block);
    let photo = decode(&file, &fuzz::limits(), Detail::Full)
        .expect("the EXIF block must not make the decoder refuse the photo");
    assert_eq!(photo.width() * photo.height(), 64);
});
