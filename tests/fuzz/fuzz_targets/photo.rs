//! Fuzzes photos in any format: each is decoded, turned upright and converted to sRGB, or refused.
#![no_main]

use fitting::decode::{Detail, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let limits = fuzz::limits();
    if let Ok(photo) = decode(file, &limits, Detail::Full) {
        let (width, height) = (photo.width(), photo.height());
        assert!(width * height <= limits.pixels_max, "{width} × {height} pixels");
        assert_eq!(photo.upright().data().len(), width * height * 3);
    }
});
