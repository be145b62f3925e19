//! The template's grain: film grain, sensor noise or canvas that its skin has and the fitted face lacks.
//!
//! Grain is the luma's high-pass, in 8-bit levels, its strength the robust deviation on the cheeks. Where
//! the template's skin is plain, its very own grain is laid over the face, so that the weave of a canvas
//! runs on without a seam. Where it has structure instead (wrinkles, glasses, features), noise stands in: a
//! hash of the pixel's place, so that the same pixel gets the same grain on every run.

use std::ops::Range;

use super::blur::gaussian;
use super::grid::Grid;
use super::plane::{Plane, Upsampler};
use super::skin::quantile;

/// What is finer than this counts as grain, in pixels.
const HIGH_PASS_SIGMA: f32 = 1.2;
/// White noise loses a tenth in that high-pass, and encoding takes some more of it than of real texture.
const NOISE_COMPENSATION: f32 = 1.25;
/// Differences below this are not seen; more than the maximum is no grain but texture.
const LEVEL_MIN: f32 = 0.3;
const LEVEL_MAX: f32 = 6.0;
/// Fewer pixels than this do not make a measurement.
const PIXELS_MIN: usize = 300;
/// Texture whose local deviation exceeds the cheeks' by this factor begins to be structure ...
const STRUCTURE: f32 = 1.5;
/// ... and by so much more surely is.
const STRUCTURE_RANGE: f32 = 0.4;
/// The neighbourhood that decides on it, in coarse samples: narrower than the rim of a pair of glasses.
const NEIGHBOURHOOD: f32 = 2.0;
/// Single pixels count up to this many deviations: a speck is no grain.
const OUTLIER: f32 = 3.0;
/// The median of absolute values, times this, is the standard deviation of a Gaussian.
const MEDIAN_TO_SIGMA: f32 = 1.4826;

/// A template's grain in the place of the fitted face.
pub(super) struct Grain {
    /// Robust deviation on the cheeks, in levels; 0 where too little skin was measured.
    pub(super) deviation: f32,
    /// The high-pass of the luma, on the fine raster.
    texture: Plane,
    /// Where that is grain and nothing else, 0..1, on the coarse raster.
    plain: Plane,
}

impl Grain {
    /// Measures the template's colours (fine planes) where the coarse `patch` is skin. In `features` (0..1)
    /// texture is never taken for grain.
    pub(super) fn measure(template: &[&Plane; 3], patch: &Plane, features: &Plane, grid: &Grid) -> Self {
        let texture = high_pass(template);
        let deviation = deviation(&texture, patch, grid).unwrap_or(0.0);
        let power = gaussian(&texture.clone().map(|v| v * v).reduced(grid.step), NEIGHBOURHOOD);
        let limit = (STRUCTURE + STRUCTURE_RANGE) * deviation;
        let range = (STRUCTURE_RANGE * deviation).max(1e-6);
        let plain = power
            .map(|p| ((limit - p.sqrt()) / range).clamp(0.0, 1.0))
            .zip(features, |plain, feature| plain * (1.0 - feature));
        Self { deviation, texture, plain }
    }

    /// The deviation that must be added to the face for it to have this grain, in levels.
    pub(super) fn missing(&self, face: &[Plane; 3], patch: &Plane, grid: &Grid) -> f32 {
        let [red, green, blue] = face;
        let Some(own) = deviation(&high_pass(&[red, green, blue]), patch, grid) else { return 0.0 };
        let missing = (self.deviation * self.deviation - own * own).max(0.0).sqrt();
        if missing > LEVEL_MIN { missing.min(LEVEL_MAX) } else { 0.0 }
    }

    /// Adds grain of the given deviation to all three channels alike: to `spans` of each fine row, and as
    /// far as the coarse `share` says.
    pub(super) fn add(
        &self,
        planes: &mut [Plane],
        level: f32,
        share: Option<&Plane>,
        grid: &Grid,
        spans: &[Range<usize>],
    ) {
        if level == 0.0 || self.deviation == 0.0 {
            return;
        }
        let mut upsampler = Upsampler::new(grid.step, grid.width);
        let (mut plain, mut shares) = (vec![0.0; grid.fine_width()], vec![1.0; grid.fine_width()]);
        let mut grain = vec![0.0; grid.fine_width()];
        for (y, span) in spans.iter().enumerate() {
            upsampler.row(&self.plain, y, span.clone(), &mut plain);
            if let Some(share) = share {
                upsampler.row(share, y, span.clone(), &mut shares);
            }
            let texture = self.texture.row(y);
            for x in span.clone() {
                let own = (texture[x] / self.deviation).clamp(-OUTLIER, OUTLIER);
                let noise = NOISE_COMPENSATION * gaussian_hash(grid.left + x, grid.top + y);
                grain[x] = level * shares[x] * (noise + (own - noise) * plain[x]);
            }
            for plane in planes.iter_mut() {
                let pixels = plane.row_mut(y)[span.clone()].iter_mut();
                pixels.zip(&grain[span.clone()]).for_each(|(v, n)| *v += n);
            }
        }
    }
}

/// What is finer than [`HIGH_PASS_SIGMA`] in the mean of three planes.
fn high_pass([red, green, blue]: &[&Plane; 3]) -> Plane {
    let luma = (*red).clone().zip(green, |r, g| r + g).zip(blue, |rg, b| (rg + b) / 3.0);
    let smooth = gaussian(&luma, HIGH_PASS_SIGMA);
    luma.zip(&smooth, |l, s| l - s)
}

/// The robust deviation of a high-pass where the coarse `patch` is above one half; `None` on too few pixels.
fn deviation(texture: &Plane, patch: &Plane, grid: &Grid) -> Option<f32> {
    let mut values = Vec::new();
    for (y, row) in texture.rows().enumerate() {
        let patch = patch.row(y / grid.step);
        for (block, &skin) in row.chunks(grid.step).zip(patch) {
            if skin > 0.5 {
                values.extend(block.iter().map(|v| v.abs()));
            }
        }
    }
    // A high-pass has no mean: the median of its absolute values is the median deviation.
    (values.len() >= PIXELS_MIN).then(|| MEDIAN_TO_SIGMA * quantile(&mut values, 0.5))
}

/// A number of mean 0 and deviation 1 that depends on the place alone: the sum of four uniform ones
/// out of SplitMix64 (Steele, Lea and Flood 2014).
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

    fn grainy(level: f32) -> Plane {
        Plane::from_fn(SIZE, SIZE, |x, y| 128.0 + level * gaussian_hash(x + 1000, y))
    }

    fn everywhere(value: f32) -> Plane {
        let grid = grid();
        Plane::from_fn(grid.width, grid.height, |_, _| value)
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
    fn a_smooth_face_takes_over_the_very_grain_of_plain_skin() {
        let (grid, template) = (grid(), grainy(4.0));
        let grain = Grain::measure(&[&template; 3], &everywhere(1.0), &everywhere(0.0), &grid);
        let mut face = [grainy(0.0), grainy(0.0), grainy(0.0)];
        let missing = grain.missing(&face, &everywhere(1.0), &grid);
        assert!((missing - 4.0 * 0.91).abs() < 0.3, "{missing}");
        grain.add(&mut face, missing, None, &grid, &vec![0..SIZE; SIZE]);
        let alike = face[0].clone().zip(&template, |f, t| (f - 128.0) * (t - 128.0));
        let correlation = alike.data().iter().sum::<f32>() / (16.0 * alike.data().len() as f32);
        assert!(correlation > 0.7, "{correlation}");
    }

    #[test]
    fn noise_stands_in_where_the_template_has_structure() {
        let grid = grid();
        let template = grainy(2.0).zip(
            &Plane::from_fn(SIZE, SIZE, |x, _| if x > 60 && x % 4 < 2 { 60.0 } else { 0.0 }),
            |g, stripes| g + stripes,
        );
        let patch = Plane::from_fn(grid.width, grid.height, |x, _| if x < 25 { 1.0 } else { 0.0 });
        let grain = Grain::measure(&[&template; 3], &patch, &everywhere(0.0), &grid);
        assert!((grain.deviation - 1.8).abs() < 0.2, "{}", grain.deviation);
        assert!(grain.plain.row(30)[10] > 0.9 && grain.plain.row(30)[50] == 0.0);
    }

    #[test]
    fn a_face_with_grain_of_its_own_gets_no_more() {
        let (grid, template) = (grid(), grainy(2.0));
        let grain = Grain::measure(&[&template; 3], &everywhere(1.0), &everywhere(0.0), &grid);
        let face = [grainy(3.0), grainy(3.0), grainy(3.0)];
        assert_eq!(grain.missing(&face, &everywhere(1.0), &grid), 0.0);
    }
}
