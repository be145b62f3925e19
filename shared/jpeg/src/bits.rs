//! Reading bits of entropy-coded data: stuffed bytes are taken out, markers are not passed.
//!
//! What the bits mean is left to others.

use zeroize::Zeroize;

use crate::error::Corrupt;
use crate::markers::{any_marker, has_byte_ff};

/// Where a reader is, to be returned to later. It contains a few bits of the photo.
#[derive(Clone, Copy, Default, Zeroize)]
pub(crate) struct Position {
    /// The next bits, the first one highest. Below the `count` that are to be read it may hold what follows.
    buffer: u64,
    count: u32,
    /// How many of the buffered bits stand for data that was not there.
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
    /// At the beginning of `data`.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: Position::default() }
    }

    pub(crate) fn position(&self) -> Position {
        self.at
    }

    pub(crate) fn go_to(&mut self, position: Position) {
        self.at = position;
    }

    /// Makes sure that 32 bits can be peeked at: a code and its value. Beyond a marker or the end of the data
    /// they are zeros, and [`Self::missing`] tells how many of them were used.
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

    /// The next `N` bits, which stay where they are. Between a refill and this at most `32 − N` bits may have
    /// been consumed.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "tables are indexed by 16 bits at most")]
    pub(crate) fn peek<const N: u32>(&self) -> usize {
        (self.at.buffer >> (64 - N)) as usize
    }

    /// Goes on by `count` bits, which must have been peeked at.
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

    /// Reads up to 16 bits, of which a refill must have made sure.
    #[inline(always)]
    pub(crate) fn receive(&mut self, count: u32) -> u32 {
        let count = count & 31;
        let bits = (self.at.buffer >> 32 >> (32 - count)) & 0xFFFF;
        self.consume(count);
        bits as u32
    }

    /// How many of the bits that were read were not there.
    #[inline(always)]
    pub(crate) fn missing(&self) -> u32 {
        self.at.padding.saturating_sub(self.at.count)
    }

    /// Goes on after the restart marker of a number, 0 to 7, which is due after the byte that was begun.
    ///
    /// Bytes before it are passed. A marker of another number is taken for it where it stands in its place, or where
    /// libjpeg takes it. Where the marker is missing, the data that follows is read at once. What is lost with a marker
    /// shows later, since the picture's data then ends early.
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

    /// Where data begins after a restart marker that may have been written more than once.
    fn past_copies(&self, marker: u8, mut end: usize) -> usize {
        while self.data.get(end..).is_some_and(|rest| rest.starts_with(&[0xFF, marker])) {
            end += 2;
        }
        end
    }
}

/// Whether a restart was found with its marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Marked,
    Unmarked,
}

/// Whether a restart marker counts as that of a number although bytes stand before it. It does unless it is one of the
/// two after or before that: then it is more likely that the marker in question is missing (T.81, F.2.2.5 leaves it to
/// the decoder; this is libjpeg's rule).
fn is_taken_for(marker: u8, number: u8) -> bool {
    matches!(marker.wrapping_sub(number) & 7, 0 | 3..=5)
}

/// A value whose `size` bits are `bits`: with a leading zero it is negative.
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
