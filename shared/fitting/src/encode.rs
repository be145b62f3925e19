//! From pixels to a marked JPEG or PNG, and to a thumbnail.
//!
//! What is written is pixels and our own mark; nothing of a photo's metadata can get here.

use std::borrow::Cow;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::error::FittingError;
use crate::mark::Mark;
use crate::outcome::Format;
use crate::photo::Region;
use crate::pixels::RgbImage;
use crate::resize::resized;

/// Quality of a work's JPEG: no visible loss at a file of about 150 KB a megapixel.
const WORK_QUALITY: u8 = 90;

/// Quality of a thumbnail.
const THUMBNAIL_QUALITY: u8 = 82;

/// The longer side of a thumbnail in pixels, at most.
pub const THUMBNAIL_SIDE: usize = 320;

/// What introduces an XMP packet in a JPEG's APP1 segment (Adobe XMP specification, part 3).
const XMP_SEGMENT: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// The keyword of an XMP packet in a PNG's iTXt chunk (the same).
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Encodes a picture and marks it as AI-made.
pub(crate) fn work(picture: &RgbImage, format: Format, mark: &Mark) -> Result<Vec<u8>, FittingError> {
    match format {
        Format::Jpeg => jpeg(picture, WORK_QUALITY, Some(mark)),
        Format::Png => png(picture, Some(mark)),
    }
}

/// A JPEG of at most [`THUMBNAIL_SIDE`] pixels a side; a work's carries the work's mark.
pub(crate) fn thumbnail(picture: &RgbImage, mark: Option<&Mark>) -> Result<Vec<u8>, FittingError> {
    let (width, height) = (picture.width(), picture.height());
    let long = width.max(height).max(THUMBNAIL_SIDE);
    let reduced = |n: usize| (n * THUMBNAIL_SIDE / long).max(1);
    let all = Region { left: 0, top: 0, width, height };
    let small = if long == THUMBNAIL_SIDE {
        Cow::Borrowed(picture)
    } else {
        Cow::Owned(resized(picture, all, reduced(width), reduced(height)))
    };
    jpeg(&small, THUMBNAIL_QUALITY, mark)
}

fn jpeg(picture: &RgbImage, quality: u8, mark: Option<&Mark>) -> Result<Vec<u8>, FittingError> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    if let Some(mark) = mark {
        let segment = [XMP_SEGMENT, mark.xmp().as_bytes()].concat();
        encoder.add_app_segment(1, segment).map_err(|e| fault(&e))?;
    }
    let side = |n: usize| u16::try_from(n).map_err(|e| fault(&e));
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    encoder.encode(picture.data(), width, height, ColorType::Rgb).map_err(|e| fault(&e))?;
    Ok(bytes)
}

/// A PNG, with the mark when there is one.
pub(crate) fn png(picture: &RgbImage, mark: Option<&Mark>) -> Result<Vec<u8>, FittingError> {
    let side = |n: usize| u32::try_from(n).map_err(|e| fault(&e));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(picture.width())?, side(picture.height())?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_compression(png::Compression::Fast);
    if let Some(mark) = mark {
        encoder.add_itxt_chunk(XMP_KEYWORD.to_owned(), mark.xmp()).map_err(|e| fault(&e))?;
    }
    let mut writer = encoder.write_header().map_err(|e| fault(&e))?;
    writer.write_image_data(picture.data()).map_err(|e| fault(&e))?;
    writer.finish().map_err(|e| fault(&e))?;
    Ok(bytes)
}

fn fault(error: &dyn std::error::Error) -> FittingError {
    FittingError::Encode { message: error.to_string() }
}
