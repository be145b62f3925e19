//! The template's grain: film grain, sensor noise or canvas that its skin has and the fitted face lacks.
//!
//! Grain is the luma's high-pass, in 8-bit levels. Its strength is the robust deviation on the cheeks. Where the
//! texture of the template's skin is nothing but grain, the template's own grain is laid over the face, so that the
//! weave of a canvas continues without a seam. Where the texture has structure (wrinkles, glasses, features), noise
//! is used instead. The noise is a hash of the pixel's position, so that the same pixel gets the same grain on every
//! run.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::compose::face::skin::quantile;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::grid::{Grid, index};
use crate::compose::raster::plane::Plane;
use crate::compose::raster::spans::touched_columns;
use crate::pixels::RgbImage;

/// The width (σ) of the high-pass, in pixels: what is finer counts as grain.
const HIGH_PASS_SIGMA: f32 = 1.2;
/// White noise loses a tenth in that high-pass, and encoding removes more of it than of real texture.
const NOISE_COMPENSATION: f32 = 1.25;
/// Missing grain below the minimum is not visible. What exceeds the maximum is not grain but texture.
const LEVEL_MIN: f32 = 0.3;
const LEVEL_MAX: f32 = 6.0;
/// Fewer pixels than this are not enough for a measurement.
const PIXELS_MIN: usize = 300;
/// Texture begins to count as structure when its local deviation exceeds the cheeks' by this factor.
const STRUCTURE: f32 = 1.5;
/// It counts fully as structure when the factor is larger by this.
const STRUCTURE_RANGE: f32 = 0.4;
/// The width (σ) of the neighbourhood that decides on structure, in coarse samples: narrower than the rim of a pair
/// of glasses.
const NEIGHBOURHOOD: f32 = 2.0;
/// Single pixels count up to this many deviations: a speck is not grain.
const OUTLIER: f32 = 3.0;
/// The median of absolute values, times this, is the standard deviation of a Gaussian.
const MEDIAN_TO_SIGMA: f32 = 1.4826;

/// Quantised texture has this many steps for each deviation.
const TEXTURE_STEPS: f32 = 42.0;
/// The face's own grain is measured on strips of this many fine rows.
const STRIP: usize = 16;
/// A strip begins every so many coarse rows. Two or three strips cross the cheeks, and the smallest template leaves
/// enough pixels even when half of its cheeks are covered.
const STRIP_PERIOD: usize = 30;
/// The high-pass reads this many rows and columns around a pixel.
const STRIP_MARGIN: usize = 4;

/// A template's grain.
pub(crate) struct Grain {
    /// Robust deviation on the cheeks, in levels; 0 where too little skin was measured.
    pub(crate) deviation: f32,
    /// The high-pass of the luma, in [`TEXTURE_STEPS`] of the deviation, on the fine raster of the grid on which it
    /// was measured. `origin` is where that raster begins in the picture, `size` its width and height.
    texture: Vec<i8>,
    origin: [usize; 2],
    size: [usize; 2],
}

impl Grain {
    /// Measures the grain of the picture on a grid; the skin lies where the coarse `patch` is above one half. Also
    /// returns where the texture is nothing but grain, 0..1 on the coarse raster. Texture in `features` (0..1) never
    /// counts as grain.
    pub(crate) fn measure(picture: &RgbImage, patch: &Plane, features: &Plane, grid: &Grid) -> (Self, Plane) {
        let texture = high_pass(&luma(picture, grid));
        let deviation = deviation(&texture, patch, grid).unwrap_or(0.0);
        let power = gaussian(&texture.clone().map(|v| v * v).reduced(grid.step), NEIGHBOURHOOD);
        let limit = (STRUCTURE + STRUCTURE_RANGE) * deviation;
        let range = (STRUCTURE_RANGE * deviation).max(1e-6);
        let grain_only = power
            .map(|p| ((limit - p.sqrt()) / range).clamp(0.0, 1.0))
            .zip(features, |grain_only, feature| grain_only * (1.0 - feature));
        let scale = TEXTURE_STEPS / deviation.max(1e-6);
        let texture = texture.data().iter().map(|v| steps(v * scale)).collect();
        let (origin, size) = ([grid.left, grid.top], [grid.fine_width(), grid.fine_height()]);
        (Self { deviation, texture, origin, size }, grain_only)
    }

    /// Returns the deviation of the grain that must be added to a face with this `own` grain, in levels.
    pub(crate) fn missing(&self, own: Option<f32>) -> f32 {
        let Some(own) = own else { return 0.0 };
        let missing = (self.deviation * self.deviation - own * own).max(0.0).sqrt();
        if missing > LEVEL_MIN { missing.min(LEVEL_MAX) } else { 0.0 }
    }

    /// Writes grain of deviation 1 for neighbouring pixels; `first` is the column and row of the first one. `xs` and
    /// `ys` are their positions in the template. The template's own texture there is used as far as `grain_only`
    /// (0..1) says, noise for the rest.
    pub(crate) fn row(&self, out: &mut [f32], grain_only: &[f32], [xs, ys]: [&[f32]; 2], first: [usize; 2]) {
        let (left, top) = (self.origin[0] as f32 - 0.5, self.origin[1] as f32 - 0.5);
        let (right, bottom) = (self.size[0] - 1, self.size[1] - 1);
        for (i, (((v, &grain_only), &x), &y)) in out.iter_mut().zip(grain_only).zip(xs).zip(ys).enumerate() {
            let (x, y) = (index(x - left).min(right), index(y - top).min(bottom));
            let own = f32::from(self.texture[y * self.size[0] + x]) * (1.0 / TEXTURE_STEPS);
            *v = if grain_only < 1.0 {
                let noise = NOISE_COMPENSATION * gaussian_hash(first[0] + i, first[1]);
                noise + (own - noise) * grain_only
            } else {
                own
            };
        }
    }
}

/// Returns the robust deviation of a face's high-pass where the coarse `patch` is above one half; `None` if there are
/// too few pixels. `luma` fills a row's columns with the face's luma, in levels.
pub(crate) fn own_deviation(
    patch: &Plane,
    grid: &Grid,
    mut luma: impl FnMut(usize, &Range<usize>, &mut [f32]),
) -> Option<f32> {
    let spans = touched_columns(&patch.clone().map(|p| if p > 0.5 { 1.0 } else { 0.0 }), grid);
    let first = spans.iter().position(|span| !span.is_empty())?;
    let last = spans.iter().rposition(|span| !span.is_empty())?;
    let mut values = Vec::new();
    for top in (first..=last).step_by((STRIP_PERIOD * grid.step).max(STRIP)) {
        let rows = top.saturating_sub(STRIP_MARGIN)..(top + STRIP + STRIP_MARGIN).min(spans.len());
        let left = spans[rows.clone()].iter().filter(|s| !s.is_empty()).map(|s| s.start).min()?;
        let right = spans[rows.clone()].iter().map(|s| s.end).max()?;
        let mut strip = Plane::new(right - left, rows.len());
        for (row, y) in strip.rows_mut().zip(rows.clone()) {
            luma(y, &(left..right), row);
        }
        let texture = high_pass(&strip);
        for y in top..(top + STRIP).min(rows.end) {
            collect(texture.row(y - rows.start), left, patch.row(y / grid.step), grid.step, &mut values);
        }
    }
    robust_deviation(values)
}

/// Returns the luma of the picture on the grid's fine raster. Beyond the picture the last pixel is repeated.
fn luma(picture: &RgbImage, grid: &Grid) -> Plane {
    let (right, bottom) = (picture.width() - 1, picture.height() - 1);
    let mut plane = Plane::new(grid.fine_width(), grid.fine_height());
    for (y, row) in plane.rows_mut().enumerate() {
        for (x, v) in row.iter_mut().enumerate() {
            let [r, g, b] =
                picture.pixel((grid.left + x).min(right), (grid.top + y).min(bottom)).map(f32::from);
            *v = (r + g + b) / 3.0;
        }
    }
    plane
}

/// Returns the nearest whole number of steps within [`OUTLIER`] deviations.
#[expect(clippy::cast_possible_truncation, reason = "the limit is below 128")]
fn steps(v: f32) -> i8 {
    v.round().clamp(-OUTLIER * TEXTURE_STEPS, OUTLIER * TEXTURE_STEPS) as i8
}

/// What is finer than [`HIGH_PASS_SIGMA`].
fn high_pass(luma: &Plane) -> Plane {
    gaussian(luma, HIGH_PASS_SIGMA).zip(luma, |smooth, l| l - smooth)
}

/// The robust deviation of a high-pass where the coarse `patch` is above one half; `None` on too few pixels.
fn deviation(texture: &Plane, patch: &Plane, grid: &Grid) -> Option<f32> {
    let mut values = Vec::new();
    for (y, row) in texture.rows().enumerate() {
        collect(row, 0, patch.row(y / grid.step), grid.step, &mut values);
    }
    robust_deviation(values)
}

/// Adds to `values` the absolute values of a row where the patch is above one half; the row begins at the fine column
/// `left`.
fn collect(row: &[f32], left: usize, patch: &[f32], step: usize, values: &mut Vec<f32>) {
    for (i, _) in patch.iter().enumerate().filter(|&(_, &skin)| skin > 0.5) {
        let (start, end) =
            ((i * step).max(left) - left, ((i + 1) * step).saturating_sub(left).min(row.len()));
        if start < end {
            values.extend(row[start..end].iter().map(|v| v.abs()));
        }
    }
}

/// Returns the deviation of a Gaussian from absolute values of it; `None` if there are too few.
fn robust_deviation(values: Vec<f32>) -> Option<f32> {
    let mut values = Zeroizing::new(values);
    // A high-pass has mean 0, so the median of its absolute values is the median deviation.
    (values.len() >= PIXELS_MIN).then(|| MEDIAN_TO_SIGMA * quantile(&mut values, 0.5))
}

/// Returns a number of mean 0 and deviation 1 that depends on the position alone: the sum of four uniform numbers
/// from SplitMix64 (Steele, Lea and Flood 2014).
fn gaussian_hash(x: usize, y: usize) -> f32 {
    let mut z = (((y as u64) << 32) | x as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    let sum = (z & 0xFFFF) + (z >> 16 & 0xFFFF) + (z >> 32 & 0xFFFF) + (z >> 48);
    // Four uniform numbers of 0..65535: mean 131070, deviation 65536 / √3.
    (sum as f32 - 131_070.0) / 37_837.2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 120;

    fn grid() -> Grid {
        Grid::over([0.0, 0.0, 119.0, 119.0], 120.0, [SIZE, SIZE])
    }

    fn grainy(level: f32) -> RgbImage {
        let mut image = RgbImage::new(SIZE, SIZE);
        for y in 0..SIZE {
            for x in 0..SIZE {
                let v = index(128.5 + level * gaussian_hash(x + 1000, y));
                image.set_pixel(x, y, [u8::try_from(v).unwrap(); 3]);
            }
        }
        image
    }

    fn everywhere(value: f32) -> Plane {
        let grid = grid();
        Plane::from_fn(grid.width, grid.height, |_, _| value)
    }

    fn own(face: &RgbImage, patch: &Plane) -> Option<f32> {
        own_deviation(patch, &grid(), |y, span, out| {
            out.iter_mut().zip(span.clone()).for_each(|(v, x)| *v = f32::from(face.pixel(x, y)[0]));
        })
    }

    /// Returns a row of grain for the pixels of the row `y`.
    fn row(grain: &Grain, grain_only: f32, y: usize) -> Vec<f32> {
        let (xs, ys): (Vec<f32>, Vec<f32>) = (0..SIZE).map(|x| (x as f32, y as f32)).unzip();
        let mut out = vec![0.0; SIZE];
        grain.row(&mut out, &[grain_only; SIZE], [&xs, &ys], [0, y]);
        out
    }

    #[test]
    fn the_hash_has_mean_zero_and_deviation_one() {
        let values: Vec<f32> = (0..200).flat_map(|y| (0..200).map(move |x| gaussian_hash(x, y))).collect();
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let deviation = (values.iter().map(|v| v * v).sum::<f32>() / count).sqrt();
        assert!(mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
        let neighbours = values.windows(2).map(|w| w[0] * w[1]).sum::<f32>() / count;
        assert!(neighbours.abs() < 0.02, "{neighbours}");
    }

    #[test]
    fn a_smooth_face_gets_the_templates_own_grain() {
        let picture = grainy(4.0);
        let (grain, _) = Grain::measure(&picture, &everywhere(1.0), &everywhere(0.0), &grid());
        let missing = grain.missing(own(&grainy(0.0), &everywhere(1.0)));
        assert!((missing - 4.0 * 0.91).abs() < 0.3, "{missing}");
        let mut alike = 0.0;
        for y in 0..SIZE {
            let pairs = row(&grain, 1.0, y).into_iter().enumerate();
            alike +=
                pairs.map(|(x, n)| missing * n * (f32::from(picture.pixel(x, y)[0]) - 128.0)).sum::<f32>();
        }
        let correlation = alike / (16.0 * (SIZE * SIZE) as f32);
        assert!(correlation > 0.7, "{correlation}");
    }

    #[test]
    fn noise_replaces_grain_where_the_template_has_structure() {
        let grid = grid();
        let mut picture = grainy(2.0);
        for (x, y) in (0..SIZE).flat_map(|y| (61..SIZE).map(move |x| (x, y))).filter(|(x, _)| x % 4 < 2) {
            picture.set_pixel(x, y, picture.pixel(x, y).map(|v| v + 60));
        }
        let patch = Plane::from_fn(grid.width, grid.height, |x, _| if x < 25 { 1.0 } else { 0.0 });
        let (grain, grain_only) = Grain::measure(&picture, &patch, &everywhere(0.0), &grid);
        assert!((grain.deviation - 1.8).abs() < 0.2, "{}", grain.deviation);
        assert!(grain_only.row(30)[10] > 0.9 && grain_only.row(30)[50] == 0.0);
        assert!(row(&grain, 0.0, 30).iter().zip(row(&grain, 1.0, 30)).any(|(noise, own)| *noise != own));
    }

    #[test]
    fn a_face_with_enough_grain_gets_no_more() {
        let (grain, _) = Grain::measure(&grainy(2.0), &everywhere(1.0), &everywhere(0.0), &grid());
        assert_eq!(grain.missing(own(&grainy(3.0), &everywhere(1.0))), 0.0);
    }
}
