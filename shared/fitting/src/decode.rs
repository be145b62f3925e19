//! From a photo's bytes to a [`Photo`], within limits, in safe Rust.
//!
//! The container is told by its first bytes, never by a name or a content type. Size and completeness are
//! checked on the header and the file's structure before any pixel is decoded, so that what is too large or
//! cut short costs next to nothing. Orientation and colour profile are read here and applied by [`Photo`].

mod exif;
mod jpeg;
mod png;
mod webp;

use domain::ReasonCode;

use crate::outcome::Refusal;
use crate::photo::{Orientation, Photo};
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

/// What a container's decoder hands over: stored pixels and how they are meant to be seen.
struct Decoded {
    /// Pixels as stored, in the photo's own colours, possibly at a reduced scale.
    pixels: RgbImage,
    /// Width and height of the stored picture at full scale.
    full_size: (usize, usize),
    /// How the stored pixels are turned upright.
    orientation: Orientation,
    /// The embedded ICC profile, unless it was applied already.
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
    within(photo.len(), limits.photo_bytes_max)?;
    let decoded = match Container::of(photo) {
        Some(Container::Jpeg) => jpeg::decode(photo, limits, detail),
        Some(Container::Png) => png::decode(photo, limits),
        Some(Container::WebP) => webp::decode(photo, limits),
        None => Err(refused(ReasonCode::BadFormat)),
    }?;
    Ok(Photo::new(decoded.pixels, decoded.full_size, decoded.orientation, decoded.profile.as_deref()))
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
