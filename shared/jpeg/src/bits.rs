//! Reads bits of entropy-coded data. Removes stuffed bytes and stops at markers.
//!
//! `huffman` and `band` interpret the bits.

use zeroize::Zeroize;

use crate::error::Corrupt;
use crate::markers::{any_marker, has_byte_ff};

/// A reader's position, to return to later. It contains a few bits of the picture.
#[derive(Clone, Copy, Default, Zeroize)]
pub(crate) struct Position {
    /// The next bits, the first one highest. Only `count` of them are valid; further ones may lie below.
    buffer: u64,
    count: u32,
    /// How many of the buffered bits are zeros in place of missing data.
    padding: u32,
    /// The next byte that is not in the buffer yet.
    byte: usize,
}

/// A reader of bits.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    at: Position,
}

impl<'a> Bits<'a> {
    /// Creates a reader at the beginning of `data`.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: Position::default() }
    }

    pub(crate) fn position(&self) -> Position {
        self.at
    }

    pub(crate) fn go_to(&mut self, position: Position) {
        self.at = position;
    }

    /// Fills the buffer to 32 bits: a code and its value. Beyond a marker or the end of the data the bits are zeros;
    /// [`Self::missing`] counts those that were used.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if self.at.count < 32 {
            self.refill_now();
        }
    }

    #[inline(always)]
    fn refill_now(&mut self) {
        let Some(&bytes) = self.data.get(self.at.byte..).and_then(|rest| rest.first_chunk::<8>()) else {
            return self.refill_slowly();
        };
        let word = u64::from_be_bytes(bytes);
        if has_byte_ff(word) {
            return self.refill_slowly();
        }
        // As many whole bytes as fit. Bits of the next one get into the buffer as well, where they are put a
        // second time later.
        self.at.buffer |= word >> self.at.count;
        self.at.byte += ((63 - self.at.count) >> 3) as usize;
        self.at.count |= 56;
    }

    #[cold]
    #[inline(never)]
    fn refill_slowly(&mut self) {
        while self.at.count <= 56 {
            let byte = match self.data.get(self.at.byte..) {
                Some([0xFF, 0x00, ..]) => {
                    self.at.byte += 2;
                    0xFF
                }
                Some(&[byte, ..]) if byte != 0xFF => {
                    self.at.byte += 1;
                    byte
                }
                _ => {
                    self.at.padding += 8;
                    0
                }
            };
            self.at.buffer |= u64::from(byte) << (56 - self.at.count);
            self.at.count += 8;
        }
    }

    /// Returns the next `N` bits without consuming them. At most `32 − N` bits may have been consumed since the last
    /// refill.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "tables are indexed by 16 bits at most")]
    pub(crate) fn peek<const N: u32>(&self) -> usize {
        (self.at.buffer >> (64 - N)) as usize
    }

    /// Consumes `count` bits, which must be in the buffer.
    #[inline(always)]
    pub(crate) fn consume(&mut self, count: u32) {
        self.at.buffer <<= count & 63;
        self.at.count = self.at.count.wrapping_sub(count);
    }

    /// Reads a value of `size` bits, 0 to 15, as T.81's `RECEIVE` and `EXTEND` do: with a leading zero it is negative.
    #[inline(always)]
    pub(crate) fn receive_and_extend(&mut self, size: u32) -> i32 {
        let size = size & 15;
        // Two shifts, since a shift by all 32 bits is none.
        let bits = ((self.at.buffer >> 32 >> (32 - size)) & 0x7FFF) as i32;
        self.consume(size);
        extend(bits, size)
    }

    /// Reads up to 16 bits; a refill must have come before.
    #[inline(always)]
    pub(crate) fn receive(&mut self, count: u32) -> u32 {
        let count = count & 31;
        let bits = (self.at.buffer >> 32 >> (32 - count)) & 0xFFFF;
        self.consume(count);
        bits as u32
    }

    /// Returns how many of the bits that were read were missing.
    #[inline(always)]
    pub(crate) fn missing(&self) -> u32 {
        self.at.padding.saturating_sub(self.at.count)
    }

    /// Resumes after the restart marker of a number, 0 to 7. The rest of the current byte is skipped.
    ///
    /// Skips bytes before the marker. Accepts a marker of another number in its place, and where libjpeg accepts it. If
    /// the marker is missing, reading resumes at once. If data was lost with a marker, the picture's data ends early,
    /// which is found later.
    pub(crate) fn restart(&mut self, number: u8) -> Result<Restart, Corrupt> {
        let left = self.at.count.saturating_sub(self.at.padding);
        let found = any_marker(self.data, self.at.byte);
        let is_next = left < 8
            && found
                .is_some_and(|(_, end)| self.data[self.at.byte..end - 1].iter().all(|&byte| byte == 0xFF));
        match found {
            Some((marker @ 0xD0..=0xD7, end)) if is_next || is_taken_for(marker, number) => {
                self.at = Position { byte: self.past_copies(marker, end), ..Position::default() };
                Ok(Restart::Marked)
            }
            _ if is_next => Err(Corrupt),
            _ => {
                self.consume(left % 8);
                Ok(Restart::Unmarked)
            }
        }
    }

    /// Returns where data begins after a restart marker that may be repeated.
    fn past_copies(&self, marker: u8, mut end: usize) -> usize {
        while self.data.get(end..).is_some_and(|rest| rest.starts_with(&[0xFF, marker])) {
            end += 2;
        }
        end
    }
}

/// How a restart was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Marked,
    Unmarked,
}

/// Tells whether a restart marker that follows other bytes is accepted for the expected number. It is not if its number
/// is one of the two after or before: then the expected marker is probably missing. T.81, F.2.2.5 leaves this to the
/// decoder; this is libjpeg's rule.
fn is_taken_for(marker: u8, number: u8) -> bool {
    matches!(marker.wrapping_sub(number) & 7, 0 | 3..=5)
}

/// Returns the value that these `size` bits stand for: with a leading zero it is negative (T.81's `EXTEND`).
#[inline(always)]
pub(crate) fn extend(bits: i32, size: u32) -> i32 {
    let half = (1 << size) >> 1;
    if bits < half { bits - (1 << size) + 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `count` bits one by one.
    fn read(bits: &mut Bits<'_>, count: u32) -> u32 {
        (0..count).fold(0, |value, _| {
            bits.refill();
            let bit = u32::try_from(bits.peek::<1>()).unwrap();
            bits.consume(1);
            value << 1 | bit
        })
    }

    #[test]
    fn stuffed_bytes_are_taken_out_wherever_they_lie() {
        for lead in 0..20 {
            let mut data = vec![0x5A; lead];
            data.extend([0xFF, 0x00, 0x12, 0xFF, 0x00, 0xFF, 0x00]);
            data.extend([0xA5; 20]);
            let mut bits = Bits::new(&data);
            for _ in 0..lead {
                assert_eq!(read(&mut bits, 8), 0x5A);
            }
            assert_eq!(read(&mut bits, 32), 0xFF12_FFFF);
            assert_eq!(read(&mut bits, 32), 0xA5A5_A5A5);
        }
    }

    #[test]
    fn bits_beyond_a_marker_are_found_out() {
        for data in [&[0x12, 0x34, 0xFF, 0xD9, 0x55][..], &[0x12, 0x34, 0xFF], &[0x12, 0x34]] {
            let mut bits = Bits::new(data);
            assert_eq!(read(&mut bits, 16), 0x1234);
            assert_eq!(bits.missing(), 0);
            assert_eq!(read(&mut bits, 1), 0);
            assert_eq!(bits.missing(), 1);
        }
    }

    #[test]
    fn a_restart_marker_is_passed_whatever_stands_before_it() {
        // The byte that was begun, what stands before the marker, the marker that is there, how it is found.
        let cases: [(&[u8], u8, Option<Restart>); 8] = [
            (&[], 3, Some(Restart::Marked)),
            (&[0xFF, 0xFF], 3, Some(Restart::Marked)),
            (&[0x55], 3, Some(Restart::Marked)),
            (&[0x55, 0xFF, 0, 0x55], 3, Some(Restart::Marked)),
            (&[], 5, Some(Restart::Marked)),
            (&[0x55], 7, Some(Restart::Marked)),
            (&[0x55], 4, Some(Restart::Unmarked)),
            (&[], 9, None),
        ];
        for (before, marker, expected) in cases {
            for copies in 1..3 {
                let markers = [0xFF, 0xD0 + marker].repeat(copies);
                let data = [&[0x12], before, &markers, &[0x34]].concat();
                let mut bits = Bits::new(&data);
                read(&mut bits, 3);
                let found = bits.restart(3).ok();
                assert_eq!(found, expected, "{before:?}, marker {marker}");
                if let Some(found) = found {
                    let next = if found == Restart::Marked { 0x34 } else { u32::from(before[0]) };
                    assert_eq!(read(&mut bits, 8), next);
                }
            }
        }
    }

    #[test]
    fn values_extend_as_the_standard_says() {
        let cases = [(0, 0, 0), (1, 0, -1), (1, 1, 1), (2, 0, -3), (2, 3, 3), (3, 3, -4), (15, 0, -32767)];
        for (size, bits, value) in cases {
            assert_eq!(extend(bits, size), value, "{bits} of {size} bits");
        }
    }
}
