//! The part of each row that has to be processed.

use std::ops::Range;

use crate::compose::raster::grid::Grid;
use crate::compose::raster::plane::Plane;

/// Returns the columns of each fine row that the coarse `share` touches.
pub(crate) fn touched_columns(share: &Plane, grid: &Grid) -> Vec<Range<usize>> {
    let coarse: Vec<_> = share
        .rows()
        .map(|row| {
            let first = row.iter().position(|&a| a > 0.0)?;
            let last = row.iter().rposition(|&a| a > 0.0)?;
            Some((first, last))
        })
        .collect();
    (0..grid.fine_height())
        .map(|y| {
            // Interpolation reaches half a block beyond a sample's own block, on either side.
            let block = y / grid.step;
            let rows = &coarse[block.saturating_sub(1)..(block + 2).min(coarse.len())];
            let first = rows.iter().flatten().map(|&(first, _)| first).min();
            let last = rows.iter().flatten().map(|&(_, last)| last).max();
            match (first, last) {
                (Some(first), Some(last)) => {
                    first.saturating_sub(1) * grid.step..((last + 2) * grid.step).min(grid.fine_width())
                }
                _ => 0..0,
            }
        })
        .collect()
}
