//! Coefficients that are put together scan by scan.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::frame::Component;
use crate::region::Area;

/// The coefficients of a component's blocks in an area.
pub(crate) struct CoefficientPlane {
    /// So many of each block are kept, in zigzag order.
    kept: usize,
    /// Where the blocks lie among the component's.
    columns: Range<usize>,
    top: usize,
    coefficients: Zeroizing<Vec<i16>>,
    /// For each block, a bit for each coefficient after the first that is not zero.
    known: Zeroizing<Vec<u64>>,
}

impl CoefficientPlane {
    /// All of them zero.
    pub(crate) fn new(component: &Component, area: &Area, kept: usize) -> Self {
        let (across, down) = component.blocks;
        let columns = area.columns.start * across..area.columns.end * across;
        let count = columns.len() * area.rows.len() * down;
        Self {
            kept,
            columns,
            top: area.rows.start * down,
            coefficients: Zeroizing::new(vec![0; count * kept]),
            known: Zeroizing::new(vec![0; count]),
        }
    }

    /// Where the block in a column and row of the component's lies here.
    #[inline(always)]
    pub(crate) fn place(&self, x: usize, y: usize) -> usize {
        (y - self.top) * self.columns.len() + x - self.columns.start
    }

    /// What is kept of a block.
    #[inline(always)]
    pub(crate) fn block(&self, place: usize) -> &[i16] {
        &self.coefficients[place * self.kept..][..self.kept]
    }

    /// As [`Self::block`] and [`Self::known`], by column and row.
    #[inline(always)]
    pub(crate) fn block_mut(&mut self, x: usize, y: usize) -> (&mut [i16], &mut u64) {
        let place = self.place(x, y);
        (&mut self.coefficients[place * self.kept..][..self.kept], &mut self.known[place])
    }

    /// A bit for each coefficient of a block after the first that is not zero.
    #[inline(always)]
    pub(crate) fn known(&self, place: usize) -> u64 {
        self.known[place]
    }
}
