//! Decodes the progressive scans of a band of AC coefficients (T.81, G.1.2.2 and G.1.2.3).
//!
//! The values of the lowest coefficients are kept. Of the others one bit is kept: whether they are zero.

use std::ops::RangeInclusive;

use crate::bits::Bits;
use crate::error::Corrupt;
use crate::huffman::BandTable;
use crate::scan::Walk;

/// A scan of one band.
pub(crate) struct Band<'a> {
    pub(crate) places: RangeInclusive<usize>,
    pub(crate) table: &'a BandTable,
    /// The bit position of this scan's lowest bit (T.81's `Al`).
    pub(crate) shift: u32,
}

impl Band<'_> {
    /// Reads a block's coefficients without their lowest bits.
    #[inline(always)]
    pub(crate) fn read(&self, walk: &mut Walk<'_>, kept: &mut [i16], known: &mut u64) -> Result<(), Corrupt> {
        if walk.run > 0 {
            walk.run -= 1;
            return Ok(());
        }
        let (mut k, last) = (*self.places.start(), *self.places.end());
        while k <= last {
            match self.table.symbol(&mut walk.bits)? {
                (15, 0) => k += 16,
                (run, 0) => {
                    walk.run = run_of_ends(&mut walk.bits, run) - 1;
                    break;
                }
                (run, size) => {
                    k += run as usize;
                    if k > last {
                        return Err(Corrupt);
                    }
                    let value = walk.bits.receive_and_extend(size);
                    if let Some(coefficient) = kept.get_mut(k) {
                        *coefficient = shifted(value, self.shift);
                    }
                    *known |= 1 << k;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// Reads the next lower bit of a block's coefficients.
    #[inline(always)]
    pub(crate) fn refine(
        &self,
        walk: &mut Walk<'_>,
        kept: &mut [i16],
        known: &mut u64,
    ) -> Result<(), Corrupt> {
        let (mut k, last) = (*self.places.start(), *self.places.end());
        if walk.run == 0 {
            while k <= last {
                let (zeros, size) = self.table.symbol(&mut walk.bits)?;
                let value = match size {
                    0 if zeros == 15 => None,
                    0 => {
                        walk.run = run_of_ends(&mut walk.bits, zeros);
                        break;
                    }
                    1 => Some(2 * walk.bits.receive(1).cast_signed() - 1),
                    _ => return Err(Corrupt),
                };
                let place = nth_zero(*known, k, zeros).min(last + 1);
                self.correct(&mut walk.bits, k..=place - 1, kept, *known);
                if let Some(value) = value {
                    if place > last {
                        return Err(Corrupt);
                    }
                    if let Some(coefficient) = kept.get_mut(place) {
                        *coefficient = shifted(value, self.shift);
                    }
                    *known |= 1 << place;
                }
                k = place + 1;
            }
        }
        if walk.run > 0 {
            walk.run -= 1;
            if k <= last {
                self.correct(&mut walk.bits, k..=last, kept, *known);
            }
        }
        Ok(())
    }

    /// Reads one bit for each of these coefficients that is not zero.
    #[inline(always)]
    fn correct(&self, bits: &mut Bits<'_>, places: RangeInclusive<usize>, kept: &mut [i16], known: u64) {
        let mut left = known & up_to(*places.end()) & (u64::MAX << *places.start());
        while left != 0 {
            bits.refill();
            // A refill is good for 32 bits. Those of coefficients that are not kept are passed over together.
            let k = left.trailing_zeros() as usize;
            let Some(coefficient) = kept.get_mut(k) else {
                let count = left.count_ones().min(32);
                bits.consume(count);
                for _ in 0..count {
                    left &= left - 1;
                }
                continue;
            };
            left &= left - 1;
            let place = 1 << self.shift;
            if bits.receive(1) == 1 && *coefficient & place == 0 {
                *coefficient = coefficient.wrapping_add(if *coefficient > 0 { place } else { -place });
            }
        }
    }
}

/// Reads for how many blocks, this one included, the band has ended (T.81's `EOBRUN`).
#[inline(always)]
fn run_of_ends(bits: &mut Bits<'_>, exponent: u32) -> u32 {
    (1 << exponent) + bits.receive(exponent)
}

/// Returns the position of the zero that follows `others` other zeros from `k` on; 64 or more if there is none.
#[inline(always)]
fn nth_zero(known: u64, k: usize, others: u32) -> usize {
    let mut zeros = !known & (u64::MAX << k);
    for _ in 0..others {
        zeros &= zeros.wrapping_sub(1);
    }
    zeros.trailing_zeros() as usize
}

/// Returns a mask of the positions up to one of 0 to 63.
#[inline(always)]
fn up_to(last: usize) -> u64 {
    u64::MAX >> (63 - (last & 63))
}

/// Narrows a value; only damaged data does not fit.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "what does not fit is damaged, and any value will do for it"
)]
pub(crate) fn shifted(value: i32, shift: u32) -> i16 {
    (value << (shift & 15)) as i16
}
