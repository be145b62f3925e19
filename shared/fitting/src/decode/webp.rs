//! Decodes WebP, lossy and lossless; the first frame of an animation. Transparency is laid over white.

mod container;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use image_webp::WebPDecoder;
use zeroize::{Zeroize, Zeroizing};

use self::container::{Coding, Frame, Picture};
use super::png::over_white;
use super::{Decoded, Limits, corrupt, damaged, exif};
use crate::colour::{Colours, Samples};
use crate::pixels::RgbImage;
use crate::refusal::Refusal;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    let Picture { canvas, offset, frame, profile, exif } = Picture::find(photo, limits)?;
    let orientation = exif.and_then(exif::orientation).unwrap_or_default();
    let colours = Colours::of_icc(profile, Samples::Rgb);
    let pixels = decode_frame(&frame)?;
    let pixels = if frame.size == canvas { pixels } else { place_on_canvas(&pixels, offset, canvas) };
    Ok(Decoded { pixels, orientation, colours })
}

/// Decodes a frame's bitstream, whose size has been checked.
fn decode_frame(frame: &Frame<'_>) -> Result<RgbImage, Refusal> {
    let file = Zeroizing::new(build_file(frame)?);
    let mut decoder = WebPDecoder::new(Cursor::new(&file[..])).map_err(damaged)?;
    let mut samples = Zeroizing::new(vec![0; decoder.output_buffer_size().ok_or_else(corrupt)?]);
    decoder.read_image(&mut samples).map_err(damaged)?;
    if decoder.has_alpha() {
        lay_over_white(&mut samples);
    }
    let (width, height) = frame.size;
    RgbImage::from_raw(width, height, std::mem::take(&mut *samples)).ok_or_else(corrupt)
}

/// Builds a file that contains only the bitstream, so that the library parses no other container.
fn build_file(frame: &Frame<'_>) -> Result<Vec<u8>, Refusal> {
    let mut file = Vec::with_capacity(frame.data.len() + frame.alpha.map_or(0, <[u8]>::len) + 64);
    file.extend(b"RIFF\0\0\0\0WEBP");
    if let Some(alpha) = frame.alpha {
        let side = |side: usize| u32::try_from(side - 1).map_err(damaged).map(u32::to_le_bytes);
        let ([w0, w1, w2, _], [h0, h1, h2, _]) = (side(frame.size.0)?, side(frame.size.1)?);
        // The flag for transparency.
        put_chunk(&mut file, *b"VP8X", &[1 << 4, 0, 0, 0, w0, w1, w2, h0, h1, h2])?;
        put_chunk(&mut file, *b"ALPH", alpha)?;
    }
    let name = if frame.coding == Coding::Lossy { *b"VP8 " } else { *b"VP8L" };
    put_chunk(&mut file, name, frame.data)?;
    let length = u32::try_from(file.len() - 8).map_err(damaged)?;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(file)
}

fn put_chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) -> Result<(), Refusal> {
    file.extend(name);
    file.extend(u32::try_from(content.len()).map_err(damaged)?.to_le_bytes());
    file.extend(content);
    file.resize(file.len().next_multiple_of(2), 0);
    Ok(())
}

/// Places a frame that does not fill its canvas on a white canvas.
fn place_on_canvas(frame: &RgbImage, (left, top): (usize, usize), canvas: (usize, usize)) -> RgbImage {
    let mut pixels = RgbImage::new(canvas.0, canvas.1);
    pixels.data_mut().fill(255);
    let rows = pixels.data_mut().chunks_exact_mut(canvas.0 * 3).skip(top);
    for (to, from) in rows.zip(frame.data().chunks_exact(frame.width() * 3)) {
        to[left * 3..][..from.len()].copy_from_slice(from);
    }
    pixels
}

/// Lays RGBA pixels over white and stores them as RGB, in place: a second picture would take as much memory.
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
