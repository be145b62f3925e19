//! Measures how sharp the face is: fine contrast relative to the contrast between larger patches.
//!
//! The surroundings of the eyes are measured, where every face has edges, at one fixed scale. The measure divides the
//! energy of the finest band by that of the band three octaves coarser, so neither the photo's size nor its contrast
//! matters.

use zeroize::Zeroizing;

use crate::mesh::Mesh;
use crate::pixels::RgbImage;
use crate::region::Region;
use crate::resize::resized;
use crate::topology::{LEFT_EYE, RIGHT_EYE};

/// Square root of the finest band's energy divided by that of the band three octaves coarser, at an eye distance of
/// [`EYE_DISTANCE`]. On an ordinary template works begin to look out of focus from a blur of 0.03 eye distances,
/// which measures 0.08 to 0.1.
pub(crate) const SHARPNESS_MIN: f32 = 0.08;

/// The eye distance in pixels at which sharpness is measured; smaller faces are measured as they are.
const EYE_DISTANCE: f32 = 64.0;

/// Margin around the outermost eye points, across and down, in eye distances.
const MARGIN: f32 = 0.25;

/// The least height of the measured patch in pixels: its coarse band, an eighth in size, needs three rows. Narrow
/// eyes of a small face alone are lower.
const PATCH_HEIGHT_MIN: f32 = 26.0;

/// Measures sharpness: 0.29 and more for sharp faces, 0.07 to 0.17 if blurred by σ = 1/64 of the eye distance, below
/// 0.036 if blurred by 4/64.
pub(super) fn sharpness(crop: &RgbImage, mesh: &Mesh) -> f32 {
    let luma = eyes(crop, mesh);
    let coarse = luma.halved().halved().halved();
    let fine_energy = luma.laplacian_energy();
    let coarse_energy = coarse.laplacian_energy();
    if coarse_energy > 0.0 { (fine_energy / coarse_energy).sqrt() } else { 0.0 }
}

/// A single-channel patch. It is wiped on drop.
struct Luma {
    width: usize,
    height: usize,
    data: Zeroizing<Vec<f32>>,
}

/// Returns the surroundings of the eyes at the fixed scale.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates are clamped to the raster before they become pixel counts"
)]
fn eyes(crop: &RgbImage, mesh: &Mesh) -> Luma {
    let unit = mesh.eye_distance().max(1.0);
    let points = || RIGHT_EYE.iter().chain(&LEFT_EYE).map(|&point| mesh.xy(point));
    let span = |k: usize, size: usize| {
        let low = points().map(|p| p[k]).fold(f32::INFINITY, f32::min);
        let high = points().map(|p| p[k]).fold(f32::NEG_INFINITY, f32::max);
        let margin = (MARGIN * unit).max((PATCH_HEIGHT_MIN - (high - low)) / 2.0);
        let (low, high) = (low - margin, high + margin);
        let first = (low.max(0.0) as usize).min(size - 1);
        (first, (high.max(0.0) as usize).clamp(first, size - 1) + 1 - first)
    };
    let ((left, width), (top, height)) = (span(0, crop.width()), span(1, crop.height()));
    let scale = (EYE_DISTANCE / unit).min(1.0);
    let reduced = |n: usize| ((n as f32 * scale) as usize).max(4);
    let patch = resized(crop, Region { left, top, width, height }, reduced(width), reduced(height));
    let data = patch.data().as_chunks().0.iter();
    let data = data.map(|&[r, g, b]| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b));
    Luma { width: patch.width(), height: patch.height(), data: Zeroizing::new(data.collect()) }
}

impl Luma {
    /// Halves the size; each pixel is the mean of four.
    fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let at = |x: usize, y: usize| self.data[y * self.width + x];
        let mean = |x: usize, y: usize| {
            (at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1)) / 4.0
        };
        let mut data = Zeroizing::new(Vec::with_capacity(width * height));
        data.extend((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)));
        Self { width, height, data }
    }

    /// Mean square of the four-neighbour Laplacian.
    #[expect(clippy::cast_precision_loss, reason = "pixel counts stay far below 2²⁴")]
    fn laplacian_energy(&self) -> f32 {
        if self.width < 3 || self.height < 3 {
            return 0.0;
        }
        let at = |x: usize, y: usize| self.data[y * self.width + x];
        let mut sum = 0.0;
        for y in 1..self.height - 1 {
            for x in 1..self.width - 1 {
                let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
                sum += (around - 4.0 * at(x, y)).powi(2);
            }
        }
        sum / ((self.width - 2) * (self.height - 2)) as f32
    }
}
