//! What is not of the plain kind: progressive files, four inks, unusual subsampling, several scans.

use std::io::Read;

use domain::ReasonCode;
use jpeg_decoder::{Decoder, Error, PixelFormat};
use zeroize::Zeroizing;

use crate::colour;
use crate::decode::{corrupt, damaged, refused};
use crate::outcome::Refusal;
use crate::pixels::RgbImage;

/// A decoded picture.
pub(super) struct Decoded {
    pub(super) pixels: RgbImage,
    /// Whether its colour profile was applied.
    pub(super) is_converted: bool,
}

/// Decodes the whole picture at `size`, which is its full size divided by 1, 2, 4 or 8.
pub(super) fn decode(
    file: &[u8],
    (width, height): (usize, usize),
    pixels_max: usize,
    profile: Option<&[u8]>,
) -> Result<Decoded, Refusal> {
    // With an end mark, which some files lack.
    let mut decoder = Decoder::new(file.chain(&[0xFF, 0xD9][..]));
    // Four channels a pixel, and for progressive files two bytes for each coefficient.
    decoder.set_max_decoding_buffer_size(pixels_max.saturating_mul(12));
    decoder.read_info().map_err(refusal)?;
    let side = |length: usize| u16::try_from(length).map_err(damaged);
    decoder.scale(side(width)?, side(height)?).map_err(damaged)?;
    let mut samples = Zeroizing::new(decoder.decode().map_err(refusal)?);
    let format = decoder.info().ok_or_else(corrupt)?.pixel_format;
    let pixels = match format {
        PixelFormat::RGB24 => std::mem::take(&mut *samples),
        PixelFormat::L8 => samples.iter().flat_map(|&v| [v; 3]).collect(),
        // Four inks do not fit the three-channel raster, so their profile is applied at once.
        PixelFormat::CMYK32 => colour::rgb_from_inks(&samples, profile),
        PixelFormat::L16 => return Err(refused(ReasonCode::BadFormat)),
    };
    let pixels = RgbImage::from_raw(width, height, pixels).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, is_converted: format == PixelFormat::CMYK32 })
}

/// What the library does not decode is not damaged.
#[expect(clippy::needless_pass_by_value, reason = "what an error is mapped by takes it")]
fn refusal(error: Error) -> Refusal {
    if matches!(error, Error::Unsupported(_)) { refused(ReasonCode::BadFormat) } else { corrupt() }
}
