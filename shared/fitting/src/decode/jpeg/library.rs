//! What is not of the plain kind: progressive files, four inks, unusual subsampling, several scans.

use std::io::Read;

use domain::ReasonCode;
use jpeg_decoder::{Decoder, Error, PixelFormat};
use zeroize::Zeroizing;

use crate::colour::{Colours, Samples};
use crate::decode::{corrupt, damaged, refused};
use crate::pixels::RgbImage;
use crate::refusal::Refusal;
use crate::resize::block_means;

/// Decoded pixels.
pub(super) struct Decoded {
    pub(super) pixels: RgbImage,
    /// What is still to be done to make them sRGB.
    pub(super) colours: Colours,
}

/// Decodes the whole picture of this full size, reduced by 1, 2, 4 or 8 to each side.
pub(super) fn decode(
    file: &[u8],
    full: (usize, usize),
    reduction: usize,
    pixels_max: usize,
    profile: Option<&[u8]>,
) -> Result<Decoded, Refusal> {
    // With an end mark, which some files lack.
    let mut decoder = Decoder::new(file.chain(&[0xFF, 0xD9][..]));
    // Four channels a pixel, and for progressive files two bytes for each coefficient.
    decoder.set_max_decoding_buffer_size(pixels_max.saturating_mul(12));
    decoder.read_info().map_err(refusal)?;
    let side = |length: usize| u16::try_from(length).map_err(damaged);
    let wanted = (side(full.0.div_ceil(reduction))?, side(full.1.div_ceil(reduction))?);
    // The library goes by whichever side is enough. Of a picture a few pixels wide, the other one is not.
    let is_reduced = decoder.scale(wanted.0, wanted.1).map_err(damaged)? == wanted;
    if !is_reduced {
        decoder.scale(u16::MAX, u16::MAX).map_err(damaged)?;
    }
    let (width, height) = if is_reduced { (wanted.0.into(), wanted.1.into()) } else { full };
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
    let pixels = if is_reduced { pixels } else { block_means(&pixels, pixels.whole(), reduction) };
    Ok(Decoded { pixels, colours })
}

/// What the library does not decode is not damaged.
#[expect(clippy::needless_pass_by_value, reason = "what an error is mapped by takes it")]
fn refusal(error: Error) -> Refusal {
    if matches!(error, Error::Unsupported(_)) { refused(ReasonCode::BadFormat) } else { corrupt() }
}
