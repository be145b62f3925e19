//! Decodes PNG: every colour type and depth is converted to 8-bit RGB; transparency is laid over white.

mod description;

use std::io::Cursor;

use domain::ReasonCode;
use domain::limits::PHOTO_PNG_PIXELS_MAX;
use png::{BitDepth, ColorType, Decoder, InterlaceInfo, Reader, Transformations, expand_interlaced_row};
use zeroize::Zeroizing;

use self::description::read_colours;
use super::{Decoded, Limits, check_limit, corrupt, damaged, exif, refused};
use crate::colour::Levels;
use crate::pixels::RgbImage;
use crate::refusal::Refusal;

/// The most bytes that a picture is decompressed to: the largest photo in eight-bit RGB. A picture with transparency
/// or sixteen bits may have fewer pixels. A byte takes 3 ns in a file that is built to be slow, 0.6 s in all.
const SAMPLE_BYTES_MAX: usize = 3 * PHOTO_PNG_PIXELS_MAX;

/// The most bytes besides the picture: row buffers, colour profile, EXIF. A profile of a few kilobytes can be
/// decompressed to gigabytes.
const OTHER_BYTES_MAX: usize = 8 << 20;

pub(super) fn decode(photo: &[u8], limits: &Limits) -> Result<Decoded, Refusal> {
    if !is_complete(photo) {
        return Err(corrupt());
    }
    if photo.get(12..16) == Some(b"CgBI") {
        // Apple's own variant, which differs in its compression and in the order of its channels.
        return Err(refused(ReasonCode::BadFormat));
    }
    let mut decoder = Decoder::new_with_limits(Cursor::new(photo), png::Limits { bytes: OTHER_BYTES_MAX });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width as usize, header.height as usize);
    limits.admit_with_limit(PHOTO_PNG_PIXELS_MAX, width, height)?;
    check_limit(width * height * header.bits_per_pixel() / 8, SAMPLE_BYTES_MAX)?;

    let mut reader = decoder.read_info().map_err(damaged)?;
    let (kind, depth) = reader.output_color_type();
    let is_deep = depth == BitDepth::Sixteen;
    let (levels, colours) =
        read_colours(reader.info(), has_profile(photo), if is_deep { 1 << 16 } else { 1 << 8 });
    let levels = levels.or_else(|| is_deep.then(Levels::rounded));
    let pixels = read(&mut reader, &Rows { kind, is_deep, levels })?;
    let exif = reader.info().exif_metadata.as_ref();
    let orientation = exif.and_then(|block| exif::orientation(block)).unwrap_or_default();
    Ok(Decoded { pixels, orientation, colours })
}

/// Whether the file has a profile before the pixels. The library drops a profile that it cannot decompress.
fn has_profile(photo: &[u8]) -> bool {
    let mut rest = photo.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk() {
        match after.first_chunk() {
            Some(b"iCCP") => return true,
            None | Some(b"IDAT") => return false,
            // Skips name, content and checksum.
            Some(_) => {
                let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                rest = after.get(length.saturating_add(8)..).unwrap_or_default();
            }
        }
    }
    false
}

/// Decodes row by row, so that the whole picture's transparency, grey samples or 16-bit samples are never in memory
/// besides its pixels.
fn read(reader: &mut Reader<Cursor<&[u8]>>, rows: &Rows) -> Result<RgbImage, Refusal> {
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut pixels = RgbImage::new(width, height);
    let stride = width * 3;
    let length = reader.output_line_size(reader.info().width).ok_or_else(corrupt)?;
    let mut samples = Zeroizing::new(vec![0; length]);
    if !reader.info().interlaced {
        for row in pixels.data_mut().chunks_exact_mut(stride) {
            let to = if rows.are_pixels() { &mut *row } else { &mut samples[..] };
            reader.read_row(to).map_err(damaged)?.ok_or_else(corrupt)?;
            rows.convert(&mut samples, row)?;
        }
        return Ok(pixels);
    }
    let mut row = Zeroizing::new(vec![0; stride]);
    while let Some(part) = reader.next_interlaced_row().map_err(damaged)? {
        let InterlaceInfo::Adam7(place) = part.interlace() else { return Err(corrupt()) };
        let samples = samples.get_mut(..part.data().len()).ok_or_else(corrupt)?;
        samples.copy_from_slice(part.data());
        let row = &mut row[..samples.len() / rows.pixel_bytes() * 3];
        if rows.are_pixels() {
            row.copy_from_slice(samples);
        }
        rows.convert(samples, row)?;
        expand_interlaced_row(pixels.data_mut(), stride, row, place, 24);
    }
    Ok(pixels)
}

/// Converts a file's rows to pixels.
struct Rows {
    kind: ColorType,
    /// Whether samples have two bytes.
    is_deep: bool,
    levels: Option<Levels>,
}

impl Rows {
    /// Whether the rows already are RGB pixels.
    fn are_pixels(&self) -> bool {
        self.kind == ColorType::Rgb && self.levels.is_none()
    }

    fn pixel_bytes(&self) -> usize {
        self.kind.samples() * if self.is_deep { 2 } else { 1 }
    }

    fn convert(&self, samples: &mut [u8], row: &mut [u8]) -> Result<(), Refusal> {
        if self.are_pixels() {
            return Ok(());
        }
        let samples = match &self.levels {
            Some(levels) => self.apply_levels(samples, levels),
            None => samples,
        };
        write_pixels(self.kind, samples, row)
    }

    /// Converts samples to 8 bits in place, by the level tables. Opacity is not light, so it is only rounded.
    fn apply_levels<'a>(&self, samples: &'a mut [u8], levels: &Levels) -> &'a [u8] {
        let channels = self.kind.samples();
        let has_opacity = channels.is_multiple_of(2);
        let tables: Vec<&[u8]> = (0..channels)
            .map(|channel| match has_opacity && channel + 1 == channels {
                true => levels.of_opacity(),
                false => levels.of_channel(channel),
            })
            .collect();
        let bytes = if self.is_deep { 2 } else { 1 };
        let count = samples.len() / bytes;
        let mut channel = 0;
        for n in 0..count {
            let stored = match self.is_deep {
                true => u16::from_be_bytes([samples[2 * n], samples[2 * n + 1]]),
                false => u16::from(samples[n]),
            };
            samples[n] = tables[channel][usize::from(stored)];
            channel = if channel + 1 == channels { 0 } else { channel + 1 };
        }
        &samples[..count]
    }
}

/// Writes 8-bit samples as RGB pixels.
fn write_pixels(colours: ColorType, samples: &[u8], pixels: &mut [u8]) -> Result<(), Refusal> {
    let pixels = pixels.as_chunks_mut::<3>().0.iter_mut();
    match colours {
        ColorType::Rgb => pixels.zip(samples.as_chunks().0).for_each(|(p, &rgb)| *p = rgb),
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

/// Lays one pixel over white.
pub(super) fn over_white(rgb: [u8; 3], alpha: u8) -> [u8; 3] {
    rgb.map(|v| {
        let blended = (u16::from(v) * u16::from(alpha) + 255 * (255 - u16::from(alpha)) + 127) / 255;
        u8::try_from(blended).unwrap_or(u8::MAX)
    })
}

/// Whether the file has complete chunks up to `IEND`. It trusts their stated lengths and checks nothing else.
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
