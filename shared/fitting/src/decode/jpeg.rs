//! JPEG: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK, decoded at a reduced scale where that is
//! enough: a face needs a fraction of a phone's pixels, and the inverse DCT can leave out what is not needed.

use domain::ReasonCode;
use jpeg_decoder::{Decoder, PixelFormat};
use zeroize::Zeroizing;

use super::{Decoded, Detail, Limits, corrupt, damaged, exif, refused};
use crate::colour;
use crate::outcome::Refusal;
use crate::photo::Orientation;
use crate::pixels::RgbImage;

/// The scales at which a block's inverse DCT can be computed.
const REDUCTIONS: [u16; 3] = [8, 4, 2];

pub(super) fn decode(photo: &[u8], limits: &Limits, detail: Detail) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    let mut decoder = Decoder::new(photo);
    decoder.read_info().map_err(damaged)?;
    let info = decoder.info().ok_or_else(corrupt)?;
    let full_size = (usize::from(info.width), usize::from(info.height));
    limits.admit(full_size.0, full_size.1)?;
    // Four channels a pixel, and for progressive files two bytes for each coefficient.
    decoder.set_max_decoding_buffer_size(limits.pixels_max.saturating_mul(12));
    let reduction = reduction(info.width.max(info.height), detail);
    let (width, height) =
        decoder.scale(info.width.div_ceil(reduction), info.height.div_ceil(reduction)).map_err(damaged)?;

    let mut samples = Zeroizing::new(decoder.decode().map_err(damaged)?);
    let orientation = decoder.exif_data().map_or_else(Orientation::default, exif::orientation);
    let mut profile = decoder.icc_profile();
    let pixels = match info.pixel_format {
        PixelFormat::RGB24 => std::mem::take(&mut *samples),
        PixelFormat::L8 => samples.iter().flat_map(|&v| [v; 3]).collect(),
        // Four inks do not fit the three-channel raster, so their profile is applied at once.
        PixelFormat::CMYK32 => colour::rgb_from_inks(&samples, profile.take().as_deref()),
        PixelFormat::L16 => return Err(refused(ReasonCode::BadFormat)),
    };
    let pixels = RgbImage::from_raw(usize::from(width), usize::from(height), pixels).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, full_size, orientation, profile })
}

/// The strongest reduction that leaves the longer side as long as asked for.
fn reduction(long: u16, detail: Detail) -> u16 {
    match detail {
        Detail::Full => 1,
        Detail::Side(min) => REDUCTIONS.into_iter().find(|&r| usize::from(long / r) >= min).unwrap_or(1),
    }
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
