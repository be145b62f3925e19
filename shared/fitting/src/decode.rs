//! From a photo's bytes to a [`Photo`], within limits, in safe Rust.
//!
//! The container is told by its first bytes, never by a name or a content type. Size and completeness are
//! checked on the header and the file's structure before any pixel is decoded, so that what is too large or
//! cut short costs next to nothing. A JPEG is decoded at the scale that is wanted, and later in part at a finer
//! one; the others as a whole. Orientation and colour profile are read here and applied by [`Photo`].

mod exif;
mod jpeg;
mod png;
mod webp;

use domain::ReasonCode;

use self::jpeg::{Jpeg, Scaled};
use crate::outcome::Refusal;
use crate::photo::{Orientation, Photo, Region, Stored};
use crate::pixels::RgbImage;

/// What a photo may cost. Everything is checked on the header, before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes.
    pub photo_bytes_max: usize,
    /// The most pixels; 48-megapixel phones must pass.
    pub pixels_max: usize,
    /// The longest side in pixels.
    pub side_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { photo_bytes_max: 32 << 20, pixels_max: 64_000_000, side_max: 16_384 }
    }
}

/// What a decoder of whole pictures hands over: stored pixels and how they are meant to be seen.
struct Decoded {
    /// Pixels as stored, in the photo's own colours.
    pixels: RgbImage,
    /// How the stored pixels are turned upright.
    orientation: Orientation,
    /// The embedded ICC profile.
    profile: Option<Vec<u8>>,
}

/// How many pixels are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All there are.
    Full,
    /// The longer side has at least this many pixels, if the photo has; more where reducing saves nothing.
    Side(usize),
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
pub fn open<'a>(
    file: &'a [u8],
    limits: &Limits,
    detail: Detail,
) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    within(file.len(), limits.photo_bytes_max)?;
    let decoded = match Container::of(file) {
        Some(Container::Jpeg) => return open_jpeg(file, limits, detail),
        Some(Container::Png) => png::decode(file, limits),
        Some(Container::WebP) => webp::decode(file, limits),
        None => Err(refused(ReasonCode::BadFormat)),
    }?;
    let photo = Photo::new(Stored::whole(decoded.pixels), decoded.orientation, decoded.profile.as_deref());
    Ok((photo, PhotoFile { jpeg: None }))
}

fn open_jpeg<'a>(file: &'a [u8], limits: &Limits, detail: Detail) -> Result<(Photo, PhotoFile<'a>), Refusal> {
    let mut jpeg = Jpeg::open(file, limits)?;
    let Scaled { pixels, reduction, is_converted } = jpeg.whole(detail)?;
    let profile = jpeg.profile().filter(|_| !is_converted);
    let photo = Photo::new(Stored { reduction, ..Stored::whole(pixels) }, jpeg.orientation(), profile);
    Ok((photo, PhotoFile { jpeg: Some(jpeg) }))
}

/// A photo's file, of which parts can be decoded in more detail.
pub struct PhotoFile<'a> {
    /// Only this format is decoded at a reduced scale and in parts.
    jpeg: Option<Jpeg<'a>>,
}

/// The reductions at which a part is decoded. An eighth has too coarse colours for a work.
const CLOSE_REDUCTIONS: [usize; 2] = [4, 2];

impl PhotoFile<'_> {
    /// A region of `photo`, which came of this file, `factor` times as large or larger, if the file has the
    /// pixels; `None` when `photo` has it already.
    ///
    /// # Errors
    /// `corrupt_image`, which the first decoding finds in nearly every damaged file.
    pub fn closer(
        &self,
        photo: &Photo,
        region: Region,
        factor: f32,
    ) -> Result<Option<Photo>, Refusal> {
        #[expect(clippy::cast_precision_loss, reason = "reductions are 8 at most")]
        let is_enough = |reduction: &usize| *reduction as f32 * factor <= photo.reduction() as f32;
        let reduction = CLOSE_REDUCTIONS.into_iter().find(is_enough).unwrap_or(1);
        let Some(jpeg) = self.jpeg.as_ref().filter(|_| !photo.shows(region, reduction)) else {
            return Ok(None);
        };
        let size = jpeg.size(reduction);
        let window = photo.stored_region(region).rescaled(photo.reduction(), reduction, size);
        let pixels = jpeg.part(reduction, window)?.pixels;
        Ok(Some(photo.showing(Stored { pixels, left: window.left, top: window.top, size, reduction })))
    }
}

/// The containers that are read.
enum Container {
    Jpeg,
    Png,
    WebP,
}

impl Container {
    fn of(photo: &[u8]) -> Option<Self> {
        if photo.starts_with(&[0xFF, 0xD8, 0xFF]) {
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
