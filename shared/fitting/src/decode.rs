//! Decodes a photo's bytes into a [`Photo`], within limits, in safe Rust.
//!
//! The first bytes identify the container, never a name or a content type. The header and the file's structure are
//! checked for size and completeness before any pixel is decoded. So a file that is too large or truncated is refused
//! at almost no cost. A JPEG is decoded at the wanted scale; parts of it can later be decoded at a finer scale. Other
//! formats are decoded as a whole, then turned upright and reduced by the same factors. Orientation and colours are
//! read here and applied by [`Photo`].

mod exif;
mod jpeg;
mod png;
mod webp;

use domain::{ReasonCode, limits};

use self::jpeg::{Jpeg, Scaled};
use crate::colour::Colours;
use crate::photo::{Orientation, Photo, Stored};
use crate::pixels::RgbImage;
use crate::refusal::Refusal;
use crate::region::Region;
use crate::resize::block_means;

/// Limits on a photo's size. They are checked on the header, before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub photo_bytes_max: usize,
    /// The most pixels. Formats that are decoded as a whole have lower limits besides: see [`domain::limits`].
    pub pixels_max: usize,
    /// The longest side in pixels.
    pub side_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            photo_bytes_max: usize::try_from(limits::PHOTO_BYTES_MAX).unwrap_or(usize::MAX),
            pixels_max: limits::PHOTO_PIXELS_MAX,
            side_max: limits::PHOTO_SIDE_MAX,
        }
    }
}

/// What the PNG and WebP decoders return: stored pixels, and how they are to be displayed.
struct Decoded {
    /// Pixels as stored, in the photo's own colours.
    pixels: RgbImage,
    /// The turn that makes the stored pixels upright.
    orientation: Orientation,
    /// What the samples mean.
    colours: Colours,
}

/// How much detail to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All pixels of the file.
    Full,
    /// At least this many pixels on the longer side, if the file has them. The photo has more where reducing saves
    /// nothing.
    Side(usize),
}

impl Detail {
    /// The largest reduction (1, 2, 4 or 8) that keeps the wanted detail of a picture with this longer side.
    fn reduction(self, long: usize) -> usize {
        let is_enough = |reduction: &usize| match self {
            Self::Full => *reduction == 1,
            Self::Side(min) => long / reduction >= min,
        };
        [8, 4, 2].into_iter().find(is_enough).unwrap_or(1)
    }
}

/// Decodes a JPEG, PNG or WebP photo.
///
/// # Errors
/// A [`Refusal`]: `bad_format` for other containers (HEIC among them), `too_large` in bytes, pixels or side length,
/// `corrupt_image` for a damaged or truncated file.
pub fn decode(photo: &[u8], limits: &Limits, detail: Detail) -> Result<Photo, Refusal> {
    open(photo, limits, detail).map(|(photo, _)| photo)
}

/// Decodes a photo like [`decode`] and keeps its file, so that parts can be decoded in more detail later.
///
/// # Errors
/// Like [`decode`].
pub fn open<'a>(file: &'a [u8], limits: &Limits, detail: Detail) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    check_limit(file.len(), limits.photo_bytes_max)?;
    let decoded = match Container::of(file) {
        Some(Container::Jpeg) => return open_jpeg(file, limits, detail),
        Some(Container::Png) => png::decode(file, limits),
        Some(Container::WebP) => webp::decode(file, limits),
        None => Err(refused(ReasonCode::BadFormat)),
    }?;
    let Decoded { pixels, orientation, colours } = decoded;
    // Turned before it is reduced: the blocks of a reduced photo then begin at the same corner, whatever its stored
    // orientation.
    let pixels = match orientation == Orientation::default() {
        true => pixels,
        false => orientation.upright(&pixels, pixels.whole()),
    };
    let orientation = Orientation::default();
    let reduction = detail.reduction(pixels.width().max(pixels.height()));
    if reduction == 1 {
        let photo = Photo::new(Stored::whole(pixels), orientation, colours);
        return Ok((photo, PhotoFile(Source::Nothing)));
    }
    let (full, reduced) =
        ((pixels.width(), pixels.height()), block_means(&pixels, pixels.whole(), reduction));
    let stored = Stored { reduction, full, ..Stored::whole(reduced) };
    Ok((Photo::new(stored, orientation, colours), PhotoFile(Source::Pixels(pixels))))
}

fn open_jpeg<'a>(file: &'a [u8], limits: &Limits, detail: Detail) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    let mut jpeg = Jpeg::open(file, limits)?;
    let Scaled { pixels, reduction } = jpeg.whole(detail)?;
    let stored = Stored { reduction, full: jpeg.full_size(), ..Stored::whole(pixels) };
    let photo = Photo::new(stored, jpeg.orientation(), jpeg.colours());
    Ok((photo, PhotoFile(Source::Jpeg(Box::new(jpeg)))))
}

/// A photo's file, from which parts can be decoded in more detail.
pub struct PhotoFile<'a>(Source<'a>);

/// Where more detail than in the decoded photo comes from.
enum Source<'a> {
    /// A JPEG file; parts of it are decoded again, at a scale of their own.
    Jpeg(Box<Jpeg<'a>>),
    /// All pixels of a file that can only be decoded as a whole.
    Pixels(RgbImage),
    /// The photo has all pixels already.
    Nothing,
}

/// The reductions at which a part is decoded. At an eighth, colours are too coarse for a work.
const CLOSE_REDUCTIONS: [usize; 2] = [4, 2];

impl PhotoFile<'_> {
    /// Decodes a region of `photo`, which must come from this file, at least `factor` times as large if the file has
    /// the pixels. Returns `None` if `photo` already has them.
    ///
    /// # Errors
    /// `corrupt_image` when the region's data is damaged; the first decoding finds nearly every damaged file.
    pub fn closer(&self, photo: &Photo, region: Region, factor: f32) -> Result<Option<Photo>, Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "reductions are 8 at most")]
        let is_enough = |reduction: &usize| *reduction as f32 * factor <= photo.reduction() as f32;
        let reduction = CLOSE_REDUCTIONS.into_iter().find(is_enough).unwrap_or(1);
        if photo.shows(region, reduction) {
            return Ok(None);
        }
        let size = match &self.0 {
            Source::Jpeg(jpeg) => jpeg.size(reduction),
            Source::Pixels(pixels) => {
                (pixels.width().div_ceil(reduction), pixels.height().div_ceil(reduction))
            }
            Source::Nothing => return Ok(None),
        };
        let window = photo.stored_region(region).rescaled(photo.reduction(), reduction, size);
        let pixels = match &self.0 {
            Source::Jpeg(jpeg) => jpeg.part(reduction, window)?.pixels,
            Source::Pixels(pixels) => reduce_region(pixels, reduction, window),
            Source::Nothing => return Ok(None),
        };
        let (left, top, full) = (window.left, window.top, photo.full_size());
        Ok(Some(photo.showing(Stored { pixels, left, top, size, reduction, full })))
    }
}

/// Reduces a picture by a whole number and returns a region of it, in the reduced picture's pixels. The blocks are
/// aligned like those of a JPEG that is decoded at that scale, so that detection sees the same photo alike in every
/// format.
fn reduce_region(image: &RgbImage, reduction: usize, part: Region) -> RgbImage {
    let span = |first: usize, length: usize, size: usize| {
        let start = first * reduction;
        (start, (length * reduction).min(size - start))
    };
    let (left, width) = span(part.left, part.width, image.width());
    let (top, height) = span(part.top, part.height, image.height());
    let region = Region { left, top, width, height };
    if reduction == 1 { image.part(region) } else { block_means(image, region, reduction) }
}

/// The supported containers.
enum Container {
    Jpeg,
    Png,
    WebP,
}

impl Container {
    fn of(photo: &[u8]) -> Option<Self> {
        if photo.starts_with(&[0xFF, 0xD8]) {
            Some(Self::Jpeg)
        } else if photo.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if photo.starts_with(b"RIFF") && photo.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }
}

impl Limits {
    /// Checks the size that a picture's header states.
    fn admit(&self, width: usize, height: usize) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(corrupt());
        }
        check_limit(width.max(height), self.side_max)?;
        check_limit(width * height, self.pixels_max)
    }

    /// Like [`Self::admit`], with `pixels_max` as an additional limit.
    fn admit_with_limit(&self, pixels_max: usize, width: usize, height: usize) -> Result<(), Refusal> {
        Self { pixels_max: self.pixels_max.min(pixels_max), ..*self }.admit(width, height)
    }
}

fn check_limit(measured: usize, limit: usize) -> Result<(), Refusal> {
    if measured <= limit { Ok(()) } else { Err(too_large(measured, limit)) }
}

#[expect(clippy::cast_precision_loss, reason = "the figures are for people; seven digits are enough")]
fn too_large(measured: usize, limit: usize) -> Refusal {
    Refusal { reason: ReasonCode::TooLarge, measured: measured as f32, threshold: limit as f32 }
}

fn refused(reason: ReasonCode) -> Refusal {
    Refusal { reason, measured: 0.0, threshold: 0.0 }
}

fn corrupt() -> Refusal {
    refused(ReasonCode::CorruptImage)
}

/// Turns a decoder's error into a refusal. Its message is dropped: it may reveal the photo's content, and nobody
/// would act on it.
fn damaged<E: std::error::Error>(_error: E) -> Refusal {
    corrupt()
}
