//! A rectangle of whole pixels.

/// A part of the upright photo, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first column.
    pub left: usize,
    /// The first row.
    pub top: usize,
    /// How many columns.
    pub width: usize,
    /// How many rows.
    pub height: usize,
}

impl Region {
    /// The same region in a picture `from / to` times as large, which has `size`: all pixels that the region touches.
    pub(crate) fn rescaled(self, from: usize, to: usize, size: (usize, usize)) -> Self {
        let span = |first: usize, length: usize, size: usize| {
            let start = (first * from / to).min(size - 1);
            (start, ((first + length) * from).div_ceil(to).clamp(start + 1, size) - start)
        };
        let ((left, width), (top, height)) =
            (span(self.left, self.width, size.0), span(self.top, self.height, size.1));
        Self { left, top, width, height }
    }
}
