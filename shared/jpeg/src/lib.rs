//! A JPEG decoder in safe Rust for files that nobody vouches for: the whole picture at a reduced scale, then parts of
//! it in detail.
//!
//! [`Jpeg::open`] reads the headers within [`Limits`]. [`Jpeg::decode`] reads all of the entropy-coded data, most of it
//! without keeping a coefficient, and remembers checkpoints in it. [`Jpeg::decode_region`] reads a region from the
//! nearest checkpoint on, at any scale. A region is exactly what the same region of the whole picture is.
//!
//! It decodes baseline, extended sequential and progressive files of eight bits a sample; grey, YCbCr or RGB;
//! subsampled by two at most; with or without restart markers. Of CMYK, other subsampling and
//! sequential files in several scans it only says what they would cost: see [`Coding::Other`]. It refuses all others.
//!
//! It reads deviations from the standard (ITU-T T.81) as libjpeg does when every sample is there. It refuses files that
//! lack samples, and files in which more than eight restart markers are missing.
//!
//! ```
//! # fn show(file: &[u8]) -> Result<(), jpeg::Error> {
//! let mut jpeg = jpeg::Jpeg::open(file, &jpeg::Limits::default())?;
//! let small = jpeg.decode(8)?;
//! let (width, height) = jpeg.size();
//! let corner = jpeg::Region { left: 0, top: 0, width: width.min(64), height: height.min(64) };
//! let detail = jpeg.decode_region(1, corner)?;
//! # Ok(())
//! # }
//! ```

mod band;
mod bits;
mod coefficients;
mod error;
mod frame;
mod huffman;
mod idct;
mod markers;
mod picture;
mod progressive;
mod region;
mod scan;
mod scans;
mod segments;
mod standard;
#[cfg(test)]
mod tests;
mod upsample;

use self::error::Corrupt;
pub use self::error::Error;
use self::frame::{Data, FrameHeader};
pub use self::picture::{Picture, Region};
use self::progressive::{Index, ScanSet};
use self::region::Scale;
use self::scan::{CHECKPOINT_DISTANCE, Checkpoints, Places, Reader};
pub use self::scans::OTHER_SAMPLES_MAX;
use self::segments::Header;

/// What a picture may cost. Everything is checked on the headers, before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels.
    pub pixels_max: usize,
    /// The longest side in pixels.
    pub side_max: usize,
}

impl Default for Limits {
    /// Sides up to the 65,535 pixels that the format has, and 256 megapixels: 768 MB of samples at full scale.
    fn default() -> Self {
        Self { pixels_max: 1 << 28, side_max: 65_535 }
    }
}

impl Limits {
    /// Checks a picture's size as its header states it.
    fn admit(&self, width: usize, height: usize) -> Result<(), Error> {
        if width == 0 || height == 0 {
            return Err(Error::Corrupt);
        }
        error::check_limit(width.max(height), self.side_max)?;
        error::check_limit(width * height, self.pixels_max)
    }
}

/// How a file is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// This crate decodes it.
    Supported,
    /// Huffman-coded, eight bits and one, three or four components, but of a kind that this crate leaves to others:
    /// CMYK, subsampled by more than two, or sequential in several scans.
    Other {
        /// The samples that all scans together are about. A file of few bytes may have many.
        samples: usize,
        /// False when samples are known to be missing. Of a progressive file only the end marker is known.
        is_whole: bool,
    },
}

/// A JPEG file whose headers were read.
pub struct Jpeg<'a> {
    header: Header<'a>,
    /// Set by the first pass.
    checkpoints: Option<AllCheckpoints>,
}

/// Places in the entropy-coded data from which a region can be decoded.
enum AllCheckpoints {
    Sequential(Checkpoints),
    Progressive(Index),
}

impl<'a> Jpeg<'a> {
    /// Reads the headers and checks the size, the coding and the number of samples to decode. A sequential file that is
    /// cut short is found when it is decoded: its end marker may be missing.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for lossless, hierarchical and arithmetic-coded files, for other than eight bits a sample
    /// and for a height that is stated after the picture; [`Error::TooLarge`] and [`Error::Corrupt`].
    pub fn open(file: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        Ok(Self { header: segments::header(file, limits)?, checkpoints: None })
    }

    /// Width and height of the stored picture in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.header.width, self.header.height)
    }

    /// Width and height of the stored picture at a reduction of 1, 2, 4 or 8.
    #[must_use]
    pub fn reduced_size(&self, reduction: usize) -> (usize, usize) {
        (self.header.width.div_ceil(reduction), self.header.height.div_ceil(reduction))
    }

    /// How the file is coded.
    #[must_use]
    pub fn coding(&self) -> Coding {
        self.header.coding
    }

    /// Whether the picture has grey samples only. `false` where [`Self::coding`] is not [`Coding::Supported`].
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.header.frame.as_ref().is_some_and(|frame| frame.components.len() == 1)
    }

    /// The contents of the EXIF segments, in the file's order, from the TIFF header on.
    #[must_use]
    pub fn exif(&self) -> &[&'a [u8]] {
        &self.header.exif
    }

    /// The ICC profile, joined from its segments; empty where a part is missing or doubled.
    #[must_use]
    pub fn icc_profile(&self) -> Option<&[u8]> {
        self.header.profile.as_deref()
    }

    /// Decodes the whole picture, reduced by 1, 2, 4 or 8 to each side.
    ///
    /// # Errors
    /// [`Error::Corrupt`]; [`Error::Unsupported`] if the coding or the reduction is not supported.
    pub fn decode(&mut self, reduction: usize) -> Result<Picture, Error> {
        let full = self.size();
        let (Some(frame), Some(block)) = (&self.header.frame, block_size(reduction)) else {
            return Err(self.not_decoded());
        };
        let (picture, checkpoints) = first_pass(frame, full, block)?;
        self.checkpoints = Some(checkpoints);
        Ok(picture)
    }

    /// Decodes a region of the picture reduced by 1, 2, 4 or 8 to each side; the region is in pixels of that scale.
    ///
    /// # Errors
    /// [`Error::Corrupt`]; [`Error::Unsupported`] if the coding or the reduction is not supported, if the region is
    /// empty or lies outside the picture, or if [`Self::decode`] was not called before.
    pub fn decode_region(&self, reduction: usize, region: Region) -> Result<Picture, Error> {
        let full = self.size();
        let (Some(frame), Some(block)) = (&self.header.frame, block_size(reduction)) else {
            return Err(self.not_decoded());
        };
        let scale = Scale::new(full, block);
        let is_inside =
            |first: usize, length: usize, size: usize| length > 0 && first < size && length <= size - first;
        if !is_inside(region.left, region.width, scale.width)
            || !is_inside(region.top, region.height, scale.height)
        {
            return Err(Error::Unsupported);
        }
        let components = &frame.components;
        let picture = match (&frame.data, &self.checkpoints) {
            (Data::Sequential(scan), Some(AllCheckpoints::Sequential(checkpoints))) => {
                let blocks = Reader::new(scan, components, Places::Known(checkpoints));
                region::decode(frame, full, scale, region, blocks)
            }
            (Data::Progressive(scans), Some(AllCheckpoints::Progressive(index))) => {
                let blocks = progressive::Reader::new(ScanSet { scans, components, full }, scale, index);
                region::decode(frame, full, scale, region, blocks)
            }
            _ => return Err(Error::Unsupported),
        };
        Ok(picture?)
    }
}

impl Jpeg<'_> {
    /// The error of a file that is not decoded here.
    fn not_decoded(&self) -> Error {
        match self.header.coding {
            Coding::Other { is_whole: false, .. } => Error::Corrupt,
            Coding::Other { .. } | Coding::Supported => Error::Unsupported,
        }
    }
}

/// The samples of a block a side at a reduction.
fn block_size(reduction: usize) -> Option<usize> {
    matches!(reduction, 1 | 2 | 4 | 8).then(|| 8 / reduction)
}

/// Decodes the whole picture with blocks of `size` × `size` samples, and remembers checkpoints.
fn first_pass(
    frame: &FrameHeader<'_>,
    full: (usize, usize),
    size: usize,
) -> Result<(Picture, AllCheckpoints), Corrupt> {
    let scale = Scale::new(full, size);
    let all = Region { left: 0, top: 0, width: scale.width, height: scale.height };
    let components = &frame.components;
    match &frame.data {
        Data::Sequential(scan) => {
            let mut checkpoints = Checkpoints::new(region::mcus(components, full).0, CHECKPOINT_DISTANCE);
            let blocks = Reader::new(scan, components, Places::Remember(&mut checkpoints));
            let picture = region::decode(frame, full, scale, all, blocks)?;
            Ok((picture, AllCheckpoints::Sequential(checkpoints)))
        }
        Data::Progressive(scans) => {
            let (index, store) = Index::new(ScanSet { scans, components, full }, scale)?;
            let blocks = progressive::Reader::with(store, &index);
            let picture = region::decode(frame, full, scale, all, blocks)?;
            Ok((picture, AllCheckpoints::Progressive(index)))
        }
    }
}
