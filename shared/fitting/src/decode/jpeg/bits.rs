//! Reading bits of entropy-coded data: stuffed bytes are taken out, markers are not passed.
//!
//! What the bits mean is left to others.

use zeroize::Zeroize;

use super::Corrupt;

/// Where a reader is, to be returned to later. It contains a few bits of the photo.
#[derive(Clone, Copy, Default, Zeroize)]
pub(super) struct Position {
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
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: Position,
}

impl<'a> Bits<'a> {
    /// At the beginning of `data`.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: Position::default() }
    }

    pub(super) fn position(&self) -> Position {
        self.at
    }

    pub(super) fn go_to(&mut self, position: Position) {
        self.at = position;
    }

    /// Makes sure that 32 bits can be peeked at: a code and its value. Beyond a marker or the end of the data
    /// they are zeros, and using them is found out by [`Self::check`].
    #[inline(always)]
    pub(super) fn refill(&mut self) {
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
    pub(super) fn peek<const N: u32>(&self) -> usize {
        (self.at.buffer >> (64 - N)) as usize
    }

    /// Goes on by `count` bits, which must have been peeked at.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        self.at.buffer <<= count & 63;
        self.at.count = self.at.count.wrapping_sub(count);
    }

    /// Reads a value of `size` bits, 0 to 15, as T.81's `RECEIVE` and `EXTEND` do: with a leading zero it is negative.
    #[inline(always)]
    pub(super) fn receive_and_extend(&mut self, size: u32) -> i32 {
        let size = size & 15;
        // Two shifts, since a shift by all 32 bits is none.
        let bits = ((self.at.buffer >> 32 >> (32 - size)) & 0x7FFF) as i32;
        self.consume(size);
        extend(bits, size)
    }

    /// Reads up to 16 bits, of which a refill must have made sure.
    #[inline(always)]
    pub(super) fn receive(&mut self, count: u32) -> u32 {
        let count = count & 31;
        let bits = (self.at.buffer >> 32 >> (32 - count)) & 0xFFFF;
        self.consume(count);
        bits as u32
    }

    /// Whether everything that was read so far was there.
    #[inline(always)]
    pub(super) fn check(&self) -> Result<(), Corrupt> {
        if self.at.padding > self.at.count { Err(Corrupt) } else { Ok(()) }
    }

    /// Passes the restart marker of a number, 0 to 7, which must come after the byte that was begun.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Corrupt> {
        self.check()?;
        if self.at.count - self.at.padding >= 8 {
            return Err(Corrupt);
        }
        let rest = self.data.get(self.at.byte..).unwrap_or_default();
        let fill = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        if fill == 0 || rest.get(fill) != Some(&(0xD0 + number)) {
            return Err(Corrupt);
        }
        self.at = Position { byte: self.at.byte + fill + 1, ..Position::default() };
        Ok(())
    }
}

/// A value whose `size` bits are `bits`: with a leading zero it is negative.
#[inline(always)]
pub(super) fn extend(bits: i32, size: u32) -> i32 {
    let half = (1 << size) >> 1;
    if bits < half { bits - (1 << size) + 1 } else { bits }
}

/// Whether one of the eight bytes is 255.
#[inline(always)]
pub(super) fn has_byte_ff(word: u64) -> bool {
    const LOW: u64 = 0x0101_0101_0101_0101;
    // A byte that is 255 is zero when inverted, and only a zero borrows up to its highest bit.
    (!word).wrapping_sub(LOW) & word & (LOW << 7) != 0
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
            assert!(bits.check().is_ok());
            assert_eq!(read(&mut bits, 1), 0);
            assert!(bits.check().is_err());
        }
    }

    #[test]
    fn a_restart_marker_is_passed_only_where_it_is_due() {
        let data = [0x12, 0xFF, 0xFF, 0xD3, 0x34];
        let mut bits = Bits::new(&data);
        assert!(bits.restart(3).is_err(), "eight bits are left");
        read(&mut bits, 3);
        assert!(bits.clone().restart(4).is_err(), "another number");
        assert!(bits.restart(3).is_ok());
        assert_eq!(read(&mut bits, 8), 0x34);
    }

    #[test]
    fn values_extend_as_the_standard_says() {
        let cases = [(0, 0, 0), (1, 0, -1), (1, 1, 1), (2, 0, -3), (2, 3, 3), (3, 3, -4), (15, 0, -32767)];
        for (size, bits, value) in cases {
            assert_eq!(extend(bits, size), value, "{bits} of {size} bits");
        }
    }
}
