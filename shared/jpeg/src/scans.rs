//! Reads the headers of all scans of a file: their number, their cost, and their content.
//!
//! A nearly empty scan can still cover every block of the picture, so the length of a file does not bound the work. A
//! file with several scans is therefore read to its end first, marker by marker.

use std::ops::RangeInclusive;
use std::rc::Rc;

use crate::error::{Error, check_limit};
use crate::frame::Kind;
use crate::huffman::{BandTable, DcTable};
use crate::markers::{END, SCAN, START, next_marker, segment};
use crate::scan::Walk;
use crate::segments::Segments;

/// The most scans a file may have. libjpeg writes 10 for colour and mozjpeg fewer than 20; the standard sets no bound.
const SCANS_MAX: usize = 64;

/// The most samples that all scans together may cover, counted for each component: 40 times 64 megapixels. That is
/// twice what mozjpeg's scans cover without subsampling. Empty scans of so many samples are read in 0.3 s.
const SAMPLES_MAX: usize = 40 * 64_000_000;

/// The same bound for files that another decoder handles, at 1.3 ns a sample: three times what libjpeg's scans of a
/// CMYK picture of 12 megapixels cover.
pub const OTHER_SAMPLES_MAX: usize = 40 * 16_000_000;

/// A scan of a progressive file.
pub(crate) struct Scan<'a> {
    pub(crate) content: Content,
    /// The bit position of this scan's lowest bit (T.81's `Al`).
    pub(crate) shift: u32,
    /// MCUs between restart markers; 0 without.
    pub(crate) restart_interval: usize,
    /// The entropy-coded data.
    pub(crate) entropy: &'a [u8],
}

/// The content of a scan, with its components.
pub(crate) enum Content {
    /// DC values without their lowest bits (T.81, G.1.2.1).
    DcFirst(Vec<(usize, Rc<DcTable>)>),
    /// The next lower bit of DC values.
    DcRefine(Vec<usize>),
    /// A band of AC coefficients without their lowest bits (G.1.2.2).
    AcFirst(usize, RangeInclusive<usize>, BandTable),
    /// The next lower bit of a band (G.1.2.3).
    AcRefine(usize, RangeInclusive<usize>, BandTable),
}

impl Scan<'_> {
    /// Returns the component of a scan that has only one.
    pub(crate) fn component(&self) -> Option<usize> {
        match &self.content {
            Content::AcFirst(component, ..) | Content::AcRefine(component, ..) => Some(*component),
            Content::DcFirst(list) => {
                if let &[(component, _)] = &list[..] {
                    Some(component)
                } else {
                    None
                }
            }
            Content::DcRefine(list) => {
                if let [component] = list[..] {
                    Some(component)
                } else {
                    None
                }
            }
        }
    }

    /// Returns one bit for each coefficient of a component that the scan contains.
    fn coefficients(&self, component: usize) -> u64 {
        match &self.content {
            Content::DcFirst(list) if list.iter().any(|&(of, _)| of == component) => 1,
            Content::DcRefine(list) if list.contains(&component) => 1,
            Content::AcFirst(of, places, _) | Content::AcRefine(of, places, _) if *of == component => {
                (u64::MAX >> (63 - places.end())) & (u64::MAX << places.start())
            }
            _ => 0,
        }
    }

    /// Tells whether the scan must be read to get the first `kept` coefficients of each component. Scans of higher
    /// coefficients of these components must be read too, because later scans are coded by them.
    pub(crate) fn is_needed_for(&self, kept: [usize; 3]) -> bool {
        match &self.content {
            Content::AcFirst(component, ..) | Content::AcRefine(component, ..) => kept[*component] > 1,
            Content::DcFirst(_) | Content::DcRefine(_) => true,
        }
    }
}

/// The result of reading all scan headers.
pub(crate) struct Walked<'a> {
    /// The scans, if the file is a progressive one that can be decoded here.
    pub(crate) scans: Option<Vec<Scan<'a>>>,
    /// The samples that all scans cover.
    pub(crate) samples: usize,
    /// False if samples are known to be missing: other decoders show them as grey. Of a progressive file that this
    /// crate does not decode, only the end marker is known.
    pub(crate) is_whole: bool,
}

/// Reads the headers of all scans. `header` is the content of the first one; its data begins at `at`.
///
/// A file without an end marker may be cut short. Its scans count only if they contain all bits of every coefficient.
pub(crate) fn walk<'a>(
    file: &'a [u8],
    found: &mut Segments<'a>,
    mut header: &'a [u8],
    mut at: usize,
) -> Result<Walked<'a>, Error> {
    let mut scans = (found.kind() == Some(Kind::Progressive)).then(Vec::new);
    let (mut count, mut samples, mut told) = (0, 0_usize, Some(0));
    loop {
        count += 1;
        samples = samples.saturating_add(samples_of(header, found));
        check_limit(count, SCANS_MAX)?;
        check_limit(samples, SAMPLES_MAX)?;
        let end = next_marker(file, at).unwrap_or(file.len());
        if let Some(list) = &mut scans {
            match scan(found, header, &file[at..end]) {
                Some(scan) => list.push(scan),
                None => scans = None,
            }
        }
        if found.kind() == Some(Kind::Sequential) && samples <= OTHER_SAMPLES_MAX {
            told = told.and_then(|told| Some(told | held(found, header, &file[at..end])?));
        }
        let is_ended = match next_scan(file, found, end) {
            Next::Scan(next, data) => {
                (header, at) = (next, data);
                continue;
            }
            Next::End => true,
            Next::Nothing => false,
        };
        // A table may change between scans, or a second frame begin.
        let scans = scans.filter(|_| found.kind() == Some(Kind::Progressive));
        let scans = scans.filter(|scans| is_whole(scans, found.components().len(), is_ended));
        let all = u64::MAX >> (64 - found.components().len().clamp(1, 64));
        let is_whole = if found.kind() == Some(Kind::Sequential) { told == Some(all) } else { is_ended };
        return Ok(Walked { scans, samples, is_whole });
    }
}

/// Returns how many samples a scan covers, by its header.
fn samples_of(scan: &[u8], found: &Segments<'_>) -> usize {
    let (width, height) = found.size().unwrap_or_default();
    let blocks = |sampling: u8| usize::from(sampling >> 4) * usize::from(sampling & 15);
    let components = found.components();
    let most = components.iter().map(|&[_, sampling, _]| blocks(sampling)).max().unwrap_or(1).max(1);
    let of = |id: u8| {
        let component = components.iter().find(|&&[known, ..]| known == id);
        component.map_or(most, |&[_, sampling, _]| blocks(sampling))
    };
    let scanned = scan.get(1..scan.len().saturating_sub(3)).unwrap_or_default();
    scanned.as_chunks::<2>().0.iter().map(|&[id, _]| width * height * of(id) / most).sum()
}

/// Returns one bit for each component of a sequential scan, if its data is complete.
fn held(found: &Segments<'_>, header: &[u8], entropy: &[u8]) -> Option<u64> {
    let (&[_, ref scanned @ ..], _) = header.split_last_chunk::<3>()? else { return None };
    let (scanned, []) = scanned.as_chunks::<2>() else { return None };
    let components = found.components();
    let sampling = |&[_, sampling, _]: &[u8; 3]| (usize::from(sampling >> 4), usize::from(sampling & 15));
    let most = components.iter().map(sampling).fold((1, 1), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    let place = |&[id, _]: &[u8; 2]| components.iter().position(|&[known, ..]| known == id);
    let places: Vec<usize> = scanned.iter().map(place).collect::<Option<_>>()?;
    let (width, height) = found.size().ok()?;
    let (mut across, mut down) = (width.div_ceil(8 * most.0), height.div_ceil(8 * most.1));
    let mut blocks: Vec<_> = places.iter().map(|&place| sampling(&components[place])).collect();
    if let [single] = &mut blocks[..] {
        // The scan of a single component has no MCUs but the blocks that its samples fill.
        across = (width * single.0).div_ceil(8 * most.0);
        down = (height * single.1).div_ceil(8 * most.1);
        *single = (1, 1);
    }
    let tables = found.tables(scanned)?;
    let mut walk = Walk::new(entropy, found.restart_interval);
    for _ in 0..across * down {
        walk.begin_mcu().ok()?;
        for ((dc, ac), (h, v)) in tables.iter().zip(&blocks) {
            for _ in 0..h * v {
                dc.difference(&mut walk.bits).ok()?;
                ac.skip(&mut walk.bits, 63).ok()?;
            }
        }
        walk.end_mcu().ok()?;
    }
    Some(places.iter().fold(0, |all, place| all | 1 << (place & 63)))
}

/// What comes after a scan's data.
enum Next<'a> {
    /// The next scan's header and where its data begins.
    Scan(&'a [u8], usize),
    /// The end of the image.
    End,
    /// The end of the file, or another image.
    Nothing,
}

/// Finds what comes next, after the segments before it.
fn next_scan<'a>(file: &'a [u8], found: &mut Segments<'a>, mut at: usize) -> Next<'a> {
    loop {
        let Some((marker, content, next)) = segment(file, at) else { return Next::Nothing };
        match marker {
            SCAN => return Next::Scan(content, next),
            END => return Next::End,
            START => return Next::Nothing,
            0xC0..=0xCF | 0xDD => found.read(marker, content),
            0xDB => found.odd = true,
            _ => {}
        }
        at = next;
    }
}

/// Returns a scan with the tables that are valid now; `None` if it is not supported.
fn scan<'a>(found: &Segments<'a>, header: &[u8], entropy: &'a [u8]) -> Option<Scan<'a>> {
    let (&[count, ref scanned @ ..], &[first, last, places]) = header.split_last_chunk::<3>()? else {
        return None;
    };
    let (scanned, []) = scanned.as_chunks::<2>() else { return None };
    let (before, shift) = (places >> 4, u32::from(places & 15));
    let is_first = before == 0;
    if usize::from(count) != scanned.len() || shift > 13 || !is_first && u32::from(before) != shift + 1 {
        return None;
    }
    let components = found.components();
    let component = |id: u8| components.iter().position(|&[known, ..]| known == id);
    let content = if (first, last) == (0, 0) {
        let ids: Vec<usize> = scanned.iter().map(|&[id, _]| component(id)).collect::<Option<_>>()?;
        let is_ascending = ids.is_sorted_by(|a, b| a < b) && !ids.is_empty();
        if !is_ascending {
            return None;
        }
        if is_first {
            let tables = scanned.iter().map(|&[_, tables]| found.dc_table(tables >> 4));
            Content::DcFirst(ids.into_iter().zip(tables.collect::<Option<Vec<_>>>()?).collect())
        } else {
            Content::DcRefine(ids)
        }
    } else {
        let &[[id, tables]] = scanned else { return None };
        let band = usize::from(first)..=usize::from(last);
        if !(1..=63).contains(&first) || !(first..=63).contains(&last) {
            return None;
        }
        let table = found.band_table(tables & 15)?;
        let content = if is_first { Content::AcFirst } else { Content::AcRefine };
        content(component(id)?, band, table)
    };
    Some(Scan { content, shift, restart_interval: found.restart_interval, entropy })
}

/// Tells whether the scans contain every component; if the file has no end marker, all bits of it.
fn is_whole(scans: &[Scan<'_>], components: usize, is_ended: bool) -> bool {
    (0..components).all(|component| {
        let told = scans
            .iter()
            .map(|scan| if is_ended || scan.shift == 0 { scan.coefficients(component) } else { 0 });
        let told = told.fold(0, |all, one| all | one);
        if is_ended { told & 1 == 1 } else { told == u64::MAX }
    })
}
