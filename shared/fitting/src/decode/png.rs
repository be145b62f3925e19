//! PNG: every colour type and depth, brought to 8-bit RGB; transparency is laid over white.

use std::io::Cursor;

use domain::ReasonCode;
use domain::limits::PHOTO_PNG_PIXELS_MAX;
use png::{ColorType, Decoder, Reader, Transformations};
use zeroize::Zeroizing;

use super::{Decoded, Limits, corrupt, damaged, exif, refused, within};
use crate::outcome::Refusal;
use crate::photo::Orientation;
use crate::pixels::RgbImage;

/// The most bytes that a picture is unpacked to: the largest photo in eight-bit RGB. With transparency or sixteen bits
/// it has fewer pixels. A byte takes 3 ns where a file is made to take long, 0.6 s in all.
const SAMPLE_BYTES_MAX: usize = 3 * PHOTO_PNG_PIXELS_MAX;

/// The most bytes besides the picture: rows that are worked on, colour profile, EXIF. A profile of a few kilobytes can
/// be unpacked to gigabytes.
const OTHER_BYTES_MAX: usize = 8 << 20;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    if photo.get(12..16) == Some(b"CgBI") {
        // Apple's own kind, which differs in its compression and in the order of its colours.
        return Err(refused(ReasonCode::BadFormat));
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(photo), png::Limits { bytes: OTHER_BYTES_MAX });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    limits.admit_up_to(PHOTO_PNG_PIXELS_MAX, width, height)?;
    within(width * height * header.bits_per_pixel() / 8, SAMPLE_BYTES_MAX)?;

    let mut reader = decoder.read_info().map_err(damaged)?;
    let pixels = if reader.info().interlaced { all_at_once(&mut reader) } else { row_by_row(&mut reader) }?;
    let info = reader.info();
    let orientation = info.exif_metadata.as_ref().map_or_else(Orientation::default, |b| exif::orientation(b));
    let profile = info.icc_profile.as_ref().map(|p| p.to_vec());
    Ok(Decoded { pixels, orientation, profile })
}

/// Without the whole picture's transparency or single greys in memory besides.
fn row_by_row(reader: &mut Reader<Cursor<&[u8]>>) -> Result<RgbImage, Refusal> {
    let (colours, _) = reader.output_color_type();
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut pixels = RgbImage::new(width, height);
    let length = reader.output_line_size(reader.info().width).ok_or_else(corrupt)?;
    let mut samples = Zeroizing::new(vec![0; length]);
    for row in pixels.data_mut().chunks_exact_mut(width * 3) {
        let to = if colours == ColorType::Rgb { &mut *row } else { &mut samples[..] };
        reader.read_row(to).map_err(damaged)?.ok_or_else(corrupt)?;
        lay(colours, &samples, row)?;
    }
    Ok(pixels)
}

/// Interlaced rows are spread over the picture, so all of its samples are needed before the first pixel.
fn all_at_once(reader: &mut Reader<Cursor<&[u8]>>) -> Result<RgbImage, Refusal> {
    let mut samples = Zeroizing::new(vec![0; reader.output_buffer_size().ok_or_else(corrupt)?]);
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    let size = (frame.width as usize, frame.height as usize);
    if frame.color_type == ColorType::Rgb {
        return RgbImage::from_raw(size.0, size.1, std::mem::take(&mut *samples)).ok_or_else(corrupt);
    }
    let mut pixels = RgbImage::new(size.0, size.1);
    lay(frame.color_type, &samples, pixels.data_mut())?;
    Ok(pixels)
}

/// Makes pixels of samples that are not pixels yet.
fn lay(colours: ColorType, samples: &[u8], pixels: &mut [u8]) -> Result<(), Refusal> {
    let pixels = pixels.as_chunks_mut::<3>().0.iter_mut();
    match colours {
        ColorType::Rgb => {}
        ColorType::Rgba => {
            pixels.zip(samples.as_chunks().0).for_each(|(p, &[r, g, b, a])| *p = over_white([r, g, b], a));
        }
        ColorType::Grayscale => pixels.zip(samples).for_each(|(p, &v)| *p = [v; 3]),
        ColorType::GrayscaleAlpha => {
            pixels.zip(samples.as_chunks().0).for_each(|(p, &[v, a])| *p = over_white([v; 3], a));
        }
        ColorType::Indexed => return Err(corrupt()),
    }
    Ok(())
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
