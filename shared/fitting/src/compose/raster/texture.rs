//! Bicubic sampling of an 8-bit image, directly from its bytes.
//!
//! A kernel of 4 × 4 pixels reads twelve neighbouring bytes of four rows. The rows are weighted and added first, in
//! whole numbers and all twelve bytes at once; then the columns. No copy of the image in another format is needed.

use wide::{f32x4, i16x8, i32x4, u8x16};
use zeroize::Zeroize;

use crate::pixels::RgbImage;

/// The cubic kernel's free parameter. -0.75 keeps fine skin texture crisp when a small photo is enlarged; -0.5
/// (Catmull-Rom) is visibly softer at the same points.
const SHARPNESS: f32 = -0.75;

/// Positions are rounded to this part of a pixel. At the steepest possible edge the error is half a level.
const PHASES: usize = 256;

/// Adding it leaves a coordinate of 0..32767 in the lowest bits, counted in [`PHASES`] (2¹⁵ has 2⁻⁸ as its unit in
/// the last place). The sides of images are far smaller.
const FIXED_POINT: f32 = 32_768.0;

/// The bytes of four neighbouring pixels, and their number padded to a whole vector.
const TAPS: usize = 12;
const LANES: usize = 16;

/// The value that stands for 1 in the weights of the rows, which are whole numbers.
const ONE: f32 = 16_384.0;

/// The number of pixels sampled together.
const BATCH: usize = 16;

/// The weights of the four columns, by phase.
static COLUMNS: [[f32; 4]; PHASES] = column_weights();
/// The weights of the four rows, by phase, in parts of [`ONE`]. The first vector alternates the weights of two rows,
/// the second those of the other two.
static ROWS: [[[i16; 8]; 2]; PHASES] = row_weights();

/// Samples an image between its pixels.
#[derive(Clone, Copy)]
pub(crate) struct Texture<'a> {
    width: usize,
    height: usize,
    data: &'a [u8],
    right: f32,
    bottom: f32,
}

impl<'a> Texture<'a> {
    pub(crate) fn of(image: &'a RgbImage) -> Self {
        let (width, height) = (image.width(), image.height());
        let (right, bottom) = ((width - 1) as f32, (height - 1) as f32);
        Self { width, height, data: image.data(), right, bottom }
    }

    /// Writes red, green and blue (0..255) at the positions `xs`, `ys`. Outside the image the nearest border pixel
    /// counts. All five rows must have the same length.
    pub(crate) fn sample_row(&self, xs: &[f32], ys: &[f32], [red, green, blue]: [&mut [f32]; 3]) {
        let mut sums = [[0.0; LANES]; BATCH];
        let mut columns = [0; BATCH];
        let mut pixels = [[0.0; 4]; BATCH];
        let positions = xs.chunks(BATCH).zip(ys.chunks(BATCH));
        let colours = red.chunks_mut(BATCH).zip(green.chunks_mut(BATCH)).zip(blue.chunks_mut(BATCH));
        for ((xs, ys), ((red, green), blue)) in positions.zip(colours) {
            // Each stage runs over a whole batch, so that the compiler turns each loop into vector code.
            for (((&x, &y), sums), phase) in xs.iter().zip(ys).zip(&mut sums).zip(&mut columns) {
                *phase = self.sum_rows(x, y, sums);
            }
            for ((pixel, sums), &phase) in pixels.iter_mut().zip(&sums).zip(&columns) {
                *pixel = sum_columns(sums, phase);
            }
            for (((pixel, r), g), b) in pixels.iter().zip(red).zip(green).zip(blue) {
                [*r, *g, *b, _] = *pixel;
            }
        }
        sums.iter_mut().for_each(|sums| sums.as_mut_slice().zeroize());
        pixels.iter_mut().for_each(|pixel| pixel.as_mut_slice().zeroize());
    }

    /// Returns red, green and blue at one position.
    pub(crate) fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let mut sums = [0.0; LANES];
        let phase = self.sum_rows(x, y, &mut sums);
        let [r, g, b, _] = sum_columns(&sums, phase);
        [r, g, b]
    }

    /// Adds the four rows of the kernel at (x, y), each with its weight, and returns the phase of the columns.
    #[inline]
    fn sum_rows(&self, x: f32, y: f32, sums: &mut [f32; LANES]) -> usize {
        let (column, across) = split(x, self.right);
        let (line, down) = split(y, self.bottom);
        // The kernel begins one pixel before the position, and must end within the image.
        let (left, top) = (column.wrapping_sub(1), line.wrapping_sub(1));
        let stride = self.width * 3;
        let start = top.wrapping_mul(stride).wrapping_add(left.wrapping_mul(3));
        let end = start.wrapping_add(3 * stride + LANES);
        let inside = left < self.width.saturating_sub(3) && top < self.height.saturating_sub(3);
        match self.data.get(start..end) {
            Some(rows) if inside => sum_four_rows(rows, stride, &ROWS[down], sums),
            _ => self.sum_rows_at_border(column, line, &ROWS[down], sums),
        }
        across
    }

    /// As [`Self::sum_rows`], where the kernel, or the vector that holds a row of it, reaches beyond the image.
    #[cold]
    fn sum_rows_at_border(
        &self,
        column: usize,
        line: usize,
        [upper, lower]: &[[i16; 8]; 2],
        sums: &mut [f32; LANES],
    ) {
        let weights = [upper[0], upper[1], lower[0], lower[1]];
        let within = |at: usize, size: usize| at.saturating_sub(1).min(size - 1);
        for (i, sums) in sums[..TAPS].as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let x = within(column + i, self.width);
            for (k, sum) in sums.iter_mut().enumerate() {
                let weighted = (0..).zip(weights).map(|(j, weight)| {
                    let y = within(line + j, self.height);
                    f32::from(self.data[(y * self.width + x) * 3 + k]) * f32::from(weight)
                });
                // Sums of whole numbers below 2²⁴ are exact.
                *sum = weighted.sum();
            }
        }
    }
}

/// Writes the weighted sum of four rows, `stride` bytes apart, of sixteen bytes each; only the first twelve are used.
#[inline]
fn sum_four_rows(rows: &[u8], stride: usize, weights: &[[i16; 8]; 2], sums: &mut [f32; LANES]) {
    let row =
        |j: usize| rows[j * stride..].first_chunk::<LANES>().map_or(u8x16::ZERO, |row| u8x16::from(*row));
    let [upper, lower] = weights.map(i16x8::from);
    let (upper, lower) = (sum_two_rows(row(0), row(1), upper), sum_two_rows(row(2), row(3), lower));
    for ((sums, upper), lower) in sums.as_chunks_mut::<4>().0.iter_mut().zip(upper).zip(lower) {
        *sums = f32x4::from_i32x4(upper + lower).to_array();
    }
}

#[inline]
fn sum_two_rows(a: u8x16, b: u8x16, weights: i16x8) -> [i32x4; 3] {
    let (first, last) = (u8x16::unpack_low(a, b), u8x16::unpack_high(a, b));
    let pairs = [i16x8::from_u8x16_low(first), i16x8::from_u8x16_high(first), i16x8::from_u8x16_low(last)];
    pairs.map(|pairs| pairs.dot(weights))
}

/// Returns the whole part of a coordinate, clamped to 0..`last`, and its phase.
#[inline]
fn split(coordinate: f32, last: f32) -> (usize, usize) {
    // In this order, NaN becomes 0.
    let clamped = coordinate.max(0.0).min(last);
    let fixed = ((clamped + FIXED_POINT).to_bits() & 0x007F_FFFF) as usize;
    (fixed / PHASES, fixed % PHASES)
}

/// Returns the weighted sum of four columns of three colours each; the fourth value is unused.
#[inline]
fn sum_columns(sums: &[f32; LANES], phase: usize) -> [f32; 4] {
    let [wa, wb, wc, wd] = COLUMNS[phase].map(f32x4::splat);
    let from = |k: usize| f32x4::from([sums[k], sums[k + 1], sums[k + 2], sums[k + 3]]);
    ((from(0) * wa + from(3) * wb) + (from(6) * wc + from(9) * wd)).to_array()
}

/// Returns the weights of the samples at -1, 0, 1 and 2 for a point at `t`, by Keys' cubic convolution (1981).
const fn weights(t: f32) -> [f32; 4] {
    let (a, u) = (SHARPNESS, 1.0 - t);
    let (before, beyond) = (a * t * u * u, a * t * t * u);
    let at = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    [before, at, 1.0 - before - at - beyond, beyond]
}

/// Builds the weights of the columns, divided by [`ONE`] because those of the rows are multiplied by it.
const fn column_weights() -> [[f32; 4]; PHASES] {
    let mut table = [[0.0; 4]; PHASES];
    let mut phase = 0;
    while phase < PHASES {
        let [a, b, c, d] = weights(phase as f32 / PHASES as f32);
        table[phase] = [a / ONE, b / ONE, c / ONE, d / ONE];
        phase += 1;
    }
    table
}

/// Builds the weights of the rows, rounded so that they add up to [`ONE`]: an even surface keeps its exact value.
#[expect(clippy::cast_possible_truncation, reason = "weights are at most one")]
const fn row_weights() -> [[[i16; 8]; 2]; PHASES] {
    let mut table = [[[0; 8]; 2]; PHASES];
    let mut phase = 0;
    while phase < PHASES {
        let [a, b, _, d] = weights(phase as f32 / PHASES as f32);
        let (a, b, d) = ((a * ONE) as i16, (b * ONE) as i16, (d * ONE) as i16);
        let c = ONE as i16 - a - b - d;
        table[phase] = [[a, b, a, b, a, b, a, b], [c, d, c, d, c, d, c, d]];
        phase += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> RgbImage {
        let mut image = RgbImage::new(20, 10);
        for y in 0..10_u8 {
            for x in 0..20_u8 {
                image.set_pixel(x.into(), y.into(), [x * 10, y * 20, 7]);
            }
        }
        image
    }

    #[test]
    fn sampling_at_a_pixel_gives_that_pixel() {
        let ramp = ramp();
        let texture = Texture::of(&ramp);
        assert_eq!(texture.sample(5.0, 3.0), [50.0, 60.0, 7.0]);
        assert_eq!(texture.sample(19.0, 9.0), [190.0, 180.0, 7.0]);
        assert_eq!(texture.sample(0.0, 0.0), [0.0, 0.0, 7.0]);
    }

    #[test]
    fn a_ramp_stays_nearly_a_ramp_between_the_pixels() {
        let ramp = ramp();
        let texture = Texture::of(&ramp);
        for i in 0..40 {
            let x = 6.0 + i as f32 * 0.2;
            let [r, g, b] = texture.sample(x, 4.5);
            // With a sharpness other than -0.5 the kernel reproduces linear functions to within 0.05 steps.
            assert!((r - x * 10.0).abs() < 0.5 && (g - 90.0).abs() < 0.5 && (b - 7.0).abs() < 1e-4);
        }
    }

    #[test]
    fn the_border_path_gives_the_same_colours() {
        let ramp = ramp();
        let texture = Texture::of(&ramp);
        for (x, y) in [(5.3, 3.6), (1.0, 1.0), (16.99, 6.01)] {
            let mut sums = [[0.0; LANES]; 2];
            texture.sum_rows(x, y, &mut sums[0]);
            let ((column, _), (line, down)) = (split(x, 19.0), split(y, 9.0));
            texture.sum_rows_at_border(column, line, &ROWS[down], &mut sums[1]);
            assert_eq!(sums[0][..TAPS], sums[1][..TAPS]);
        }
    }

    #[test]
    fn a_sampled_row_equals_its_single_samples() {
        let ramp = ramp();
        let texture = Texture::of(&ramp);
        let (xs, ys): (Vec<f32>, Vec<f32>) = (0..37).map(|i| (i as f32 * 0.61 - 1.0, i as f32 * 0.3)).unzip();
        let mut colours = [(); 3].map(|()| vec![0.0; 37]);
        texture.sample_row(&xs, &ys, colours.each_mut().map(Vec::as_mut_slice));
        for (i, (&x, &y)) in xs.iter().zip(&ys).enumerate() {
            assert_eq!(colours.each_ref().map(|c| c[i]), texture.sample(x, y));
        }
    }

    #[test]
    fn outside_the_image_the_border_pixel_counts() {
        let ramp = ramp();
        let texture = Texture::of(&ramp);
        assert_eq!(texture.sample(-30.0, 4.0), texture.sample(0.0, 4.0));
        assert_eq!(texture.sample(4.0, 99.0), texture.sample(4.0, 9.0));
        assert!(texture.sample(f32::NAN, 0.0).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn the_smallest_images_can_be_sampled() {
        for size in 1..5 {
            let image = RgbImage::from_raw(size, size, vec![9; size * size * 3]).unwrap();
            assert_eq!(Texture::of(&image).sample(0.7, 2.2), [9.0; 3]);
        }
    }
}
