//! WebP: lossy and lossless; of an animation the first frame. Transparency is laid over white.

use std::io::Cursor;

use image_webp::WebPDecoder;
use zeroize::{Zeroize, Zeroizing};

use super::png::over_white;
use super::{Decoded, Limits, corrupt, damaged, exif};
use crate::colour::{Colours, Samples};
use crate::outcome::Refusal;
use crate::pixels::RgbImage;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    let mut decoder = WebPDecoder::new(Cursor::new(photo)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    limits.admit(width, height)?;
    // Four bytes a pixel for the result and as many for what the decoder works on.
    decoder.set_memory_limit(limits.pixels_max.saturating_mul(8));

    let colours = Colours::of_icc(decoder.icc_profile().map_err(damaged)?.as_deref(), Samples::Rgb);
    let block = decoder.exif_metadata().map_err(damaged)?;
    let orientation = block.and_then(|block| exif::orientation(&block)).unwrap_or_default();
    let mut samples = Zeroizing::new(vec![0; decoder.output_buffer_size().ok_or_else(corrupt)?]);
    decoder.read_image(&mut samples).map_err(damaged)?;
    if decoder.has_alpha() {
        lay_over_white(&mut samples);
    }
    let pixels = RgbImage::from_raw(width, height, std::mem::take(&mut *samples)).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, orientation, colours })
}

/// Replaces pixels with transparency by plain ones, where they are: another picture beside them would be as large.
fn lay_over_white(samples: &mut Vec<u8>) {
    let count = samples.len() / 4;
    for n in 0..count {
        if let Some(&[r, g, b, a]) = samples[4 * n..].first_chunk() {
            samples[3 * n..3 * n + 3].copy_from_slice(&over_white([r, g, b], a));
        }
    }
    samples[3 * count..].zeroize();
    samples.truncate(3 * count);
}

/// Whether the file is as long as its RIFF header says.
fn is_complete(photo: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = photo.get(4..).and_then(|rest| rest.first_chunk()) else { return false };
    photo.len() >= 8 + u32::from_le_bytes([a, b, c, d]) as usize
}
