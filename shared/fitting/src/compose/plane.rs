//! A plane of `f32` samples, and the one way to a coarser raster and back.
//!
//! A coarse sample stands for a block of `step` × `step` fine ones and sits at the block's centre, that is
//! at `step · i + (step - 1) / 2` in fine coordinates; the border is continued by its last sample. Planes
//! hold pieces of a user's face and are wiped on drop.

use zeroize::Zeroize;

/// Samples row by row, top row first; integer coordinates are sample centres.
#[derive(Clone)]
pub(super) struct Plane {
    width: usize,
    height: usize,
    data: Vec<f32>,
}

impl Plane {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0.0; width * height] }
    }

    /// Each sample computed from its column and row.
    pub(super) fn from_fn(width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let mut plane = Self::new(width, height);
        for (y, row) in plane.rows_mut().enumerate() {
            for (x, v) in row.iter_mut().enumerate() {
                *v = value(x, y);
            }
        }
        plane
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    pub(super) fn data(&self) -> &[f32] {
        &self.data
    }

    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.data[y * self.width..][..self.width]
    }

    pub(super) fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.data[y * self.width..][..self.width]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.width)
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.data.chunks_exact_mut(self.width)
    }

    /// The same plane with `f` applied to every sample.
    pub(super) fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    /// The same plane with `f` applied to every pair of its sample and the other's.
    pub(super) fn zip(mut self, other: &Self, f: impl Fn(f32, f32) -> f32) -> Self {
        self.data.iter_mut().zip(&other.data).for_each(|(v, &o)| *v = f(*v, o));
        self
    }

    /// The means of blocks of `step` × `step` samples; blocks that cross the border are cut there.
    pub(super) fn reduced(&self, step: usize) -> Self {
        let (width, height) = (self.width.div_ceil(step), self.height.div_ceil(step));
        let mut coarse = Self::new(width, height);
        for (y, sums) in coarse.rows_mut().enumerate() {
            let rows = step.min(self.height - y * step);
            for fine_y in y * step..y * step + rows {
                for (sum, block) in sums.iter_mut().zip(self.row(fine_y).chunks(step)) {
                    *sum += block.iter().sum::<f32>() / block.len() as f32;
                }
            }
            sums.iter_mut().for_each(|sum| *sum /= rows as f32);
        }
        coarse
    }

    /// Bilinear interpolation back to `width` × `height` fine samples.
    pub(super) fn enlarged(&self, step: usize, width: usize, height: usize) -> Self {
        let mut fine = Self::new(width, height);
        let mut upsampler = Upsampler::new(step, self.width);
        for (y, row) in fine.rows_mut().enumerate() {
            upsampler.row(self, y, 0, row);
        }
        fine
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// Interpolates single rows of a coarse plane onto the fine raster.
pub(super) struct Upsampler {
    step: usize,
    blended: Vec<f32>,
}

impl Upsampler {
    pub(super) fn new(step: usize, coarse_width: usize) -> Self {
        Self { step, blended: vec![0.0; coarse_width] }
    }

    /// Fills `out` with the fine samples of row `fine_y` from column `fine_x` on.
    pub(super) fn row(&mut self, coarse: &Plane, fine_y: usize, fine_x: usize, out: &mut [f32]) {
        let (above, t) = position(fine_y, self.step, coarse.height);
        let (upper, lower) = (coarse.row(above), coarse.row((above + 1).min(coarse.height - 1)));
        for ((v, &a), &b) in self.blended.iter_mut().zip(upper).zip(lower) {
            *v = a + (b - a) * t;
        }
        if self.step == 1 {
            let available = out.len().min(self.blended.len().saturating_sub(fine_x));
            out[..available].copy_from_slice(&self.blended[fine_x..fine_x + available]);
            out[available..].fill(self.blended[self.blended.len() - 1]);
            return;
        }
        let last = self.blended.len() - 1;
        let mut x = 0;
        while x < out.len() {
            // All fine samples between two coarse centres share one slope.
            let (left, t) = position(fine_x + x, self.step, last + 1);
            let run = run_length(fine_x + x, self.step, left, last).min(out.len() - x);
            let (a, b) = (self.blended[left], self.blended[(left + 1).min(last)]);
            let before_first = 2 * (fine_x + x) < self.step - 1;
            let slope = if before_first { 0.0 } else { (b - a) / self.step as f32 };
            let start = a + (b - a) * t;
            for (i, v) in out[x..x + run].iter_mut().enumerate() {
                *v = start + slope * i as f32;
            }
            x += run;
        }
    }
}

/// The coarse sample at or before a fine coordinate, and how far beyond it lies (0 to below 1).
fn position(fine: usize, step: usize, coarse_len: usize) -> (usize, f32) {
    // In half fine samples, so that the centre of an even block is a whole number.
    let doubled = 2 * fine;
    if doubled < step {
        return (0, 0.0);
    }
    let offset = doubled - (step - 1);
    let index = offset / (2 * step);
    if index + 1 >= coarse_len {
        return (coarse_len - 1, 0.0);
    }
    (index, (offset % (2 * step)) as f32 / (2 * step) as f32)
}

/// How many fine samples from `fine` on lie before the next coarse centre.
fn run_length(fine: usize, step: usize, left: usize, last: usize) -> usize {
    if 2 * fine < step - 1 {
        return (step - 1 - 2 * fine).div_ceil(2);
    }
    if left == last {
        return usize::MAX;
    }
    let next_doubled = 2 * step * (left + 1) + step - 1;
    (next_doubled - 2 * fine).div_ceil(2)
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
    fn a_row_from_the_middle_equals_that_part_of_the_whole_row() {
        let coarse = Plane::from_fn(7, 5, |x, y| ((x * 31 + y * 17) % 11) as f32);
        for step in [1, 2, 3, 4] {
            let whole = coarse.enlarged(step, 7 * step, 5 * step);
            let mut upsampler = Upsampler::new(step, 7);
            let mut part = vec![0.0; 3 * step];
            for y in 0..5 * step {
                upsampler.row(&coarse, y, 2 * step - 1, &mut part);
                for (got, expected) in part.iter().zip(&whole.row(y)[2 * step - 1..]) {
                    assert!((got - expected).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn reducing_keeps_the_mean_of_whole_blocks() {
        let plane = Plane::from_fn(4, 2, |x, y| (x + 10 * y) as f32);
        assert_eq!(plane.reduced(2).data(), [5.5, 7.5]);
    }
}
