//! The template's grain: what noise its skin has and the fitted face lacks is added.
//!
//! Noise is measured as the robust deviation of the luma's high-pass on the cheeks, in 8-bit levels. It
//! comes from a hash of the pixel's place: the same pixel gets the same grain on every run.

use super::blur::gaussian;
use super::grid::Grid;
use super::plane::Plane;
use super::skin::quantile;

/// What is finer than this counts as grain, in pixels.
const HIGH_PASS_SIGMA: f32 = 1.2;
/// White noise loses a tenth in that high-pass, and the blend and the encoder take some more.
const COMPENSATION: f32 = 1.25;
/// Differences below this are not seen; more than the maximum is no grain but texture.
const LEVEL_MIN: f32 = 0.3;
const LEVEL_MAX: f32 = 6.0;
/// Fewer pixels than this do not make a measurement.
const PIXELS_MIN: usize = 300;

/// The deviation of the grain to add, in levels: the template's minus the face's own, in squares.
pub(super) fn missing(face: &[Plane; 3], template: &[&Plane; 3], skin: &Plane, grid: &Grid) -> f32 {
    let Some(window) = Window::around(skin, grid) else { return 0.0 };
    let [r, g, b] = face;
    let own = window.noise(&[r, g, b], skin, grid);
    let wanted = window.noise(template, skin, grid);
    match (own, wanted) {
        (Some(own), Some(wanted)) => {
            let level = (wanted * wanted - own * own).max(0.0).sqrt();
            if level > LEVEL_MIN { level.min(LEVEL_MAX) * COMPENSATION } else { 0.0 }
        }
        _ => 0.0,
    }
}

/// Adds grain of the given deviation to all three channels alike, within `spans`.
pub(super) fn add(face: &mut [Plane; 3], level: f32, grid: &Grid, spans: &[std::ops::Range<usize>]) {
    if level == 0.0 {
        return;
    }
    let mut noise = vec![0.0; grid.fine_width()];
    for (y, span) in spans.iter().enumerate() {
        for (x, v) in span.clone().zip(noise.iter_mut()) {
            *v = level * gaussian_hash(grid.left + x, grid.top + y);
        }
        for plane in face.iter_mut() {
            plane.row_mut(y)[span.clone()].iter_mut().zip(&noise).for_each(|(v, n)| *v += n);
        }
    }
}

/// The fine rectangle around the measured skin.
struct Window {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Window {
    fn around(skin: &Plane, grid: &Grid) -> Option<Self> {
        let rows = || skin.rows().map(|row| row.iter().any(|&s| s > 0.5));
        let top = rows().position(|any| any)?;
        let bottom = skin.height() - rows().collect::<Vec<_>>().into_iter().rev().position(|any| any)?;
        let column = |x: usize| skin.rows().any(|row| row[x] > 0.5);
        let left = (0..skin.width()).find(|&x| column(x))?;
        let right = (0..skin.width()).rfind(|&x| column(x))? + 1;
        let step = grid.step;
        Some(Self {
            left: left * step,
            top: top * step,
            width: (right - left) * step,
            height: (bottom - top) * step,
        })
    }

    /// The robust deviation of the luma's high-pass on the skin; `None` on too little skin.
    fn noise(&self, colours: &[&Plane; 3], skin: &Plane, grid: &Grid) -> Option<f32> {
        let luma = Plane::from_fn(self.width, self.height, |x, y| {
            colours.iter().map(|plane| plane.row(self.top + y)[self.left + x]).sum::<f32>() / 3.0
        });
        let smooth = gaussian(&luma, HIGH_PASS_SIGMA);
        let mut deviations = Vec::new();
        for y in 0..self.height {
            let skin = skin.row((self.top + y) / grid.step);
            for (x, (l, s)) in luma.row(y).iter().zip(smooth.row(y)).enumerate() {
                if skin[(self.left + x) / grid.step] > 0.5 {
                    deviations.push((l - s).abs());
                }
            }
        }
        // A high-pass has no mean: the median of its absolute values is the MAD.
        (deviations.len() >= PIXELS_MIN).then(|| 1.4826 * quantile(&mut deviations, 0.5))
    }
}

/// A number of mean 0 and deviation 1 that depends on the place alone: the sum of four uniform ones
/// out of SplitMix64 (Steele, Lea and Flood 2014).
fn gaussian_hash(x: usize, y: usize) -> f32 {
    let mut z = ((y as u64) << 32 | x as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
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

    #[test]
    fn the_hash_has_mean_zero_and_deviation_one() {
        let values: Vec<f32> = (0..200).flat_map(|y| (0..200).map(move |x| gaussian_hash(x, y))).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let deviation = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
        assert!(mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
        let neighbours = values.windows(2).map(|w| w[0] * w[1]).sum::<f32>() / values.len() as f32;
        assert!(neighbours.abs() < 0.02, "{neighbours}");
    }

    #[test]
    fn a_smooth_face_on_a_grainy_template_gets_its_grain() {
        let grid = Grid::over([0.0, 0.0, 119.0, 119.0], 120.0, [120, 120]);
        let flat = || Plane::from_fn(120, 120, |_, _| 128.0);
        let grainy = Plane::from_fn(120, 120, |x, y| 128.0 + 4.0 * gaussian_hash(x + 1000, y));
        let skin = Plane::from_fn(grid.width, grid.height, |_, _| 1.0);
        let mut face = [flat(), flat(), flat()];
        let level = missing(&face, &[&grainy; 3], &skin, &grid);
        assert!((level - 4.0 * 1.25 * 0.91).abs() < 0.3, "{level}");
        add(&mut face, level, &grid, &vec![0..120; 120]);
        assert_eq!(missing(&face, &[&grainy; 3], &skin, &grid), 0.0);
        assert_eq!(missing(&[flat(), flat(), flat()], &[&flat(); 3], &skin, &grid), 0.0);
    }
}
