//! Walking through a scan MCU by MCU: predictions, restart markers, and places to return to.

use zeroize::{Zeroize, Zeroizing};

use super::Corrupt;
use super::bits::{Bits, Position};
use super::huffman::{AcTable, Next};
use super::idct::{Coefficients, ZIGZAG};
use super::segments::{Component, Frame};

/// MCUs between two checkpoints: a part's rows begin at most this many before the part.
const CHECKPOINT_DISTANCE: usize = 16;

/// A place in a scan.
pub(super) struct Walk<'a> {
    bits: Bits<'a>,
    /// The last DC value of each component.
    predictions: [i32; 3],
    restart_interval: usize,
    /// MCUs until the next restart marker.
    until_restart: usize,
    /// Restart markers passed.
    restarts: usize,
}

/// What has to be known to go on reading at the beginning of an MCU.
#[derive(Clone, Copy, Zeroize)]
struct Checkpoint {
    position: Position,
    predictions: [i32; 3],
    until_restart: usize,
    restarts: usize,
}

/// Places along each row of MCUs.
pub(super) struct Checkpoints {
    per_row: usize,
    list: Zeroizing<Vec<Checkpoint>>,
}

impl<'a> Walk<'a> {
    /// At the first MCU.
    pub(super) fn new(frame: &Frame<'a>) -> Self {
        Self {
            bits: Bits::new(frame.entropy),
            predictions: [0; 3],
            restart_interval: frame.restart_interval,
            until_restart: frame.restart_interval,
            restarts: 0,
        }
    }

    /// To be called before each MCU: passes the restart marker that is due.
    #[inline(always)]
    pub(super) fn begin_mcu(&mut self) -> Result<(), Corrupt> {
        if self.restart_interval == 0 {
            return Ok(());
        }
        if self.until_restart == 0 {
            self.restart()?;
        }
        self.until_restart -= 1;
        Ok(())
    }

    #[cold]
    fn restart(&mut self) -> Result<(), Corrupt> {
        let [number, ..] = (self.restarts % 8).to_le_bytes();
        self.bits.restart(number)?;
        self.restarts += 1;
        self.predictions = [0; 3];
        self.until_restart = self.restart_interval;
        Ok(())
    }

    /// To be called after each MCU: whether it was there.
    #[inline(always)]
    pub(super) fn end_mcu(&self) -> Result<(), Corrupt> {
        self.bits.check()
    }

    /// Passes over an MCU.
    pub(super) fn skip_mcu(&mut self, components: &[Component]) -> Result<(), Corrupt> {
        self.begin_mcu()?;
        for (component, number) in components.iter().zip(0..3) {
            for _ in 0..component.blocks.0 * component.blocks.1 {
                self.dc(component, number)?;
                self.skip_ac(component)?;
            }
        }
        self.end_mcu()
    }

    /// Reads a block's DC value, not multiplied.
    #[inline(always)]
    pub(super) fn dc(&mut self, component: &Component, number: usize) -> Result<i32, Corrupt> {
        let value = &mut self.predictions[number];
        // Only damaged data can get beyond 16 bits, and no sum of it beyond what a sample is clamped to.
        *value = value.wrapping_add(component.dc.difference(&mut self.bits)?);
        Ok(*value)
    }

    /// Passes over the rest of a block.
    #[inline(always)]
    pub(super) fn skip_ac(&mut self, component: &Component) -> Result<(), Corrupt> {
        component.ac.skip(&mut self.bits, 63)
    }

    /// Reads the rest of a block, multiplied, up to the place `LAST` of the zigzag, and passes over what comes
    /// after that; says whether there was anything but zeros.
    #[inline(always)]
    pub(super) fn ac<const LAST: usize>(
        &mut self,
        table: &AcTable,
        multipliers: &[f32; 80],
        coefficients: &mut Coefficients,
    ) -> Result<bool, Corrupt> {
        let mut k = 1;
        while k <= LAST.min(63) {
            match table.next(&mut self.bits)? {
                Next::Value(run, value) => {
                    k += run & 15;
                    #[expect(clippy::cast_precision_loss, reason = "values have 16 bits")]
                    let value = value as f32 * multipliers[k];
                    coefficients[usize::from(ZIGZAG[k] & 63)] = value;
                    k += 1;
                }
                Next::Zeros => k += 16,
                Next::End => return Ok(k > 1),
            }
        }
        let left = 64_usize.checked_sub(k).ok_or(Corrupt)?;
        table.skip(&mut self.bits, u32::try_from(left).unwrap_or_default())?;
        Ok(true)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.bits.position(),
            predictions: self.predictions,
            until_restart: self.until_restart,
            restarts: self.restarts,
        }
    }
}

impl Checkpoints {
    /// None yet, for rows of so many MCUs.
    pub(super) fn new(mcus_per_row: usize) -> Self {
        Self { per_row: mcus_per_row.div_ceil(CHECKPOINT_DISTANCE), list: Zeroizing::default() }
    }

    /// Remembers where MCU `column` of the next row begins, if that is a place to remember.
    #[inline(always)]
    pub(super) fn pass(&mut self, walk: &Walk<'_>, column: usize) {
        if column.is_multiple_of(CHECKPOINT_DISTANCE) {
            self.list.push(walk.checkpoint());
        }
    }

    /// Moves a walk to the last remembered MCU of a row that is not after `column`; says which one it is.
    pub(super) fn resume(&self, walk: &mut Walk<'_>, row: usize, column: usize) -> Result<usize, Corrupt> {
        let place = column / CHECKPOINT_DISTANCE;
        let checkpoint = self.list.get(row * self.per_row + place).ok_or(Corrupt)?;
        walk.bits.go_to(checkpoint.position);
        walk.predictions = checkpoint.predictions;
        walk.until_restart = checkpoint.until_restart;
        walk.restarts = checkpoint.restarts;
        Ok(place * CHECKPOINT_DISTANCE)
    }
}
