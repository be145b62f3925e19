//! The scans of a file that has several: how many there are, what they cost, and what each of them tells.
//!
//! A scan may be nearly empty and still be about every block of the picture, so the bytes of a file say nothing of the
//! work in it. Whatever is not decoded in one pass is walked through to its end first, marker by marker.

use std::ops::RangeInclusive;
use std::rc::Rc;

use super::bits::has_byte_ff;
use super::frame::Kind;
use super::huffman::{BandTable, DcTable};
use super::segments::{Segments, segment};
use super::{Corrupt, corrupt};
use crate::decode::within;
use crate::outcome::Refusal;

/// The most scans a file may have. libjpeg writes 10 for colour and mozjpeg fewer than 20; the standard sets no bound.
const SCANS_MAX: usize = 64;

/// The most samples that all scans together may be about, each component counted with its own: 40 times 64 megapixels.
/// That is twice what mozjpeg's scans are about where no colour is subsampled. Empty scans about so many are read
/// in 0.3 s.
const SAMPLES_MAX: usize = 40 * 64_000_000;

/// The same where the library decodes, which takes 1.3 ns for each: three times 12 megapixels of four inks as libjpeg
/// writes them.
pub(super) const LIBRARY_SAMPLES_MAX: usize = 40 * 16_000_000;

/// A scan of a progressive file.
pub(super) struct Scan<'a> {
    pub(super) content: Content,
    /// The binary places that come after this scan's.
    pub(super) shift: u32,
    /// MCUs between restart markers; 0 without.
    pub(super) restart_interval: usize,
    /// The entropy-coded data.
    pub(super) entropy: &'a [u8],
}

/// What a scan tells, of which components.
pub(super) enum Content {
    /// DC values but for their last binary places.
    Dc(Vec<(usize, Rc<DcTable>)>),
    /// The next binary place of DC values.
    DcPlace(Vec<usize>),
    /// A band of the other coefficients but for their last binary places.
    Band(usize, RangeInclusive<usize>, BandTable),
    /// The next binary place of a band.
    BandPlace(usize, RangeInclusive<usize>, BandTable),
}

impl Scan<'_> {
    /// The component, of a scan that is about one alone.
    pub(super) fn component(&self) -> Option<usize> {
        match &self.content {
            Content::Band(component, ..) | Content::BandPlace(component, ..) => Some(*component),
            Content::Dc(list) => {
                if let &[(component, _)] = &list[..] {
                    Some(component)
                } else {
                    None
                }
            }
            Content::DcPlace(list) => {
                if let [component] = list[..] {
                    Some(component)
                } else {
                    None
                }
            }
        }
    }

    /// Whether it has to be read to know so many coefficients of each component. A scan of others has to as well,
    /// since a later one of all of them is read by what is known from it.
    pub(super) fn tells_of(&self, kept: [usize; 3]) -> bool {
        match &self.content {
            Content::Band(component, ..) | Content::BandPlace(component, ..) => kept[*component] > 1,
            Content::Dc(_) | Content::DcPlace(_) => true,
        }
    }
}

/// Walks through the scans of a file from the content of the first one's header on; what follows it is at `at`. Leaves
/// the scans only if the file is a progressive one that can be decoded here, and how many samples they are about.
pub(super) fn walk<'a>(
    file: &'a [u8],
    found: &mut Segments<'a>,
    mut header: &'a [u8],
    mut at: usize,
) -> Result<(Option<Vec<Scan<'a>>>, usize), Refusal> {
    let mut scans = (found.kind() == Some(Kind::Progressive)).then(Vec::new);
    let (mut count, mut samples) = (0, 0_usize);
    loop {
        count += 1;
        samples = samples.saturating_add(found.samples(header));
        within(count, SCANS_MAX)?;
        within(samples, SAMPLES_MAX)?;
        let end = next_marker(file, at).ok_or_else(corrupt)?;
        if let Some(list) = &mut scans {
            match scan(found, header, &file[at..end]) {
                Some(scan) => list.push(scan),
                None => scans = None,
            }
        }
        match next_scan(file, found, end)? {
            Some(next) => (header, at) = next,
            // A table that changes between scans, or a second frame.
            None if found.kind() != Some(Kind::Progressive) => return Ok((None, samples)),
            None => {
                let scans = scans.filter(|scans| is_whole(scans, found.components().len()));
                return Ok((scans, samples));
            }
        }
    }
}

/// The next scan's header and where its data begins, after the segments before it; `None` at the end of the image.
fn next_scan<'a>(
    file: &'a [u8],
    found: &mut Segments<'a>,
    mut at: usize,
) -> Result<Option<(&'a [u8], usize)>, Corrupt> {
    loop {
        at = next_marker(file, at).ok_or(Corrupt)?;
        if file.get(at + 1) == Some(&0xD9) {
            return Ok(None);
        }
        let (marker, content, next) = segment(file, at).ok_or(Corrupt)?;
        match marker {
            0xDA => return Ok(Some((content, next))),
            0xC0..=0xCF | 0xDD => found.read(marker, content),
            0xDB => found.odd = true,
            _ => {}
        }
        at = next;
    }
}

/// Where the next marker stands that ends entropy-coded data.
fn next_marker(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        while file.get(at..)?.first_chunk().is_some_and(|&bytes| !has_byte_ff(u64::from_be_bytes(bytes))) {
            at += 8;
        }
        at += file[at..].iter().position(|&byte| byte == 0xFF)?;
        match file.get(at + 1)? {
            0x00 | 0x01 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// A scan with the tables that are valid now; `None` if anything about it is unusual.
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
            Content::Dc(ids.into_iter().zip(tables.collect::<Option<Vec<_>>>()?).collect())
        } else {
            Content::DcPlace(ids)
        }
    } else {
        let &[[id, tables]] = scanned else { return None };
        let band = usize::from(first)..=usize::from(last);
        if !(1..=63).contains(&first) || !(first..=63).contains(&last) {
            return None;
        }
        let table = found.band_table(tables & 15)?;
        let content = if is_first { Content::Band } else { Content::BandPlace };
        content(component(id)?, band, table)
    };
    Some(Scan { content, shift, restart_interval: found.restart_interval, entropy })
}

/// Whether there is something of every component.
fn is_whole(scans: &[Scan<'_>], components: usize) -> bool {
    (0..components).all(|component| {
        let has = |scan: &Scan<'_>| matches!(&scan.content, Content::Dc(list) if list.iter().any(|&(of, _)| of == component));
        scans.iter().any(has)
    })
}
