//! What is not of the plain kind: progressive files, four inks, unusual subsampling, several scans.

use std::io::Read;

use domain::ReasonCode;
use jpeg_decoder::{Decoder, Error, PixelFormat};
use zeroize::Zeroizing;

use crate::colour::{Colours, Samples};
use crate::decode::{corrupt, damaged, refused};
use crate::outcome::Refusal;
use crate::pixels::RgbImage;

/// Decoded pixels.
pub(super) struct Decoded {
    pub(super) pixels: RgbImage,
    /// What is still to be done to make them sRGB.
    pub(super) colours: Colours,
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
    let (pixels, colours) = match format {
        PixelFormat::RGB24 => (std::mem::take(&mut *samples), Colours::of_icc(profile, Samples::Rgb)),
        PixelFormat::L8 => {
            (samples.iter().flat_map(|&v| [v; 3]).collect(), Colours::of_icc(profile, Samples::Grey))
        }
        PixelFormat::CMYK32 => {
            // Four inks do not fit the three-channel raster, so their profile is applied at once.
            let colours = Colours::of_icc(profile, Samples::Cmyk);
            (colours.rgb_from_cmyk(&samples), Colours::default().after(colours.fault()))
        }
        PixelFormat::L16 => return Err(refused(ReasonCode::BadFormat)),
    };
    let pixels = RgbImage::from_raw(width, height, pixels).ok_or_else(corrupt)?;
    Ok(Decoded { pixels, colours })
}

/// What the library does not decode is not damaged.
#[expect(clippy::needless_pass_by_value, reason = "what an error is mapped by takes it")]
fn refusal(error: Error) -> Refusal {
    if matches!(error, Error::Unsupported(_)) { refused(ReasonCode::BadFormat) } else { corrupt() }
}
