//! Walks through a scan MCU by MCU: predictions, restart markers, and checkpoints.

use zeroize::{Zeroize, Zeroizing};

use crate::bits::{Bits, Position, Restart};
use crate::error::Corrupt;
use crate::frame::{Component, Sequential};
use crate::huffman::{DcTable, Next};
use crate::idct::{Coefficients, ZIGZAG};
use crate::region::{Area, Blocks};

/// MCUs between two checkpoints. Decoding a region's row begins at most this many MCUs before the region.
pub(crate) const CHECKPOINT_DISTANCE: usize = 16;

/// Bits that may be missing at the end of a scan or before a restart marker, because some encoders do not write the
/// last partial byte. They count as zeros, as in libjpeg.
const MISSING_MAX: u32 = 7;

/// Restart markers of a scan that may be missing. For each of them the rest of the file is searched.
const UNMARKED_MAX: usize = 8;

/// A position in a scan.
pub(crate) struct Walk<'a> {
    pub(crate) bits: Bits<'a>,
    /// The last DC value of each component.
    pub(crate) predictions: [i32; 3],
    /// How many of the next blocks have no further coefficients, in a progressive scan.
    pub(crate) run: u32,
    restart_interval: usize,
    /// MCUs until the next restart marker.
    until_restart: usize,
    /// Restart markers passed.
    restarts: usize,
    /// Restart markers that were missing.
    unmarked: usize,
    /// Bits that were missing since the last restart.
    missing: u32,
}

/// The state with which reading resumes at the beginning of an MCU.
#[derive(Clone, Copy, Zeroize)]
struct Checkpoint {
    position: Position,
    predictions: [i32; 3],
    run: u32,
    until_restart: usize,
    restarts: usize,
}

/// Checkpoints along each row of MCUs, or of blocks where a scan has no MCUs.
pub(crate) struct Checkpoints {
    distance: usize,
    per_row: usize,
    list: Zeroizing<Vec<Checkpoint>>,
}

impl<'a> Walk<'a> {
    /// Creates a walk at the first MCU.
    pub(crate) fn new(entropy: &'a [u8], restart_interval: usize) -> Self {
        Self {
            bits: Bits::new(entropy),
            predictions: [0; 3],
            run: 0,
            restart_interval,
            until_restart: restart_interval,
            restarts: 0,
            unmarked: 0,
            missing: 0,
        }
    }

    /// Skips a restart marker that is due. Must be called before each MCU.
    #[inline(always)]
    pub(crate) fn begin_mcu(&mut self) -> Result<(), Corrupt> {
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
        if self.bits.restart(number)? == Restart::Unmarked {
            self.unmarked += 1;
            if self.unmarked > UNMARKED_MAX {
                return Err(Corrupt);
            }
        }
        self.restarts += 1;
        self.missing = 0;
        self.predictions = [0; 3];
        self.run = 0;
        self.until_restart = self.restart_interval;
        Ok(())
    }

    /// Fails if the MCU was missing. Must be called after each MCU.
    #[inline(always)]
    pub(crate) fn end_mcu(&mut self) -> Result<(), Corrupt> {
        if self.bits.missing() == 0 { Ok(()) } else { self.end_incomplete_mcu() }
    }

    /// The last MCU may lack a few bits, and those after it, which then take none, as many.
    #[cold]
    fn end_incomplete_mcu(&mut self) -> Result<(), Corrupt> {
        let missing = self.bits.missing();
        let is_last = missing <= MISSING_MAX && (self.missing == 0 || self.missing == missing);
        self.missing = missing;
        if is_last { Ok(()) } else { Err(Corrupt) }
    }

    /// Reads the DC value of a component's next block, not dequantised.
    #[inline(always)]
    pub(crate) fn dc(&mut self, table: &DcTable, component: usize) -> Result<i32, Corrupt> {
        let value = &mut self.predictions[component];
        // Only damaged data can get beyond 16 bits, and no sum of it beyond what a sample is clamped to.
        *value = value.wrapping_add(table.difference(&mut self.bits)?);
        Ok(*value)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.bits.position(),
            predictions: self.predictions,
            run: self.run,
            until_restart: self.until_restart,
            restarts: self.restarts,
        }
    }
}

impl Checkpoints {
    /// Creates an empty list, for rows of this many MCUs with `distance` MCUs between two checkpoints.
    pub(crate) fn new(mcus_per_row: usize, distance: usize) -> Self {
        Self { distance, per_row: mcus_per_row.div_ceil(distance), list: Zeroizing::default() }
    }

    /// Remembers where MCU `column` of the next row begins, if that is a place to remember.
    #[inline(always)]
    pub(crate) fn pass(&mut self, walk: &Walk<'_>, column: usize) {
        if column.is_multiple_of(self.distance) {
            self.list.push(walk.checkpoint());
        }
    }

    /// Moves a walk to the last remembered MCU of a row that is not after `column`; says which one it is.
    pub(crate) fn resume(&self, walk: &mut Walk<'_>, row: usize, column: usize) -> Result<usize, Corrupt> {
        let place = column / self.distance;
        let checkpoint = self.list.get(row * self.per_row + place).ok_or(Corrupt)?;
        walk.bits.go_to(checkpoint.position);
        walk.predictions = checkpoint.predictions;
        walk.run = checkpoint.run;
        walk.until_restart = checkpoint.until_restart;
        walk.restarts = checkpoint.restarts;
        walk.missing = 0;
        Ok(place * self.distance)
    }
}

/// How a reader finds the MCUs.
pub(crate) enum Places<'a> {
    /// It reads all of them in order, and stores checkpoints.
    Remember(&'a mut Checkpoints),
    /// It resumes at checkpoints.
    Known(&'a Checkpoints),
}

/// Reads the blocks of a sequential file.
pub(crate) struct Reader<'a> {
    walk: Walk<'a>,
    scan: &'a Sequential<'a>,
    components: &'a [Component],
    places: Places<'a>,
    /// The component whose block is being read.
    component: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(scan: &'a Sequential<'a>, components: &'a [Component], places: Places<'a>) -> Self {
        let walk = Walk::new(scan.entropy, scan.restart_interval);
        Self { walk, scan, components, places, component: 0 }
    }

    /// Skips an MCU.
    fn skip_mcu(&mut self) -> Result<(), Corrupt> {
        self.walk.begin_mcu()?;
        let components = self.components;
        for (number, component) in components.iter().enumerate() {
            for _ in 0..component.blocks.0 * component.blocks.1 {
                self.dc(number, (0, 0))?;
                self.skip_ac()?;
            }
        }
        self.end_mcu()
    }
}

impl Blocks for Reader<'_> {
    fn begin_row(&mut self, row: usize, area: &Area) -> Result<(), Corrupt> {
        let Places::Known(checkpoints) = &self.places else { return Ok(()) };
        for _ in checkpoints.resume(&mut self.walk, row, area.columns.start)?..area.columns.start {
            self.skip_mcu()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn begin_mcu(&mut self, column: usize) -> Result<(), Corrupt> {
        if let Places::Remember(checkpoints) = &mut self.places {
            checkpoints.pass(&self.walk, column);
        }
        self.walk.begin_mcu()
    }

    #[inline(always)]
    fn end_mcu(&mut self) -> Result<(), Corrupt> {
        self.walk.end_mcu()
    }

    #[inline(always)]
    fn dc(&mut self, component: usize, _place: (usize, usize)) -> Result<i32, Corrupt> {
        self.component = component;
        self.walk.dc(&self.scan.tables[component].0, component)
    }

    #[inline(always)]
    fn skip_ac(&mut self) -> Result<(), Corrupt> {
        self.scan.tables[self.component].1.skip(&mut self.walk.bits, 63)
    }

    #[inline(always)]
    fn ac<const LAST: usize>(
        &mut self,
        multipliers: &[f32; 80],
        coefficients: &mut Coefficients,
    ) -> Result<bool, Corrupt> {
        let table = &self.scan.tables[self.component].1;
        let mut k = 1;
        while k <= LAST.min(63) {
            match table.next(&mut self.walk.bits)? {
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
        table.skip(&mut self.walk.bits, u32::try_from(left).unwrap_or_default())?;
        Ok(true)
    }
}
