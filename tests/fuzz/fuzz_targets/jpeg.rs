//! The crate `jpeg`: the whole picture at each scale, and regions of it.
//!
//! A file that decodes at one scale decodes at every other, a region is that region of the whole picture, and the `image`
//! crate's decoder gives the same samples.
#![no_main]

use image::DynamicImage;
use jpeg::{Coding, Jpeg, Limits, Region};
use jpeg_image::Decoder;
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { pixels_max: 1 << 20, side_max: 4096 };

fuzz_target!(|file: &[u8]| {
    let Ok(mut jpeg) = Jpeg::open(file, &LIMITS) else { return };
    if jpeg.coding() != Coding::Supported {
        assert!(jpeg.decode(1).is_err() && Decoder::new(file, &LIMITS).is_err());
        return;
    }
    let is_decoded = jpeg.decode(8).is_ok();
    for reduction in [4, 2, 1] {
        let Ok(whole) = jpeg.decode(reduction) else {
            assert!(!is_decoded, "one scale decodes and another does not");
            continue;
        };
        assert!(is_decoded, "one scale decodes and another does not");
        let (width, height) = (whole.width(), whole.height());
        assert_eq!((width, height), jpeg.reduced_size(reduction));
        let (left, top) = (width / 3, height / 2);
        let region =
            Region { left, top, width: (width - left).div_ceil(2), height: (height - top).div_ceil(3) };
        let part = jpeg.decode_region(reduction, region).expect("a region of a file that decodes");
        let rows = whole.data().chunks_exact(width * 3).skip(top);
        for (row, same) in part.data().chunks_exact(region.width * 3).zip(rows) {
            assert!(*row == same[left * 3..][..region.width * 3], "a region differs from the whole picture");
        }
        if reduction == 1 {
            let decoder = Decoder::new(file, &LIMITS).expect("a supported file");
            let image = DynamicImage::from_decoder(decoder).expect("a file that decodes");
            assert!(image.to_rgb8().as_raw()[..] == *whole.data(), "the image crate's decoder differs");
        }
    }
});
