//! JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Limits, corrupt, damaged, exif};
use crate::colour;
use crate::outcome::Refusal;
use crate::photo::Orientation;
use crate::pixels::RgbImage;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(photo), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or_else(corrupt)?;
    limits.admit(width, height)?;

    let orientation = decoder.exif().map_or_else(Orientation::default, |block| exif::orientation(block));
    let mut profile = decoder.icc_profile();
    let inks = matches!(decoder.input_colorspace(), Some(ColorSpace::CMYK | ColorSpace::YCCK));
    let pixels = if inks {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::CMYK));
        let samples = decoder.decode().map_err(damaged)?;
        // Four inks do not fit the three-channel raster, so their profile is applied at once.
        colour::rgb_from_inks(&samples, profile.take().as_deref())
    } else {
        decoder.decode().map_err(damaged)?
    };
    let pixels = RgbImage::from_raw(width, height, pixels).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, orientation, profile })
}

/// Whether the file goes on to an end-of-image marker after its first scan begins. Inside a scan the bytes
/// `FF D9` cannot occur, so a file that was cut short has none, whatever its thumbnail contains.
fn is_complete(photo: &[u8]) -> bool {
    scan_start(photo).is_some_and(|start| photo[start..].windows(2).rev().any(|pair| pair == [0xFF, 0xD9]))
}

/// Where the first scan's header begins, found by walking the segments before it.
fn scan_start(photo: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        while photo.get(at)? == &0xFF && photo.get(at + 1)? == &0xFF {
            at += 1;
        }
        let (&0xFF, &marker) = (photo.get(at)?, photo.get(at + 1)?) else { return None };
        if marker == 0xDA {
            return Some(at);
        }
        let length = u16::from_be_bytes([*photo.get(at + 2)?, *photo.get(at + 3)?]);
        at += 2 + usize::from(length.max(2));
    }
}
