//! JPEG photos: the crate `jpeg` decodes those that cameras and browsers write, a library decodes CMYK, unusual
//! subsampling and sequential files in several scans.
//!
//! A photo is decoded twice: the whole picture, reduced, to find the face, then the face alone in detail.

mod library;
#[cfg(test)]
mod tests;

use domain::ReasonCode;
use domain::limits::PHOTO_OTHER_PIXELS_MAX;
use jpeg::Coding;

use super::{Detail, Limits, check_limit, damaged, exif, reduce_region, refused};
use crate::colour::{Colours, Samples};
use crate::photo::Orientation;
use crate::pixels::RgbImage;
use crate::refusal::Refusal;
use crate::region::Region;
use crate::resize::block_means;

/// How many times the detail is decoded where the library decodes: it has no cheap second pass, and hardly gains by
/// a smaller scale, so that it is better to have enough at once.
const LIBRARY_DETAIL: usize = 4;

/// A JPEG file whose headers were read.
pub(crate) struct Jpeg<'a> {
    file: &'a [u8],
    jpeg: jpeg::Jpeg<'a>,
    /// All pixels of a file that the library decodes, at this reduction.
    pixels: Option<(RgbImage, usize)>,
    /// What the samples mean; known after [`Self::whole`].
    colours: Colours,
    limits: Limits,
}

/// Pixels at a scale.
pub(super) struct Scaled {
    pub(super) pixels: RgbImage,
    /// Pixels of the file per pixel, 8 at most.
    pub(super) reduction: usize,
}

impl From<jpeg::Error> for Refusal {
    fn from(error: jpeg::Error) -> Self {
        match error {
            jpeg::Error::Corrupt => refused(ReasonCode::CorruptImage),
            jpeg::Error::Unsupported => refused(ReasonCode::BadFormat),
            jpeg::Error::TooLarge { measured, limit } => super::too_large(measured, limit),
        }
    }
}

impl From<Region> for jpeg::Region {
    fn from(region: Region) -> Self {
        let Region { left, top, width, height } = region;
        Self { left, top, width, height }
    }
}

impl<'a> Jpeg<'a> {
    /// Checks a file's size, how it is coded and how many samples there are to decode.
    pub(super) fn open(file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let limits_of_size = jpeg::Limits { pixels_max: limits.pixels_max, side_max: limits.side_max };
        let jpeg = jpeg::Jpeg::open(file, &limits_of_size)?;
        if let Coding::Other { samples, is_whole } = jpeg.coding() {
            check_limit(samples, jpeg::OTHER_SAMPLES_MAX)?;
            if !is_whole {
                return Err(refused(ReasonCode::CorruptImage));
            }
            let (width, height) = jpeg.size();
            limits.admit_with_limit(PHOTO_OTHER_PIXELS_MAX, width, height)?;
        }
        Ok(Self { file, jpeg, pixels: None, colours: Colours::default(), limits: *limits })
    }

    /// Width and height of the stored picture at full scale.
    pub(super) fn full_size(&self) -> (usize, usize) {
        self.jpeg.size()
    }

    /// Width and height of the stored picture at a reduction.
    pub(super) fn size(&self, reduction: usize) -> (usize, usize) {
        self.jpeg.reduced_size(reduction)
    }

    /// The first orientation that an EXIF segment names.
    pub(super) fn orientation(&self) -> Orientation {
        self.jpeg.exif().iter().find_map(|block| exif::orientation(block)).unwrap_or_default()
    }

    /// What the samples of [`Self::whole`] and [`Self::part`] mean.
    pub(super) fn colours(&self) -> Colours {
        self.colours.clone()
    }

    /// Decodes the whole picture at the smallest scale that has the detail.
    pub(super) fn whole(&mut self, detail: Detail) -> Result<Scaled, Refusal> {
        let (width, height) = self.full_size();
        let reduction = detail.reduction(width.max(height));
        if self.is_decoded_by_library() {
            return self.whole_by_library(detail, reduction);
        }
        let pixels = rgb_image(self.jpeg.decode(reduction)?)?;
        let samples = if self.jpeg.is_grey() { Samples::Grey } else { Samples::Rgb };
        self.colours = Colours::of_icc(self.jpeg.icc_profile(), samples);
        Ok(Scaled { pixels, reduction })
    }

    /// Decodes a region at a scale, in pixels of that scale; the whole picture must have been decoded before.
    pub(super) fn part(&self, reduction: usize, part: Region) -> Result<Scaled, Refusal> {
        let pixels = if self.is_decoded_by_library() {
            match &self.pixels {
                Some((pixels, known)) if *known <= reduction => {
                    reduce_region(pixels, reduction / known, part)
                }
                _ => self.by_library(reduction)?.pixels.part(part),
            }
        } else {
            rgb_image(self.jpeg.decode_region(reduction, part.into()).map_err(damaged)?)?
        };
        Ok(Scaled { pixels, reduction })
    }

    fn is_decoded_by_library(&self) -> bool {
        self.jpeg.coding() != Coding::Supported
    }

    /// As [`Self::whole`]; keeps finer pixels for [`Self::part`].
    fn whole_by_library(&mut self, detail: Detail, reduction: usize) -> Result<Scaled, Refusal> {
        let finer = match detail {
            Detail::Full => Detail::Full,
            Detail::Side(min) => Detail::Side(min.saturating_mul(LIBRARY_DETAIL)),
        };
        let (width, height) = self.full_size();
        let known = finer.reduction(width.max(height));
        let library::Decoded { pixels, colours } = self.by_library(known)?;
        self.colours = colours;
        if known == reduction {
            return Ok(Scaled { pixels, reduction });
        }
        let reduced = block_means(&pixels, pixels.whole(), reduction / known);
        self.pixels = Some((pixels, known));
        Ok(Scaled { pixels: reduced, reduction })
    }

    fn by_library(&self, reduction: usize) -> Result<library::Decoded, Refusal> {
        let (full, pixels_max) = (self.full_size(), self.limits.pixels_max);
        library::decode(self.file, full, reduction, pixels_max, self.jpeg.icc_profile())
    }
}

/// Takes over the decoded samples without a copy.
fn rgb_image(picture: jpeg::Picture) -> Result<RgbImage, Refusal> {
    let (width, height) = (picture.width(), picture.height());
    RgbImage::from_raw(width, height, picture.into_data()).ok_or_else(|| refused(ReasonCode::CorruptImage))
}
