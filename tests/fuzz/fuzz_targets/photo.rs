//! Fuzzes photos in any format: each is decoded at two scales, turned upright and converted to sRGB, or refused; and
//! regions of it are decoded in more detail.
//!
//! A photo that decodes at one scale decodes at every other, and so do its regions.
#![no_main]

use fitting::decode::{Detail, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let limits = fuzz::limits();
    let whole = open(file, &limits, Detail::Full);
    let small = open(file, &limits, Detail::Side(1));
    assert_eq!(whole.is_ok(), small.is_ok(), "one scale decodes and another does not");
    let (Ok((whole, _)), Ok((small, rest))) = (whole, small) else { return };
    let (width, height) = (whole.width(), whole.height());
    assert!(width * height <= limits.pixels_max, "{width} × {height} pixels");
    assert_eq!(whole.upright().data().len(), width * height * 3);
    let _ = small.upright();
    for factor in [2.0, 4.0, 8.0] {
        let region = small.region([0.0, 0.0, small.width() as f32 * 0.6, small.height() as f32]);
        let closer = rest.closer(&small, region, factor).expect("a region of a photo that decodes");
        if let Some(closer) = closer {
            assert!(closer.width() <= width && closer.height() <= height);
        }
    }
});
