//! A plane of `f32` samples, its reduction to a coarser raster, and the interpolation back.
//!
//! A coarse sample stands for a block of `step` × `step` fine ones. It lies at the block's centre, which is
//! `step · i + (step - 1) / 2` in fine coordinates. Beyond the border the last sample is repeated. Planes hold parts of a
//! user's face and are wiped on drop.

use std::ops::Range;

use zeroize::Zeroize;

/// One value for each sample, row by row, top row first; integer coordinates are sample centres.
#[derive(Clone)]
pub(crate) struct Plane {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0.0; width * height] }
    }

    /// Computes each sample from its column and row.
    pub(crate) fn from_fn(width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let mut plane = Self::new(width, height);
        for (y, row) in plane.rows_mut().enumerate() {
            for (x, v) in row.iter_mut().enumerate() {
                *v = value(x, y);
            }
        }
        plane
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn data(&self) -> &[f32] {
        &self.data
    }

    pub(crate) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..][..self.width]
    }

    pub(crate) fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.data[y * self.width..][..self.width]
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.width)
    }

    pub(crate) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.data.chunks_exact_mut(self.width)
    }

    /// Returns the first `N` rows as separate mutable slices; rows that the plane lacks are empty.
    pub(crate) fn split<const N: usize>(&mut self) -> [&mut [f32]; N] {
        let mut rows = self.data.chunks_exact_mut(self.width);
        std::array::from_fn(|_| rows.next().unwrap_or_default())
    }

    /// Applies `f` to every sample.
    pub(crate) fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    /// Applies `f` to every pair of its sample and the other plane's.
    pub(crate) fn zip(mut self, other: &Self, f: impl Fn(f32, f32) -> f32) -> Self {
        self.data.iter_mut().zip(&other.data).for_each(|(v, &o)| *v = f(*v, o));
        self
    }

    /// Copies the rectangle of `width` × `height` samples that begins at (left, top); it must lie inside.
    pub(crate) fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let mut part = Self::new(width, height);
        for (to, from) in part.rows_mut().zip(self.rows().skip(top)) {
            to.copy_from_slice(&from[left..left + width]);
        }
        part
    }

    /// Returns the means of blocks of `step` × `step` samples; blocks that cross the border are cut there.
    pub(crate) fn reduced(&self, step: usize) -> Self {
        let (width, height) = (self.width.div_ceil(step), self.height.div_ceil(step));
        let mut coarse = Self::new(width, height);
        let mut line = vec![0.0; self.width];
        for (y, means) in coarse.rows_mut().enumerate() {
            let rows = y * step..((y + 1) * step).min(self.height);
            let share = 1.0 / rows.len() as f32;
            line.copy_from_slice(self.row(rows.start));
            for fine_y in rows.skip(1) {
                line.iter_mut().zip(self.row(fine_y)).for_each(|(sum, &v)| *sum += v);
            }
            match step {
                1 => means.copy_from_slice(&line),
                2 => block_means::<2>(&line, share, means),
                3 => block_means::<3>(&line, share, means),
                4 => block_means::<4>(&line, share, means),
                _ => {
                    for (mean, block) in means.iter_mut().zip(line.chunks(step)) {
                        *mean = block.iter().sum::<f32>() / block.len() as f32 * share;
                    }
                }
            }
        }
        coarse
    }

    /// Interpolates bilinearly to `width` × `height` fine samples.
    pub(crate) fn enlarged(&self, step: usize, width: usize, height: usize) -> Self {
        let mut fine = Self::new(width, height);
        let mut upsampler = Upsampler::new(step, self.width);
        for (y, row) in fine.rows_mut().enumerate() {
            upsampler.row(self, y, 0..width, row);
        }
        fine
    }
}

/// Writes the means of blocks of `S` samples, times `share`; the last block may be shorter.
fn block_means<const S: usize>(line: &[f32], share: f32, means: &mut [f32]) {
    let (blocks, rest) = line.as_chunks::<S>();
    for (mean, block) in means.iter_mut().zip(blocks) {
        *mean = block.iter().sum::<f32>() * (share / S as f32);
    }
    if let (Some(last), false) = (means.last_mut(), rest.is_empty()) {
        *last = rest.iter().sum::<f32>() / rest.len() as f32 * share;
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // As a slice, because a vector would be wiped sample by sample.
        self.data.as_mut_slice().zeroize();
    }
}

/// Interpolates single rows of a coarse plane onto the fine raster.
pub(crate) struct Upsampler {
    step: usize,
    blended: Vec<f32>,
}

impl Upsampler {
    pub(crate) fn new(step: usize, coarse_width: usize) -> Self {
        Self { step, blended: vec![0.0; coarse_width] }
    }

    /// Fills the columns `span` of `out`, a whole fine row. Its other samples may change as well.
    pub(crate) fn row(&mut self, coarse: &Plane, fine_y: usize, span: Range<usize>, out: &mut [f32]) {
        let (step, last) = (self.step, coarse.width - 1);
        // Coarse sample i lies at step · i + (step - 1) / 2. `step` fine samples lie between it and the next one.
        let first = (span.start.saturating_sub(step / 2) / step).min(last);
        let end = (span.end.saturating_sub(step / 2).div_ceil(step) + 1).min(last + 1);
        let (above, t) = self.line(fine_y, coarse.height);
        let upper = &coarse.row(above)[first..end];
        let lower = &coarse.row((above + 1).min(coarse.height - 1))[first..end];
        let blended = &mut self.blended[first..end];
        for ((v, &a), &b) in blended.iter_mut().zip(upper).zip(lower) {
            *v = a + (b - a) * t;
        }
        let start = (step * first + step / 2).min(out.len());
        if first == 0 {
            out[..start].fill(blended[0]);
        }
        let out = &mut out[start..];
        match step {
            0..=4 => expand::<4>(blended, step, out),
            5..=8 => expand::<8>(blended, step, out),
            9..=16 => expand::<16>(blended, step, out),
            _ => expand::<1>(blended, step, out),
        }
        let (filled, rest) = out.split_at_mut((step * (blended.len() - 1)).min(out.len()));
        debug_assert!(filled.len() + rest.len() >= span.end.saturating_sub(start));
        if end == last + 1 {
            rest.fill(blended[blended.len() - 1]);
        }
    }

    /// Returns the coarse row at or above a fine one, and how far below it the fine one lies (0 to below 1).
    fn line(&self, fine_y: usize, coarse_height: usize) -> (usize, f32) {
        // Counted in half samples, so that the centre of an even block is a whole number.
        let Some(offset) = (2 * fine_y).checked_sub(self.step - 1) else { return (0, 0.0) };
        let period = 2 * self.step;
        let above = offset / period;
        if above + 1 >= coarse_height {
            return (coarse_height - 1, 0.0);
        }
        (above, (offset % period) as f32 / period as f32)
    }
}

/// Fills the `step` fine samples from each coarse one up to the next. `LANES` are written at once where there is
/// room, which is faster than writing `step`; later samples overwrite the surplus.
fn expand<const LANES: usize>(coarse: &[f32], step: usize, out: &mut [f32]) {
    let share = 1.0 / step as f32;
    // The centre of an even block lies half a sample before the first fine sample after it.
    let offset = if step.is_multiple_of(2) { 0.5 } else { 0.0 };
    for (k, pair) in coarse.windows(2).enumerate() {
        let slope = (pair[1] - pair[0]) * share;
        let start = pair[0] + offset * slope;
        let rest = out.get_mut(k * step..).unwrap_or_default();
        if let (Some(lanes), true) = (rest.first_chunk_mut::<LANES>(), LANES >= step) {
            ramp(start, slope, lanes);
        } else {
            let whole = step.min(rest.len());
            ramp(start, slope, &mut rest[..whole]);
        }
    }
}

/// Fills `out` with equidistant values.
#[inline]
fn ramp(start: f32, slope: f32, out: &mut [f32]) {
    for (i, v) in out.iter_mut().enumerate() {
        *v = start + slope * i as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_a_reduced_ramp_gives_the_ramp_away_from_the_border() {
        for step in [1, 2, 3, 4, 5] {
            let ramp = Plane::from_fn(60, 40, |x, y| x as f32 + 2.0 * y as f32);
            let back = ramp.reduced(step).enlarged(step, 60, 40);
            for y in step..40 - 2 * step {
                for x in step..60 - 2 * step {
                    let (expected, got) = (ramp.row(y)[x], back.row(y)[x]);
                    assert!((expected - got).abs() < 1e-3, "step {step} at {x},{y}: {expected} {got}");
                }
            }
        }
    }

    #[test]
    fn a_span_of_a_row_equals_that_part_of_the_whole_row() {
        let coarse = Plane::from_fn(7, 5, |x, y| ((x * 31 + y * 17) % 11) as f32);
        for step in [1, 2, 3, 4, 7] {
            let width = 7 * step - step / 2;
            let whole = coarse.enlarged(step, width, 5 * step);
            for span in [0..1, 2 * step - 1..4 * step + 1, width - 1..width, 3..3] {
                let mut row = vec![f32::NAN; width];
                Upsampler::new(step, 7).row(&coarse, 2 * step, span.clone(), &mut row);
                assert_eq!(row[span.clone()], whole.row(2 * step)[span.clone()], "step {step}, {span:?}");
            }
        }
    }

    #[test]
    fn the_last_sample_is_repeated_beyond_the_border() {
        let coarse = Plane::from_fn(2, 1, |x, _| x as f32);
        assert_eq!(coarse.enlarged(3, 6, 1).data(), [0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0]);
        assert_eq!(coarse.enlarged(2, 4, 1).data(), [0.0, 0.25, 0.75, 1.0]);
    }

    #[test]
    fn reducing_keeps_the_mean_of_whole_blocks() {
        let plane = Plane::from_fn(4, 2, |x, y| (x + 10 * y) as f32);
        assert_eq!(plane.reduced(2).data(), [5.5, 7.5]);
    }
}
