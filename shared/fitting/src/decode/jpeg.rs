//! JPEG: the plain kinds that cameras and browsers write are decoded here, everything else by a library.
//!
//! A photo is looked at twice: all of it, small, to find the face, then the face alone in detail. So the first
//! pass reads the entropy-coded data, most of it without keeping a coefficient, and remembers places in it; a
//! part is read from the nearest place on. Baseline, extended sequential and progressive files of eight bits are
//! plain, grey, YCbCr or RGB, subsampled by two at most, with or without restart markers.

mod band;
mod bits;
mod frame;
mod huffman;
mod idct;
mod library;
mod markers;
mod plane;
mod progressive;
mod region;
mod scan;
mod scans;
mod segments;
mod standard;
#[cfg(test)]
mod tests;
mod upsample;

use self::frame::{Data, Frame};
use self::progressive::{Index, Picture};
use self::region::Scale;
use self::scan::{CHECKPOINT_DISTANCE, Checkpoints, Places, Reader};
use self::segments::Header;
use super::{Detail, Limits, corrupt, reduce_region};
use crate::colour::{Colours, Samples};
use crate::outcome::Refusal;
use crate::photo::{Orientation, Region};
use crate::pixels::RgbImage;
use crate::resize::block_means;

/// The entropy-coded data or a segment is damaged.
#[derive(Debug)]
struct Corrupt;

impl From<Corrupt> for Refusal {
    fn from(_: Corrupt) -> Self {
        corrupt()
    }
}

/// How many times the detail is decoded where the library decodes: it has no cheap second pass, and hardly gains by
/// a smaller scale, so that it is better to have enough at once.
const LIBRARY_DETAIL: usize = 4;

/// A JPEG file that was read up to its pixels.
pub(crate) struct Jpeg<'a> {
    file: &'a [u8],
    header: Header<'a>,
    /// What the first pass remembers, when the file is of a plain kind.
    places: Option<Remembered>,
    /// All pixels of another kind of file, at this reduction.
    pixels: Option<(RgbImage, usize)>,
    /// What the pixels mean, once they were decoded.
    colours: Colours,
    limits: Limits,
}

/// Places to come back to.
enum Remembered {
    Sequential(Checkpoints),
    Progressive(Index),
}

/// Pixels at a scale.
pub(super) struct Scaled {
    pub(super) pixels: RgbImage,
    /// Pixels of the file per pixel, 8 at most.
    pub(super) reduction: usize,
}

impl<'a> Jpeg<'a> {
    /// Checks a file's size, how it is coded and how much there is to do. Whether all of a sequential file is there
    /// shows when it is decoded: a mark at its end is not needed.
    pub(super) fn open(file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let header = segments::header(file, limits)?;
        Ok(Self { file, header, places: None, pixels: None, colours: Colours::default(), limits: *limits })
    }

    /// Width and height of the stored picture at full scale.
    pub(super) fn full_size(&self) -> (usize, usize) {
        (self.header.width, self.header.height)
    }

    /// Its size at a scale.
    pub(super) fn size(&self, reduction: usize) -> (usize, usize) {
        (self.header.width.div_ceil(reduction), self.header.height.div_ceil(reduction))
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.header.orientation.unwrap_or_default()
    }

    /// What the pixels of [`Self::whole`] and [`Self::part`] mean.
    pub(super) fn colours(&self) -> Colours {
        self.colours.clone()
    }

    /// Decodes the whole picture at the smallest scale that has the detail.
    pub(super) fn whole(&mut self, detail: Detail) -> Result<Scaled, Refusal> {
        let long = self.header.width.max(self.header.height);
        let reduction = detail.reduction(long);
        let Some(frame) = &self.header.frame else { return self.whole_by_library(detail, reduction) };
        let (pixels, places) = first_pass(frame, self.full_size(), 8 / reduction)?;
        self.places = Some(places);
        let samples = if frame.components.len() == 1 { Samples::Grey } else { Samples::Rgb };
        self.colours = Colours::of_icc(self.header.profile.as_deref(), samples);
        Ok(Scaled { pixels, reduction })
    }

    /// Decodes a region at a scale, in pixels of that scale; the whole picture must have been decoded before.
    pub(super) fn part(&self, reduction: usize, part: Region) -> Result<Scaled, Refusal> {
        let full = self.full_size();
        let scale = Scale::new(full, 8 / reduction);
        let Some(frame) = &self.header.frame else {
            let pixels = match &self.pixels {
                Some((pixels, known)) if *known <= reduction => {
                    reduce_region(pixels, reduction / known, part)
                }
                _ => self.by_library(reduction)?.pixels.part(part),
            };
            return Ok(Scaled { pixels, reduction });
        };
        let components = &frame.components;
        let pixels = match (&frame.data, &self.places) {
            (Data::Sequential(scan), Some(Remembered::Sequential(checkpoints))) => {
                let blocks = Reader::new(scan, components, Places::Known(checkpoints));
                region::decode(frame, full, scale, part, blocks)
            }
            (Data::Progressive(scans), Some(Remembered::Progressive(index))) => {
                let picture = Picture { scans, components, full };
                let blocks = progressive::Reader::new(picture, scale, index);
                region::decode(frame, full, scale, part, blocks)
            }
            _ => Err(Corrupt),
        };
        Ok(Scaled { pixels: pixels?, reduction })
    }

    /// As [`Self::whole`]; finer pixels are kept for [`Self::part`].
    fn whole_by_library(&mut self, detail: Detail, reduction: usize) -> Result<Scaled, Refusal> {
        let finer = match detail {
            Detail::Full => Detail::Full,
            Detail::Side(min) => Detail::Side(min.saturating_mul(LIBRARY_DETAIL)),
        };
        let known = finer.reduction(self.header.width.max(self.header.height));
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
        library::decode(self.file, full, reduction, pixels_max, self.header.profile.as_deref())
    }
}

/// Decodes the whole picture with blocks of a size, and remembers places on the way.
fn first_pass(
    frame: &Frame<'_>,
    full: (usize, usize),
    size: usize,
) -> Result<(RgbImage, Remembered), Corrupt> {
    let scale = Scale::new(full, size);
    let all = Region { left: 0, top: 0, width: scale.width, height: scale.height };
    let components = &frame.components;
    match &frame.data {
        Data::Sequential(scan) => {
            let mut checkpoints = Checkpoints::new(region::mcus(components, full).0, CHECKPOINT_DISTANCE);
            let blocks = Reader::new(scan, components, Places::Remember(&mut checkpoints));
            let pixels = region::decode(frame, full, scale, all, blocks)?;
            Ok((pixels, Remembered::Sequential(checkpoints)))
        }
        Data::Progressive(scans) => {
            let (index, store) = Index::new(Picture { scans, components, full }, scale)?;
            let blocks = progressive::Reader::with(store, &index);
            let pixels = region::decode(frame, full, scale, all, blocks)?;
            Ok((pixels, Remembered::Progressive(index)))
        }
    }
}
