//! Decodes a region of a picture at a scale: only the MCUs that it touches, row by row.
//!
//! Besides the region's pixels only one row of MCUs is in memory. A region is exactly the same region of the whole
//! picture.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::error::Corrupt;
use crate::frame::{Colours, Component, FrameHeader};
use crate::idct::{Coefficients, last_needed, multipliers, sample_1, samples_2, samples_4, samples_8};
use crate::picture::{Picture, Region};
use crate::upsample;

/// The largest distance, in pixels, between a pixel and a colour sample that it depends on.
const REACH: usize = 2;

/// A source of a picture's blocks, MCU by MCU along a row. A block's DC value is read before its other coefficients.
pub(crate) trait Blocks {
    /// Moves to the first MCU of an area in one of its rows.
    fn begin_row(&mut self, row: usize, area: &Area) -> Result<(), Corrupt>;

    fn begin_mcu(&mut self, column: usize) -> Result<(), Corrupt>;

    /// Fails if a part of the MCU was missing.
    fn end_mcu(&mut self) -> Result<(), Corrupt>;

    /// Reads the DC value, not dequantised, of a component's next block, which lies at `place` in its MCU.
    fn dc(&mut self, component: usize, place: (usize, usize)) -> Result<i32, Corrupt>;

    /// Skips the rest of the block.
    fn skip_ac(&mut self) -> Result<(), Corrupt>;

    /// Reads the rest of the block, dequantised, up to the zigzag position `LAST`. Returns whether any coefficient was
    /// not zero.
    fn ac<const LAST: usize>(
        &mut self,
        multipliers: &[f32; 80],
        coefficients: &mut Coefficients,
    ) -> Result<bool, Corrupt>;
}

/// A rectangle of MCUs.
#[derive(Clone)]
pub(crate) struct Area {
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// A picture's size at one scale.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Samples of a block a side: 8 at full scale, 1 at an eighth.
    pub(crate) size: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Scale {
    /// Of a picture with a full size.
    pub(crate) fn new(full: (usize, usize), size: usize) -> Self {
        Self { size, width: (full.0 * size).div_ceil(8), height: (full.1 * size).div_ceil(8) }
    }
}

/// How many MCUs a picture has across and down.
pub(crate) fn mcus(components: &[Component], full: (usize, usize)) -> (usize, usize) {
    let (across, down) = blocks_max(components);
    (full.0.div_ceil(8 * across), full.1.div_ceil(8 * down))
}

/// Blocks of an MCU across and down, of the component that has most.
pub(crate) fn blocks_max(components: &[Component]) -> (usize, usize) {
    let max = |blocks: fn(&Component) -> usize| components.iter().map(blocks).max().unwrap_or(1);
    (max(|c| c.blocks.0), max(|c| c.blocks.1))
}

/// The samples of a component's blocks a side, and whether there are two pixels for each of them across and down.
fn block_size(component: &Component, most: (usize, usize), size: usize) -> (usize, (bool, bool)) {
    let halved = (component.blocks.0 < most.0, component.blocks.1 < most.1);
    // At a half and at a quarter, blocks of subsampled colour can be twice as large instead, which is the
    // better interpolation. At an eighth the DC value must do, so that everything else is passed over.
    let enlarged = halved == (true, true) && (size == 2 || size == 4);
    if enlarged { (size * 2, (false, false)) } else { (size, halved) }
}

/// How many coefficients of each component are needed for blocks of a size.
pub(crate) fn needed(components: &[Component], size: usize) -> [usize; 3] {
    let most = blocks_max(components);
    let needed = |component: &Component| 1 + last_needed(block_size(component, most, size).0);
    std::array::from_fn(|number| components.get(number).map_or(0, needed))
}

/// Decodes a region, in pixels at the scale.
pub(crate) fn decode(
    frame: &FrameHeader<'_>,
    full: (usize, usize),
    scale: Scale,
    region: Region,
    blocks: impl Blocks,
) -> Result<Picture, Corrupt> {
    // Here, what it reads can be kept in registers.
    let mut blocks = blocks;
    let mut decoding = Decoding::new(frame, full, scale, region);
    let mut picture = Picture::new(region.width, region.height);
    for row in decoding.area.rows.clone() {
        blocks.begin_row(row, &decoding.area)?;
        for column in decoding.area.columns.clone() {
            decoding.read_mcu(&mut blocks, column)?;
        }
        decoding.write_rows(row, frame.colours, &mut picture);
    }
    Ok(picture)
}

/// A part of the picture being decoded.
struct Decoding<'a> {
    layers: Vec<Layer<'a>>,
    region: Region,
    /// The MCUs that are decoded.
    area: Area,
    /// Pixels of an MCU across and down.
    mcu: (usize, usize),
    /// One row of each component.
    samples: [Zeroizing<Vec<u8>>; 3],
    blend: Zeroizing<Vec<u16>>,
}

impl<'a> Decoding<'a> {
    fn new(frame: &'a FrameHeader<'_>, full: (usize, usize), scale: Scale, region: Region) -> Self {
        let (across, down) = blocks_max(&frame.components);
        let mcu = (across * scale.size, down * scale.size);
        let span = |first: usize, length: usize, mcu: usize, mcus: usize| {
            first.saturating_sub(REACH) / mcu..(first + length + REACH).div_ceil(mcu).min(mcus)
        };
        let mcus = mcus(&frame.components, full);
        let columns = span(region.left, region.width, mcu.0, mcus.0);
        let rows = span(region.top, region.height, mcu.1, mcus.1);
        let layer = |component| Layer::new(component, full, (across, down), scale.size, &columns);
        Self {
            layers: frame.components.iter().map(layer).collect(),
            region,
            area: Area { columns, rows },
            mcu,
            samples: Default::default(),
            blend: Zeroizing::default(),
        }
    }

    #[inline(always)]
    fn read_mcu(&mut self, blocks: &mut impl Blocks, column: usize) -> Result<(), Corrupt> {
        blocks.begin_mcu(column)?;
        for (layer, number) in self.layers.iter_mut().zip(0..3) {
            let (across, down) = layer.component.blocks;
            for y in 0..down {
                for x in 0..across {
                    let dc = blocks.dc(number, (x, y))?;
                    layer.read_block(blocks, dc, (column - self.area.columns.start) * across + x, y)?;
                }
            }
        }
        blocks.end_mcu()
    }

    /// Writes the pixels whose samples are complete now that a row of MCUs was read: all but the last ones,
    /// whose colour depends on the next row too.
    fn write_rows(&mut self, row: usize, colours: Colours, picture: &mut Picture) {
        let top = row * self.mcu.1;
        let end = self.region.top + self.region.height;
        let last = if row + 1 == self.area.rows.end { end } else { top + self.mcu.1 - 1 };
        let first = if row == self.area.rows.start { top } else { top - 1 };
        let left = self.region.left - self.area.columns.start * self.mcu.0;
        for y in first.max(self.region.top)..last.min(end) {
            for (layer, samples) in self.layers.iter().zip(&mut self.samples) {
                layer.row(y, row, &mut self.blend, samples);
            }
            let rows = self.samples.each_ref().map(|samples| samples.get(left..).unwrap_or_default());
            let stride = self.region.width * 3;
            let to = &mut picture.data_mut()[(y - self.region.top) * stride..][..stride];
            upsample::pixels(colours, rows, to.as_chunks_mut().0);
        }
        self.layers.iter_mut().for_each(Layer::keep_last_row);
    }
}

/// The samples of one component in a row of MCUs.
struct Layer<'a> {
    component: &'a Component,
    multipliers: [f32; 80],
    /// Samples of a block a side.
    size: usize,
    /// Whether there are two pixels for each sample, across and down.
    subsampled: (bool, bool),
    /// Columns of the picture's samples that lie in the decoded columns; what lies beyond them is padding.
    width: usize,
    /// Rows of samples in the whole picture.
    height: usize,
    stride: usize,
    /// The last row of the MCUs above, then all of this row of MCUs.
    samples: Zeroizing<Vec<u8>>,
}

impl<'a> Layer<'a> {
    fn new(
        component: &'a Component,
        full: (usize, usize),
        most: (usize, usize),
        size: usize,
        columns: &Range<usize>,
    ) -> Self {
        let (across, down) = component.blocks;
        let (size, subsampled) = block_size(component, most, size);
        let all = |full: usize, blocks: usize, most: usize| (full * blocks * size).div_ceil(most * 8);
        let stride = columns.len() * across * size;
        let mut padded = [0.0; 80];
        padded[..64].copy_from_slice(&multipliers(&component.quantisation, size));
        Self {
            component,
            multipliers: padded,
            size,
            subsampled,
            width: stride.min(all(full.0, across, most.0) - columns.start * across * size),
            height: all(full.1, down, most.1),
            stride,
            samples: Zeroizing::new(vec![0; stride * (1 + down * size)]),
        }
    }

    /// Reads the rest of a block into column `x` and row `y` of the blocks.
    #[inline(always)]
    fn read_block(&mut self, blocks: &mut impl Blocks, dc: i32, x: usize, y: usize) -> Result<(), Corrupt> {
        #[expect(clippy::cast_precision_loss, reason = "what 24 bits do not hold is damaged")]
        let dc = dc as f32 * self.multipliers[0];
        let at = (1 + y * self.size) * self.stride + x * self.size;
        if self.size == 1 {
            self.samples[at] = sample_1(dc);
            return blocks.skip_ac();
        }
        let mut block = [0.0; 64];
        block[0] = dc;
        let factors = &self.multipliers;
        match self.size {
            2 => {
                blocks.ac::<{ last_needed(2) }>(factors, &mut block)?;
                self.put(at, samples_2(&block));
            }
            4 => {
                blocks.ac::<{ last_needed(4) }>(factors, &mut block)?;
                self.put(at, samples_4(&block));
            }
            _ => {
                let is_even = !blocks.ac::<{ last_needed(8) }>(factors, &mut block)?;
                self.put(at, if is_even { [[sample_1(dc); 8]; 8] } else { samples_8(&block) });
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, block: [[u8; N]; N]) {
        for (row, samples) in self.samples[at..].chunks_mut(self.stride).zip(block) {
            row[..N].copy_from_slice(&samples);
        }
    }

    /// One row of pixels' worth of samples.
    fn row(&self, y: usize, mcu_row: usize, blend: &mut Vec<u16>, samples: &mut Vec<u8>) {
        let above = mcu_row * self.component.blocks.1 * self.size;
        let at = |row: usize| &self.samples[(row + 1 - above) * self.stride..][..self.width];
        let (across, down) = self.subsampled;
        if down {
            let near = y / 2;
            let far =
                if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(self.height - 1) };
            upsample::between_rows(at(near), at(far), blend);
        } else if across {
            upsample::single_row(at(y), blend);
        } else {
            samples.clear();
            samples.extend_from_slice(at(y));
            return;
        }
        if across { upsample::doubled(blend, samples) } else { upsample::plain(blend, samples) }
    }

    fn keep_last_row(&mut self) {
        let start = self.samples.len() - self.stride;
        self.samples.copy_within(start.., 0);
    }
}
