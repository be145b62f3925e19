//! PNG: every colour type and depth, brought to 8-bit RGB; transparency is laid over white.

use std::io::Cursor;

use png::{ColorType, Decoder, Transformations};

use zeroize::Zeroizing;

use super::{Decoded, Limits, corrupt, damaged, exif};
use crate::outcome::Refusal;
use crate::photo::Orientation;
use crate::pixels::RgbImage;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    let mut decoder = Decoder::new(Cursor::new(photo));
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    limits.admit(width, height)?;

    let mut reader = decoder.read_info().map_err(damaged)?;
    let mut samples = Zeroizing::new(vec![0; reader.output_buffer_size().ok_or_else(corrupt)?]);
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    let info = reader.info();
    let orientation = info.exif_metadata.as_ref().map_or_else(Orientation::default, |b| exif::orientation(b));
    let profile = info.icc_profile.as_ref().map(|p| p.to_vec());
    let pixels = match frame.color_type {
        ColorType::Rgb => std::mem::take(&mut *samples),
        ColorType::Rgba => {
            samples.as_chunks().0.iter().flat_map(|&[r, g, b, a]| over_white([r, g, b], a)).collect()
        }
        ColorType::Grayscale => samples.iter().flat_map(|&v| [v; 3]).collect(),
        ColorType::GrayscaleAlpha => {
            samples.as_chunks().0.iter().flat_map(|&[v, a]| over_white([v; 3], a)).collect()
        }
        ColorType::Indexed => return Err(corrupt()),
    };
    let pixels = RgbImage::from_raw(width, height, pixels).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, orientation, profile })
}

/// One pixel laid over white.
pub(super) fn over_white(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    rgb.map(|v| {
        let blended = (u16::from(v) * u16::from(alpha) + 255 * (255 - u16::from(alpha)) + 127) / 255;
        u8::try_from(blended).unwrap_or(u8::MAX)
    })
}

/// Whether the chunks follow one another up to `IEND`, by their stated lengths alone.
fn is_complete(photo: &[u8]) -> bool {
    let mut at = 8;
    while let Some(&[a, b, c, d]) = photo.get(at..).and_then(|rest| rest.first_chunk()) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = at + 12 + length;
        if end > photo.len() {
            return false;
        }
        if photo.get(at + 4..at + 8) == Some(b"IEND") {
            return true;
        }
        at = end;
    }
    false
}
