//! Encodes works as marked JPEG or PNG, and thumbnails as JPEG.
//!
//! Only pixels and the project's own mark are written; a photo's metadata cannot get here.

use std::borrow::Cow;

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor, rgb_to_ycbcr};

use crate::error::FittingError;
use crate::mark::Mark;
use crate::outcome::Format;
use crate::pixels::RgbImage;
use crate::resize::resized;

/// Quality of a work's JPEG: no visible loss at a file of about 150 KB a megapixel.
const WORK_QUALITY: u8 = 90;

/// Quality of a thumbnail.
const THUMBNAIL_QUALITY: u8 = 82;

/// The longer side of a thumbnail in pixels, at most.
pub const THUMBNAIL_SIDE: usize = 320;

/// Header of an XMP packet in a JPEG's APP1 segment (Adobe XMP specification, part 3).
const XMP_SEGMENT: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Keyword of an XMP packet in a PNG's iTXt chunk (same specification).
const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Encodes a work and marks it as AI-made.
pub(crate) fn work(picture: &RgbImage, format: Format, mark: &Mark) -> Result<Vec<u8>, FittingError> {
    match format {
        Format::Jpeg => jpeg(picture, WORK_QUALITY, Some(mark)),
        Format::Png => png(picture, Some(mark)),
    }
}

/// Encodes a JPEG of at most [`THUMBNAIL_SIDE`] pixels a side. The thumbnail of a work has the work's mark.
pub(crate) fn thumbnail(picture: &RgbImage, mark: Option<&Mark>) -> Result<Vec<u8>, FittingError> {
    let (width, height) = (picture.width(), picture.height());
    let long = width.max(height).max(THUMBNAIL_SIDE);
    let reduced = |n: usize| (n * THUMBNAIL_SIDE / long).max(1);
    let small = if long == THUMBNAIL_SIDE {
        Cow::Borrowed(picture)
    } else {
        Cow::Owned(resized(picture, picture.whole(), reduced(width), reduced(height)))
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
    encoder.encode_image(Subsampled { picture, width, height }).map_err(|e| fault(&e))?;
    Ok(bytes)
}

/// A picture whose chroma is averaged over squares of 2 × 2 pixels.
///
/// By default the encoder takes the chroma of each square from its first pixel alone. This makes coloured edges
/// jagged and shifts them by half a pixel. The encoder's own averaging is slow. So this buffer stores the mean in the
/// first pixel of every square. Of the other pixels it fills only those that the encoder repeats beyond the picture's
/// edge.
///
/// By default the encoder takes the chroma of each square from its first pixel alone, which makes coloured edges
/// jagged and puts them half a pixel beside their place; its own averaging is slow. So every square's first pixel gets
/// the mean here; of the others only those are filled that the encoder repeats beyond the picture's edge.
struct Subsampled<'a> {
    picture: &'a RgbImage,
    width: u16,
    height: u16,
}

impl ImageBuffer for Subsampled<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, [luma, blue, red, _]: &mut [Vec<u8>; 4]) {
        let (y, last) = (usize::from(y), usize::from(self.height) - 1);
        let stride = self.picture.width() * 3;
        let row = |y: usize| self.picture.data()[y * stride..][..stride].as_chunks::<3>().0;
        luma.extend(row(y).iter().map(|&[r, g, b]| rgb_to_ycbcr(r, g, b).0));
        let start = blue.len();
        blue.resize(start + self.picture.width(), 0);
        red.resize(start + self.picture.width(), 0);
        // The encoder repeats the last row to fill a block, so that row may become the first of a square.
        if y % 2 == 1 && y != last {
            return;
        }
        let (upper, upper_end) = row(y & !1).as_chunks::<2>();
        let (lower, lower_end) = row((y | 1).min(last)).as_chunks::<2>();
        let (blue, blue_end) = blue[start..].as_chunks_mut::<2>();
        let (red, red_end) = red[start..].as_chunks_mut::<2>();
        for ((&[a, b], &[c, d]), (blue, red)) in upper.iter().zip(lower).zip(blue.iter_mut().zip(red)) {
            let (cb, cr) = mean_chroma([a, b, c, d]);
            // The encoder repeats the last column as well.
            (*blue, *red) = ([cb; 2], [cr; 2]);
        }
        if let ([blue], [red], [a], [c]) = (blue_end, red_end, upper_end, lower_end) {
            (*blue, *red) = mean_chroma([*a, *a, *c, *c]);
        }
    }
}

/// Cb and Cr (ITU-T T.871) of the mean of four pixels, to the nearest level.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`level` returns 0 to 255")]
fn mean_chroma(pixels: [[u8; 3]; 4]) -> (u8, u8) {
    /// 1 in the fixed-point weights, times the number of pixels.
    const ONE: i32 = 4 << 16;
    let [r, g, b] = [0, 1, 2].map(|c| pixels.iter().map(|pixel| i32::from(pixel[c])).sum::<i32>());
    // The weights of each channel add up to zero, so that grey becomes 128.
    let cb = -11_059 * r - 21_709 * g + 32_768 * b;
    let cr = 32_768 * r - 27_439 * g - 5_329 * b;
    // The largest sum is half of 255 in these units, and would round to 256.
    let level = |sum: i32| ((sum + 128 * ONE + ONE / 2) / ONE).min(255) as u8;
    (level(cb), level(cr))
}

/// Encodes a PNG, with the mark if there is one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Detail, Limits, decode};

    /// Alternating columns of pure red and pure blue, encoded as JPEG and decoded.
    fn striped(width: usize, height: usize) -> RgbImage {
        let mut stripes = RgbImage::new(width, height);
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            stripes.set_pixel(x, y, if x % 2 == 0 { [255, 0, 0] } else { [0, 0, 255] });
        }
        decode(&jpeg(&stripes, 100, None).unwrap(), &Limits::default(), Detail::Full).unwrap().upright()
    }

    #[test]
    fn two_colours_that_share_a_chroma_sample_are_averaged() {
        // The mean of red's and blue's chroma, each pixel with its own luma; values below black or above white are
        // clipped.
        let picture = striped(32, 32);
        let chroma = |[r, _, b]: [u8; 3]| i32::from(r) - i32::from(b);
        for y in 0..32 {
            let pair = [14, 15].map(|x| chroma(picture.pixel(x, y)));
            assert!(pair.iter().all(|v| v.abs() < 40), "{pair:?} in row {y}");
        }
    }

    #[test]
    fn the_last_row_and_column_keep_their_colours_at_every_size() {
        for (width, height) in [(1, 1), (17, 16), (16, 17), (18, 18), (31, 33), (2, 1)] {
            let flat = RgbImage::from_raw(width, height, [180, 120, 90].repeat(width * height)).unwrap();
            let bytes = jpeg(&flat, WORK_QUALITY, None).unwrap();
            let back = decode(&bytes, &Limits::default(), Detail::Full).unwrap().upright();
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let off = back.pixel(x, y).iter().zip([180, 120, 90]).map(|(&v, w)| v.abs_diff(w)).max();
                assert!(off <= Some(3), "{width} x {height}, {x},{y}: {:?}", back.pixel(x, y));
            }
        }
    }

    #[test]
    fn a_square_at_the_edge_has_the_mean_of_its_pixels() {
        let colours: Vec<[u8; 3]> = (1..=9).map(|n| [n * 25, 250 - n * 20, n * n * 3]).collect();
        let picture = RgbImage::from_raw(3, 3, colours.concat()).unwrap();
        let buffer = Subsampled { picture: &picture, width: 3, height: 3 };
        let row = |y| {
            let mut planes: [Vec<u8>; 4] = Default::default();
            buffer.fill_buffers(y, &mut planes);
            let [_, blue, red, _] = planes;
            [0, 2].map(|x| (blue[x], red[x]))
        };
        let mean = |pixels: [usize; 4]| mean_chroma(pixels.map(|pixel| colours[pixel]));
        assert_eq!(row(0), [mean([0, 1, 3, 4]), mean([2, 2, 5, 5])]);
        assert_eq!(row(2), [mean([6, 7, 6, 7]), mean([8, 8, 8, 8])]);
    }

    #[test]
    fn a_repeated_last_row_has_its_squares_chroma() {
        let picture = RgbImage::from_raw(2, 2, vec![200, 0, 0, 200, 0, 0, 0, 0, 200, 0, 0, 200]).unwrap();
        let mut planes: [Vec<u8>; 4] = Default::default();
        Subsampled { picture: &picture, width: 2, height: 2 }.fill_buffers(1, &mut planes);
        let (blue, red) = mean_chroma([[200, 0, 0], [200, 0, 0], [0, 0, 200], [0, 0, 200]]);
        assert_eq!((planes[1][0], planes[2][0]), (blue, red));
    }

    #[test]
    fn grey_and_saturated_colours_have_the_standards_chroma() {
        assert_eq!(mean_chroma([[77; 3]; 4]), (128, 128));
        assert_eq!(mean_chroma([[0, 0, 255]; 4]).0, 255);
        assert_eq!(mean_chroma([[255, 0, 0]; 4]).1, 255);
        assert_eq!(mean_chroma([[255, 255, 0]; 4]).0, 1);
    }
}
