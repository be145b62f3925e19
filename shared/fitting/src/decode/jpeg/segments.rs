//! The segments before a JPEG's first scan: size, tables, orientation and colour profile.
//!
//! A file of the plain kinds has a [`Frame`]: Huffman-coded, eight bits, one or three components, all of them in one
//! sequential scan or in progressive ones. Whatever is unusual or looks wrong has none, and is left to the library to
//! judge.

use std::rc::Rc;

use super::frame::{Colours, Component, Data, Frame, Kind, Sequential};
use super::huffman::{AcTable, BandTable, DcTable};
use super::scans;
use super::{Corrupt, Limits};
use crate::decode::{exif, within};
use crate::outcome::Refusal;
use crate::photo::Orientation;

/// What stands before the first scan.
pub(super) struct Header<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The first one that an EXIF segment tells.
    pub(super) orientation: Option<Orientation>,
    /// The ICC profile, put together.
    pub(super) profile: Option<Vec<u8>>,
    /// Everything needed to decode the picture, when it is of a plain kind.
    pub(super) frame: Option<Frame<'a>>,
}

/// A padding byte follows, which some writers do not set to zero.
const EXIF: &[u8] = b"Exif\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

/// Reads a file up to its first scan, and the headers of the other scans if it may have more.
pub(super) fn header<'a>(file: &'a [u8], limits: &Limits) -> Result<Header<'a>, Refusal> {
    let mut found = Segments::default();
    let mut at = 2;
    loop {
        let (marker, content, next) = segment(file, at).ok_or(Corrupt)?;
        if marker == 0xDA {
            let (width, height) = found.size()?;
            limits.admit(width, height)?;
            return found.header(file, content, next);
        }
        found.read(marker, content);
        at = next;
    }
}

/// Where the first scan's header begins, found by walking the segments before it.
pub(super) fn scan_start(file: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        let (marker, _, next) = segment(file, at)?;
        if marker == 0xDA {
            return Some(at);
        }
        at = next;
    }
}

/// The marker at a place, the content of its segment and where the next one begins.
pub(super) fn segment(file: &[u8], mut at: usize) -> Option<(u8, &[u8], usize)> {
    // A marker may be preceded by any number of fill bytes.
    while file.get(at)? == &0xFF && file.get(at + 1)? == &0xFF {
        at += 1;
    }
    let (&0xFF, &marker) = (file.get(at)?, file.get(at + 1)?) else { return None };
    let length = usize::from(u16::from_be_bytes([*file.get(at + 2)?, *file.get(at + 3)?]));
    let next = at + 2 + length.max(2);
    Some((marker, file.get(at + 4..next)?, next))
}

/// The segments that were read so far.
#[derive(Default)]
pub(super) struct Segments<'a> {
    /// The frame's marker and content, and how many there were.
    frame: Option<(u8, &'a [u8])>,
    frames: usize,
    quantisation: [Option<[u16; 64]>; 4],
    /// Code counts and symbols; what nobody uses is never made into a table.
    dc: [Option<(&'a [u8; 16], &'a [u8])>; 4],
    ac: [Option<(&'a [u8; 16], &'a [u8])>; 4],
    pub(super) restart_interval: usize,
    orientation: Option<Orientation>,
    /// Whether there is a JFIF segment, and the transform that an Adobe segment names.
    jfif: bool,
    adobe: Option<u8>,
    profile: Vec<(u8, u8, &'a [u8])>,
    /// Something could not be read, or comes where it hardly does.
    pub(super) odd: bool,
}

impl<'a> Segments<'a> {
    pub(super) fn read(&mut self, marker: u8, content: &'a [u8]) {
        let read = match marker {
            0xC4 => self.read_huffman(content),
            0xDB => self.read_quantisation(content),
            0xDD => self.read_restart_interval(content),
            0xC0..=0xCF if marker != 0xC8 && marker != 0xCC => {
                self.frame = Some((marker, content));
                self.frames += 1;
                Some(())
            }
            0xCC => None,
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
            let block = content.get(EXIF.len() + 1..).unwrap_or_default();
            self.orientation = self.orientation.or_else(|| exif::orientation(block));
        } else if marker == 0xE2
            && let Some(&[number, count, ref part @ ..]) = content.strip_prefix(ICC)
        {
            self.profile.push((number, count, part));
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
    fn size(&self) -> Result<(usize, usize), Corrupt> {
        self.frame_header().map(|(_, height, width, _)| (width, height)).ok_or(Corrupt)
    }

    /// Name, sampling and quantisation of each component.
    pub(super) fn components(&self) -> &'a [[u8; 3]] {
        self.frame_header().map_or(&[], |(.., components)| components.as_chunks().0)
    }

    /// How the file is coded, if that is plain.
    pub(super) fn kind(&self) -> Option<Kind> {
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

    /// How many samples a scan is about, by its header: those of its components, where they are known.
    pub(super) fn samples(&self, scan: &[u8]) -> usize {
        let (width, height) = self.size().unwrap_or_default();
        let blocks = |sampling: u8| usize::from(sampling >> 4) * usize::from(sampling & 15);
        let most =
            self.components().iter().map(|&[_, sampling, _]| blocks(sampling)).max().unwrap_or(1).max(1);
        let of = |id: u8| {
            let component = self.components().iter().find(|&&[known, ..]| known == id);
            component.map_or(most, |&[_, sampling, _]| blocks(sampling))
        };
        let scanned = scan.get(1..scan.len().saturating_sub(3)).unwrap_or_default();
        scanned.as_chunks::<2>().0.iter().map(|&[id, _]| width * height * of(id) / most).sum()
    }

    pub(super) fn dc_table(&self, number: u8) -> Option<Rc<DcTable>> {
        let (counts, symbols) = (*self.dc.get(usize::from(number))?)?;
        DcTable::new(counts, symbols).ok().map(Rc::new)
    }

    pub(super) fn band_table(&self, number: u8) -> Option<BandTable> {
        let (counts, symbols) = (*self.ac.get(usize::from(number))?)?;
        BandTable::new(counts, symbols).ok()
    }

    /// `scan` is the content of the first scan's header, and its data begins at `data`.
    fn header(&mut self, file: &'a [u8], scan: &'a [u8], data: usize) -> Result<Header<'a>, Refusal> {
        let (width, height) = self.size()?;
        let (orientation, profile) = (self.orientation, self.profile());
        let mut frame = None;
        if self.kind() == Some(Kind::Sequential) {
            frame = self.sequential(scan, &file[data..]).and_then(|data| self.frame(data));
        }
        if frame.is_none() {
            let (scans, samples) = scans::walk(file, self, scan, data)?;
            frame = scans.and_then(|scans| self.frame(Data::Progressive(scans)));
            if frame.is_none() {
                within(samples, scans::LIBRARY_SAMPLES_MAX)?;
            }
        }
        Ok(Header { width, height, orientation, profile, frame })
    }

    /// The scan, when it has all of the components.
    fn sequential(&self, scan: &[u8], entropy: &'a [u8]) -> Option<Data<'a>> {
        let (&[count, ref scanned @ ..], &[0, 63, 0]) = scan.split_last_chunk::<3>()? else { return None };
        let (scanned, []) = scanned.as_chunks::<2>() else { return None };
        let components = self.components();
        let ids = components.iter().map(|&[id, ..]| id);
        if usize::from(count) != components.len() || !ids.eq(scanned.iter().map(|&[id, _]| id)) {
            return None;
        }
        let dc = self.dc.map(|table| Some(Rc::new(DcTable::new(table?.0, table?.1).ok()?)));
        let ac = self.ac.map(|table| Some(Rc::new(AcTable::new(table?.0, table?.1).ok()?)));
        let tables = scanned.iter().map(|&[_, tables]| {
            Some((dc.get(usize::from(tables >> 4))?.clone()?, ac.get(usize::from(tables & 15))?.clone()?))
        });
        let tables = tables.collect::<Option<_>>()?;
        Some(Data::Sequential(Sequential { tables, restart_interval: self.restart_interval, entropy }))
    }

    /// The frame, when it has one or three components of usual sampling.
    fn frame(&self, data: Data<'a>) -> Option<Frame<'a>> {
        let components = self.components();
        let ids: Vec<u8> = components.iter().map(|&[id, ..]| id).collect();
        let colours = self.colours(&ids)?;
        let is_single = components.len() == 1;
        let components = components.iter().map(|&[_, blocks, quantisation]| {
            let (across, down) = (usize::from(blocks >> 4), usize::from(blocks & 15));
            if !(1..=2).contains(&across) || !(1..=2).contains(&down) {
                return None;
            }
            Some(Component {
                // The scan of a single component has no MCUs but its blocks.
                blocks: if is_single { (1, 1) } else { (across, down) },
                quantisation: (*self.quantisation.get(usize::from(quantisation))?)?,
            })
        });
        Some(Frame { components: components.collect::<Option<_>>()?, colours, data })
    }

    /// As JFIF says, or else Adobe, or else the components' names; the order is libjpeg's.
    fn colours(&self, ids: &[u8]) -> Option<Colours> {
        match (ids, self.jfif, self.adobe) {
            ([_], ..) => Some(Colours::Grey),
            ([_, _, _], false, Some(0)) | (b"RGB", false, None) => Some(Colours::Rgb),
            ([_, _, _], ..) => Some(Colours::YCbCr),
            _ => None,
        }
    }

    /// The profile's parts in their order, when all are there.
    fn profile(&mut self) -> Option<Vec<u8>> {
        self.profile.sort_by_key(|&(number, ..)| number);
        let count = self.profile.first()?.1;
        let numbers = self.profile.iter().map(|&(number, of, _)| (number, of));
        numbers
            .eq((1..=count).map(|number| (number, count)))
            .then(|| self.profile.iter().flat_map(|&(_, _, part)| part).copied().collect())
    }
}
