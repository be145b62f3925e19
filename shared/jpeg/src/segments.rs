//! The segments before a JPEG's first scan: size, tables, orientation and colour profile.
//!
//! A supported file has a [`FrameHeader`]: Huffman-coded, eight bits, one or three components, all of them in one
//! sequential scan or in progressive ones. All other files have none.

use std::rc::Rc;

use crate::error::{Corrupt, Error};
use crate::frame::{Colours, Component, Data, FrameHeader, Kind, Sequential};
use crate::huffman::{AcTable, BandTable, DcTable};
use crate::markers::{END, SCAN, START, segment};
use crate::scans::{self, Walked};
use crate::{Coding, Limits, standard};

/// The content of the segments before the first scan.
pub(crate) struct Header<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) coding: Coding,
    /// The contents of the EXIF segments.
    pub(crate) exif: Vec<&'a [u8]>,
    /// The ICC profile, joined from its segments; empty if they do not fit together.
    pub(crate) profile: Option<Vec<u8>>,
    /// Everything needed to decode the picture, if it is supported.
    pub(crate) frame: Option<FrameHeader<'a>>,
}

/// A padding byte follows, which some writers do not set to zero.
const EXIF: &[u8] = b"Exif\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

/// The most EXIF segments that are kept. A photo has one or two; a file of 32 MB can have millions.
const EXIF_MAX: usize = 16;

/// The most parts of a profile, which are numbered by one byte from 1. One part more makes the profile damaged.
const PROFILE_PARTS_MAX: usize = 255;

/// The frame of a JPEG-LS file, which has nothing in common with JPEG but the markers.
const JPEG_LS: u8 = 0xF7;

/// Reads a file up to its first scan, and the headers of the other scans if it may have more.
pub(crate) fn header<'a>(file: &'a [u8], limits: &Limits) -> Result<Header<'a>, Error> {
    let mut found = Segments::default();
    let mut at = 2;
    loop {
        let (marker, content, next) = segment(file, at).ok_or(Corrupt)?;
        match marker {
            SCAN => {
                let (width, height) = found.size()?;
                found.admit_coding(height)?;
                limits.admit(width, height)?;
                return found.header(file, content, next);
            }
            START | END => return Err(Corrupt.into()),
            _ => found.read(marker, content),
        }
        at = next;
    }
}

/// The segments that were read so far.
#[derive(Default)]
pub(crate) struct Segments<'a> {
    /// The frame's marker and content, and how many there were.
    frame: Option<(u8, &'a [u8])>,
    frames: usize,
    quantisation: [Option<[u16; 64]>; 4],
    /// Code counts and symbols; a table is built only when it is used.
    dc: [Option<(&'a [u8; 16], &'a [u8])>; 4],
    ac: [Option<(&'a [u8; 16], &'a [u8])>; 4],
    pub(crate) restart_interval: usize,
    exif: Vec<&'a [u8]>,
    /// Whether there is a JFIF segment, and the transform that an Adobe segment names.
    jfif: bool,
    adobe: Option<u8>,
    profile: Vec<(u8, u8, &'a [u8])>,
    /// A segment could not be read, or is in an unusual place.
    pub(crate) odd: bool,
}

impl<'a> Segments<'a> {
    pub(crate) fn read(&mut self, marker: u8, content: &'a [u8]) {
        let read = match marker {
            0xC4 => self.read_huffman(content),
            0xDB => self.read_quantisation(content),
            0xDD => self.read_restart_interval(content),
            // The conditioning of an arithmetic coder says nothing of a Huffman coder.
            0xC8 | 0xCC => Some(()),
            0xC0..=0xCF | JPEG_LS => {
                self.frame = Some((marker, content));
                self.frames += 1;
                Some(())
            }
            _ => {
                self.read_application_data(marker, content);
                Some(())
            }
        };
        self.odd |= read.is_none();
    }

    fn read_application_data(&mut self, marker: u8, content: &'a [u8]) {
        if marker == 0xE0 && content.starts_with(b"JFIF\0") {
            self.jfif = true;
        } else if marker == 0xE1 && content.starts_with(EXIF) {
            if self.exif.len() < EXIF_MAX {
                self.exif.push(content.get(EXIF.len() + 1..).unwrap_or_default());
            }
        } else if marker == 0xE2
            && let Some(&[number, count, ref part @ ..]) = content.strip_prefix(ICC)
        {
            if self.profile.len() <= PROFILE_PARTS_MAX {
                self.profile.push((number, count, part));
            }
        } else if marker == 0xEE && content.starts_with(b"Adobe") {
            self.adobe = content.get(11).copied();
        }
    }

    fn read_quantisation(&mut self, mut content: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = content {
            let table = self.quantisation.get_mut(usize::from(kind & 15))?;
            let values;
            (values, content) = match kind >> 4 {
                0 => rest.split_first_chunk::<64>().map(|(v, rest)| (v.map(u16::from), rest))?,
                1 => {
                    let (bytes, rest) = rest.split_first_chunk::<128>()?;
                    (std::array::from_fn(|k| u16::from_be_bytes([bytes[2 * k], bytes[2 * k + 1]])), rest)
                }
                _ => return None,
            };
            *table = Some(values);
        }
        Some(())
    }

    fn read_huffman(&mut self, mut content: &'a [u8]) -> Option<()> {
        while let [kind, rest @ ..] = content {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols)?;
            let tables = match kind >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(kind & 15))? = Some((counts, symbols));
            content = rest;
        }
        Some(())
    }

    fn read_restart_interval(&mut self, content: &[u8]) -> Option<()> {
        let &[high, low] = content else { return None };
        self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
        Some(())
    }

    /// Precision, height, width and components.
    fn frame_header(&self) -> Option<(u8, usize, usize, &'a [u8])> {
        let &[precision, h1, h0, w1, w0, _, ref components @ ..] = self.frame?.1 else { return None };
        let side = |high, low| usize::from(u16::from_be_bytes([high, low]));
        Some((precision, side(h1, h0), side(w1, w0), components))
    }

    /// Width and height.
    pub(crate) fn size(&self) -> Result<(usize, usize), Corrupt> {
        self.frame_header().map(|(_, height, width, _)| (width, height)).ok_or(Corrupt)
    }

    /// Refuses files that are coded in an unsupported way: lossless, hierarchical and arithmetic-coded files, more than
    /// eight bits a sample, two components or more than four, and a height that only a segment after the picture
    /// states.
    fn admit_coding(&self, height: usize) -> Result<(), Error> {
        let (marker, precision) = (self.frame.map(|(marker, _)| marker), self.frame_header().map(|h| h.0));
        let is_known = matches!(self.components().len(), 1 | 3 | 4);
        let is_read = matches!(marker, Some(0xC0..=0xC2)) && precision == Some(8) && height > 0 && is_known;
        if is_read { Ok(()) } else { Err(Error::Unsupported) }
    }

    /// Name, sampling and quantisation of each component.
    pub(crate) fn components(&self) -> &'a [[u8; 3]] {
        self.frame_header().map_or(&[], |(.., components)| components.as_chunks().0)
    }

    /// Returns how the file is coded, if that is supported.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let (precision, .., components) = self.frame_header()?;
        if precision != 8 || self.frames != 1 || self.odd || !components.len().is_multiple_of(3) {
            return None;
        }
        match self.frame?.0 {
            0xC0 | 0xC1 => Some(Kind::Sequential),
            0xC2 => Some(Kind::Progressive),
            _ => None,
        }
    }

    pub(crate) fn dc_table(&self, number: u8) -> Option<Rc<DcTable>> {
        let (counts, symbols) = (*self.dc.get(usize::from(number))?)?;
        DcTable::new(counts, symbols).ok().map(Rc::new)
    }

    pub(crate) fn band_table(&self, number: u8) -> Option<BandTable> {
        let (counts, symbols) = (*self.ac.get(usize::from(number))?)?;
        BandTable::new(counts, symbols).ok()
    }

    /// `scan` is the content of the first scan's header, and its data begins at `data`.
    fn header(&mut self, file: &'a [u8], scan: &'a [u8], data: usize) -> Result<Header<'a>, Error> {
        let (width, height) = self.size()?;
        let (exif, profile) = (std::mem::take(&mut self.exif), self.profile());
        let mut frame = self.sequential(scan, &file[data..]).and_then(|data| self.frame(data));
        let mut coding = Coding::Supported;
        if frame.is_none() {
            let Walked { scans, samples, is_whole } = scans::walk(file, self, scan, data)?;
            frame = scans.and_then(|scans| self.frame(Data::Progressive(scans)));
            if frame.is_none() {
                coding = Coding::Other { samples, is_whole };
            }
        }
        Ok(Header { width, height, coding, exif, profile, frame })
    }

    /// The scan, when it has all of the components.
    fn sequential(&self, scan: &[u8], entropy: &'a [u8]) -> Option<Data<'a>> {
        if self.kind() != Some(Kind::Sequential) {
            return None;
        }
        // What follows the components says which coefficients there are. Here it can only be all of them.
        let (&[count, ref scanned @ ..], _) = scan.split_last_chunk::<3>()? else { return None };
        let (scanned, []) = scanned.as_chunks::<2>() else { return None };
        let components = self.components();
        let ids = components.iter().map(|&[id, ..]| id);
        if usize::from(count) != components.len() || !ids.eq(scanned.iter().map(|&[id, _]| id)) {
            return None;
        }
        let tables = self.tables(scanned)?;
        Some(Data::Sequential(Sequential { tables, restart_interval: self.restart_interval, entropy }))
    }

    /// The tables of each component of a sequential scan.
    pub(crate) fn tables(&self, scanned: &[[u8; 2]]) -> Option<Vec<(Rc<DcTable>, Rc<AcTable>)>> {
        // A file that has no tables, such as a frame of Motion JPEG, uses those of the standard.
        let dc = std::array::from_fn::<_, 4, _>(|n| self.dc[n].or_else(|| standard::DC.get(n).copied()));
        let ac = std::array::from_fn::<_, 4, _>(|n| self.ac[n].or_else(|| standard::AC.get(n).copied()));
        let dc = dc.map(|table| Some(Rc::new(DcTable::new(table?.0, table?.1).ok()?)));
        let ac = ac.map(|table| Some(Rc::new(AcTable::new(table?.0, table?.1).ok()?)));
        let of = |&[_, tables]: &[u8; 2]| {
            Some((dc.get(usize::from(tables >> 4))?.clone()?, ac.get(usize::from(tables & 15))?.clone()?))
        };
        scanned.iter().map(of).collect()
    }

    /// The frame, when it has one or three components of usual sampling.
    fn frame(&self, data: Data<'a>) -> Option<FrameHeader<'a>> {
        let components = self.components();
        let ids: Vec<u8> = components.iter().map(|&[id, ..]| id).collect();
        let colours = self.colours(&ids)?;
        let is_single = components.len() == 1;
        let components = components.iter().map(|&[_, blocks, quantisation]| {
            let (across, down) = (usize::from(blocks >> 4), usize::from(blocks & 15));
            let most = if is_single { 4 } else { 2 };
            if !(1..=most).contains(&across) || !(1..=most).contains(&down) {
                return None;
            }
            Some(Component {
                // The scan of a single component has no MCUs but its blocks.
                blocks: if is_single { (1, 1) } else { (across, down) },
                quantisation: (*self.quantisation.get(usize::from(quantisation))?)?,
            })
        });
        Some(FrameHeader { components: components.collect::<Option<_>>()?, colours, data })
    }

    /// Returns the colours by the JFIF segment, else by Adobe's, else by the components' names, as libjpeg does.
    fn colours(&self, ids: &[u8]) -> Option<Colours> {
        match (ids, self.jfif, self.adobe) {
            ([_], ..) => Some(Colours::Grey),
            ([_, _, _], false, Some(0)) | (b"RGB", false, None) => Some(Colours::Rgb),
            ([_, _, _], ..) => Some(Colours::YCbCr),
            _ => None,
        }
    }

    /// Joins the profile's parts in their order. If one is missing or doubled, the profile is empty, which counts as
    /// damaged.
    fn profile(&mut self) -> Option<Vec<u8>> {
        self.profile.sort_by_key(|&(number, ..)| number);
        let count = self.profile.first()?.1;
        let numbers = self.profile.iter().map(|&(number, of, _)| (number, of));
        if !numbers.eq((1..=count).map(|number| (number, count))) {
            return Some(Vec::new());
        }
        Some(self.profile.iter().flat_map(|&(_, _, part)| part).copied().collect())
    }
}
