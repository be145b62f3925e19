//! Stores the coefficients of a progressive file while its scans are read.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::frame::Component;
use crate::region::Area;

/// The coefficients of a component's blocks in an area.
pub(crate) struct CoefficientPlane {
    /// The number of coefficients kept of each block, in zigzag order.
    kept: usize,
    /// The area's columns of blocks, and its first row, in the component.
    columns: Range<usize>,
    top: usize,
    coefficients: Zeroizing<Vec<i16>>,
    /// One bit for each AC coefficient of each block: whether it is not zero.
    known: Zeroizing<Vec<u64>>,
}

impl CoefficientPlane {
    /// Creates an area of zeros.
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

    /// Returns the index of the block in a column and row of the component.
    #[inline(always)]
    pub(crate) fn place(&self, x: usize, y: usize) -> usize {
        (y - self.top) * self.columns.len() + x - self.columns.start
    }

    /// Returns the coefficients that are kept of a block.
    #[inline(always)]
    pub(crate) fn block(&self, place: usize) -> &[i16] {
        &self.coefficients[place * self.kept..][..self.kept]
    }

    /// Returns the coefficients and the bits of a block, by column and row.
    #[inline(always)]
    pub(crate) fn block_mut(&mut self, x: usize, y: usize) -> (&mut [i16], &mut u64) {
        let place = self.place(x, y);
        (&mut self.coefficients[place * self.kept..][..self.kept], &mut self.known[place])
    }

    /// Returns one bit for each AC coefficient of a block: whether it is not zero.
    #[inline(always)]
    pub(crate) fn known(&self, place: usize) -> u64 {
        self.known[place]
    }
}
