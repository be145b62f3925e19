//! Fuzzes JPEG files: decodes the whole picture at two scales, and a part of it at higher scales.
//!
//! If a file decodes at one scale, it decodes at every other scale, and so do its parts.
#![no_main]

use fitting::decode::{Detail, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if !file.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return;
    }
    let limits = fuzz::limits();
    let whole = open(file, &limits, Detail::Full);
    let small = open(file, &limits, Detail::Side(1));
    assert_eq!(whole.is_ok(), small.is_ok(), "the file decodes at one scale and not at another");
    let (Ok((whole, _)), Ok((small, rest))) = (whole, small) else { return };
    let _ = small.upright();
    for factor in [2.0, 4.0, 8.0] {
        let region = small.region([0.0, 0.0, small.width() as f32 * 0.6, small.height() as f32]);
        let closer = rest.closer(&small, region, factor).expect("a part of a decodable file decodes");
        if let Some(closer) = closer {
            assert!(closer.width() <= whole.width() && closer.height() <= whole.height());
        }
    }
});
