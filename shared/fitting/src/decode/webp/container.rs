//! Parses WebP's container (RIFF): the position of the first picture's bitstream, and the size that it states.
//!
//! The decoding library trusts the canvas size that the container states, and allocates the size that the bitstream
//! states. This module compares the two before anything is decoded. Like libwebp, it accepts some missing or damaged
//! parts.

use domain::limits::PHOTO_OTHER_PIXELS_MAX;

use crate::decode::{Limits, corrupt};
use crate::refusal::Refusal;

/// The first picture of a file.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// Width and height of the canvas.
    pub(super) canvas: (usize, usize),
    /// Position of the frame on the canvas: left and top.
    pub(super) offset: (usize, usize),
    pub(super) frame: Frame<'a>,
    /// The ICC profile.
    pub(super) profile: Option<&'a [u8]>,
    /// A raw EXIF block.
    pub(super) exif: Option<&'a [u8]>,
}

/// One picture's bitstream.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) coding: Coding,
    pub(super) data: &'a [u8],
    /// The separate transparency of a lossy bitstream.
    pub(super) alpha: Option<&'a [u8]>,
    /// Width and height, as the bitstream states them.
    pub(super) size: (usize, usize),
}

/// How a bitstream is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Lossy,
    Lossless,
}

/// A chunk's name and content, truncated where the file ends.
struct Chunk<'a> {
    name: &'a [u8; 4],
    content: &'a [u8],
    is_whole: bool,
}

/// Flags of the extended format. The others only announce chunks, which are found anyway.
const ANIMATION_FLAG: u8 = 1 << 1;
const ALPHA_FLAG: u8 = 1 << 4;

impl<'a> Picture<'a> {
    /// Finds the first picture, and checks its size against the limits and its canvas.
    pub(super) fn find(file: &'a [u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut chunks = Chunks::of_file(file).ok_or_else(corrupt)?;
        let first = chunks.next().ok_or_else(corrupt)?;
        let picture = if first.name == b"VP8X" {
            Self::extended(first.content, chunks)
        } else {
            Frame::read(first, &mut chunks).map(Self::plain)
        };
        let picture = picture.ok_or_else(corrupt)?;
        limits.admit_with_limit(PHOTO_OTHER_PIXELS_MAX, picture.canvas.0, picture.canvas.1)?;
        Ok(picture)
    }

    /// A picture in a file without the extended format.
    fn plain(frame: Frame<'a>) -> Self {
        Self { canvas: frame.size, offset: (0, 0), frame, profile: None, exif: None }
    }

    fn extended(header: &[u8], mut chunks: Chunks<'a>) -> Option<Self> {
        let &[flags, _, _, _, ref sizes @ ..] = header else { return None };
        let (sizes, _) = sizes.as_chunks::<3>();
        let &[width, height, ..] = sizes else { return None };
        let canvas = (1 + number(width), 1 + number(height));
        let (mut positioned, mut profile, mut exif) = (None, None, None);
        while let Some(chunk) = chunks.next() {
            match chunk.name {
                b"ANMF" if positioned.is_none() && flags & ANIMATION_FLAG != 0 => {
                    positioned = Some(Frame::animated(chunk.content)?);
                }
                b"VP8 " | b"VP8L" | b"ALPH" if positioned.is_none() && flags & ANIMATION_FLAG == 0 => {
                    positioned = Some(((0, 0), Frame::read(chunk, &mut chunks)?));
                }
                b"ICCP" => profile = profile.or(Some(chunk.content)),
                b"EXIF" => exif = exif.or(Some(chunk.content)),
                _ => {}
            }
        }
        let (offset, mut frame) = positioned?;
        frame.alpha = frame.alpha.filter(|_| flags & ALPHA_FLAG != 0);
        let fits = |offset: usize, side: usize, canvas: usize| {
            if flags & ANIMATION_FLAG == 0 { side == canvas } else { offset + side <= canvas }
        };
        let is_inside = fits(offset.0, frame.size.0, canvas.0) && fits(offset.1, frame.size.1, canvas.1);
        is_inside.then_some(Self { canvas, offset, frame, profile, exif })
    }
}

impl<'a> Frame<'a> {
    /// Parses an `ANMF` chunk: the frame's position, and the frame, which must have the size that the chunk states.
    fn animated(content: &'a [u8]) -> Option<((usize, usize), Self)> {
        let (header, rest) = content.split_first_chunk::<16>()?;
        let (sides, _) = header.as_chunks::<3>();
        let &[left, top, width, height, ..] = sides else { return None };
        let mut chunks = Chunks(rest);
        let first = chunks.next()?;
        let frame = Self::read(first, &mut chunks)?;
        let is_as_stated = frame.size == (1 + number(width), 1 + number(height));
        is_as_stated.then_some(((2 * number(left), 2 * number(top)), frame))
    }

    /// Reads a bitstream from a chunk and, if transparency comes first, the chunks after it.
    fn read(first: Chunk<'a>, chunks: &mut Chunks<'a>) -> Option<Self> {
        let (mut alpha, mut chunk) = (None, first);
        if chunk.name == b"ALPH" {
            alpha = chunk.is_whole.then_some(chunk.content);
            // Unknown chunks may stand in between.
            chunk = chunks.find(|chunk| matches!(chunk.name, b"VP8 " | b"VP8L"))?;
        }
        if !chunk.is_whole {
            return None;
        }
        let data = chunk.content;
        match chunk.name {
            b"VP8 " => Some(Self { coding: Coding::Lossy, data, alpha, size: lossy_size(data)? }),
            // A lossless bitstream contains its transparency.
            b"VP8L" => Some(Self { coding: Coding::Lossless, data, alpha: None, size: lossless_size(data)? }),
            _ => None,
        }
    }
}

/// Iterates over consecutive chunks.
struct Chunks<'a>(&'a [u8]);

impl<'a> Chunks<'a> {
    /// The chunks of a file; `None` if it is shorter than its header states.
    fn of_file(file: &'a [u8]) -> Option<Self> {
        let &[_, _, _, _, a, b, c, d, ref rest @ ..] = file else { return None };
        let rest = rest.get(..u32::from_le_bytes([a, b, c, d]) as usize)?;
        rest.strip_prefix(b"WEBP").map(Self)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let (name, rest) = self.0.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let content = rest.get(..length);
        // Chunks begin at even offsets.
        self.0 = rest.get(length + length % 2..).unwrap_or_default();
        Some(Chunk { name, content: content.unwrap_or(rest), is_whole: content.is_some() })
    }
}

/// A little-endian number of 24 bits.
fn number([a, b, c]: [u8; 3]) -> usize {
    u32::from_le_bytes([a, b, c, 0]) as usize
}

/// The size in a key frame's header (RFC 6386, section 9.1).
fn lossy_size(data: &[u8]) -> Option<(usize, usize)> {
    let &[tag, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1, ..] = data else { return None };
    let side = |low, high| usize::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    (tag & 1 == 0).then_some((side(w0, w1), side(h0, h1)))
}

/// The size in the header of a lossless bitstream (RFC 9649, section 3.4).
fn lossless_size(data: &[u8]) -> Option<(usize, usize)> {
    let &[0x2F, a, b, c, d, ..] = data else { return None };
    let bits = u32::from_le_bytes([a, b, c, d]) as usize;
    Some((1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)))
}
