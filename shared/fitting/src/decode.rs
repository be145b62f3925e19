//! From a photo's bytes to a [`Photo`], within limits, in safe Rust.
//!
//! The container is told by its first bytes, never by a name or a content type. Size and completeness are
//! checked on the header and the file's structure before any pixel is decoded, so that what is too large or
//! cut short costs next to nothing. A JPEG is decoded at the scale that is wanted, and later in part at a finer
//! one; the others as a whole, and then turned upright and reduced in the same way. Orientation and colours are read here and applied by
//! [`Photo`].

mod exif;
mod jpeg;
mod png;
mod webp;

use domain::{ReasonCode, limits};

use self::jpeg::{Jpeg, Scaled};
use crate::colour::Colours;
use crate::outcome::Refusal;
use crate::photo::{Orientation, Photo, Region, Stored};
use crate::pixels::RgbImage;
use crate::resize::block_means;

/// What a photo may cost. Everything is checked on the header, before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes.
    pub photo_bytes_max: usize,
    /// The most pixels. What is decoded as a whole has lower limits besides: see [`domain::limits`].
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

/// What a decoder of whole pictures hands over: stored pixels and how they are meant to be seen.
struct Decoded {
    /// Pixels as stored, in the photo's own colours.
    pixels: RgbImage,
    /// How the stored pixels are turned upright.
    orientation: Orientation,
    /// What the samples mean.
    colours: Colours,
}

/// How many pixels are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All there are.
    Full,
    /// The longer side has at least this many pixels, if the photo has; more where reducing saves nothing.
    Side(usize),
}

impl Detail {
    /// The reduction (1, 2, 4 or 8) at which a picture with a longer side of so many pixels has the detail.
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
/// A [`Refusal`]: `bad_format` for other containers (HEIC among them), `too_large` in bytes, pixels or
/// side length, `corrupt_image` for anything damaged or cut short.
pub fn decode(photo: &[u8], limits: &Limits, detail: Detail) -> Result<Photo, Refusal> {
    open(photo, limits, detail).map(|(photo, _)| photo)
}

/// Decodes a photo as [`decode`] does, and keeps its file so that parts can be decoded in more detail.
///
/// # Errors
/// As [`decode`].
pub fn open<'a>(file: &'a [u8], limits: &Limits, detail: Detail) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    within(file.len(), limits.photo_bytes_max)?;
    let decoded = match Container::of(file) {
        Some(Container::Jpeg) => return open_jpeg(file, limits, detail),
        Some(Container::Png) => png::decode(file, limits),
        Some(Container::WebP) => webp::decode(file, limits),
        None => Err(refused(ReasonCode::BadFormat)),
    }?;
    let Decoded { pixels, orientation, colours } = decoded;
    // Turned first, so that a reduced photo's blocks begin at the same corner however the file stores it.
    let pixels = match orientation == Orientation::default() {
        true => pixels,
        false => orientation.upright(&pixels, pixels.whole()),
    };
    let orientation = Orientation::default();
    let reduction = detail.reduction(pixels.width().max(pixels.height()));
    if reduction == 1 {
        let photo = Photo::new(Stored::whole(pixels), orientation, colours);
        return Ok((photo, PhotoFile(Rest::Nothing)));
    }
    let (full, reduced) =
        ((pixels.width(), pixels.height()), block_means(&pixels, pixels.whole(), reduction));
    let stored = Stored { reduction, full, ..Stored::whole(reduced) };
    Ok((Photo::new(stored, orientation, colours), PhotoFile(Rest::Pixels(pixels))))
}

fn open_jpeg<'a>(file: &'a [u8], limits: &Limits, detail: Detail) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    let mut jpeg = Jpeg::open(file, limits)?;
    let Scaled { pixels, reduction } = jpeg.whole(detail)?;
    let stored = Stored { reduction, full: jpeg.full_size(), ..Stored::whole(pixels) };
    let photo = Photo::new(stored, jpeg.orientation(), jpeg.colours());
    Ok((photo, PhotoFile(Rest::Jpeg(Box::new(jpeg)))))
}

/// A photo's file, of which parts can be decoded in more detail.
pub struct PhotoFile<'a>(Rest<'a>);

/// What a file has besides the photo that was decoded of it.
enum Rest<'a> {
    /// Decoded again, at a reduced scale and in part.
    Jpeg(Box<Jpeg<'a>>),
    /// All pixels of a file that can only be decoded as a whole.
    Pixels(RgbImage),
    /// The photo has all pixels already.
    Nothing,
}

/// The reductions at which a part is decoded. An eighth has too coarse colours for a work.
const CLOSE_REDUCTIONS: [usize; 2] = [4, 2];

impl PhotoFile<'_> {
    /// A region of `photo`, which came of this file, `factor` times as large or larger, if the file has the
    /// pixels; `None` when `photo` has it already.
    ///
    /// # Errors
    /// `corrupt_image`, which the first decoding finds in nearly every damaged file.
    pub fn closer(&self, photo: &Photo, region: Region, factor: f32) -> Result<Option<Photo>, Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "reductions are 8 at most")]
        let is_enough = |reduction: &usize| *reduction as f32 * factor <= photo.reduction() as f32;
        let reduction = CLOSE_REDUCTIONS.into_iter().find(is_enough).unwrap_or(1);
        if photo.shows(region, reduction) {
            return Ok(None);
        }
        let size = match &self.0 {
            Rest::Jpeg(jpeg) => jpeg.size(reduction),
            Rest::Pixels(pixels) => (pixels.width().div_ceil(reduction), pixels.height().div_ceil(reduction)),
            Rest::Nothing => return Ok(None),
        };
        let window = photo.stored_region(region).rescaled(photo.reduction(), reduction, size);
        let pixels = match &self.0 {
            Rest::Jpeg(jpeg) => jpeg.part(reduction, window)?.pixels,
            Rest::Pixels(pixels) => reduced_part(pixels, reduction, window),
            Rest::Nothing => return Ok(None),
        };
        let (left, top, full) = (window.left, window.top, photo.full_size());
        Ok(Some(photo.showing(Stored { pixels, left, top, size, reduction, full })))
    }
}

/// A region of a picture that is reduced by a whole number, in the reduced picture's pixels. Its blocks lie as those of
/// a JPEG that is decoded at that scale, so that the same photo in another file is looked at in the same way.
fn reduced_part(image: &RgbImage, reduction: usize, part: Region) -> RgbImage {
    let span = |first: usize, length: usize, size: usize| {
        let start = first * reduction;
        (start, (length * reduction).min(size - start))
    };
    let (left, width) = span(part.left, part.width, image.width());
    let (top, height) = span(part.top, part.height, image.height());
    let region = Region { left, top, width, height };
    if reduction == 1 { image.part(region) } else { block_means(image, region, reduction) }
}

/// The containers that are read.
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
    /// Checks a picture's size as its header states it.
    fn admit(&self, width: usize, height: usize) -> Result<(), Refusal> {
        if width == 0 || height == 0 {
            return Err(corrupt());
        }
        within(width.max(height), self.side_max)?;
        within(width * height, self.pixels_max)
    }

    /// As [`Self::admit`], for a picture that may have only so many pixels.
    fn admit_up_to(&self, pixels_max: usize, width: usize, height: usize) -> Result<(), Refusal> {
        Self { pixels_max: self.pixels_max.min(pixels_max), ..*self }.admit(width, height)
    }
}

#[expect(clippy::cast_precision_loss, reason = "the figures are for people; seven digits are plenty")]
fn within(measured: usize, limit: usize) -> Result<(), Refusal> {
    if measured <= limit {
        return Ok(());
    }
    Err(Refusal { reason: ReasonCode::TooLarge, measured: measured as f32, threshold: limit as f32 })
}

fn refused(reason: ReasonCode) -> Refusal {
    Refusal { reason, measured: 0.0, threshold: 0.0 }
}

fn corrupt() -> Refusal {
    refused(ReasonCode::CorruptImage)
}

/// What a decoder's error becomes. Its message may tell of the photo's content and nobody would act on it.
fn damaged<E: std::error::Error>(_error: E) -> Refusal {
    corrupt()
}
