//! Reducing a region of a raster to a smaller size without aliasing.
//!
//! Whole-number reduction comes first, by averaging blocks, which is cheap; a Catmull-Rom filter widened to
//! the remaining factor (below two) does the rest. Pixel centres keep their places in the region.

use zeroize::Zeroizing;

use crate::photo::Region;
use crate::pixels::RgbImage;

/// Red, green, blue and one unused: four lanes are what the machine adds at once.
const LANES: usize = 4;

/// Half the width of the Catmull-Rom kernel, in output pixels.
const SUPPORT: f32 = 2.0;

/// A region of `image`, which must lie inside it, at `width` × `height` pixels.
pub(crate) fn resized(image: &RgbImage, region: Region, width: usize, height: usize) -> RgbImage {
    if (region.width, region.height) == (width, height) {
        return image.part(region);
    }
    let block = (region.width / width).min(region.height / height).max(1);
    let blocks = Blocks::averaged(image, region, block);
    let mut result = RgbImage::new(width, height);
    if (width * block, height * block) == (region.width, region.height) {
        for (to, from) in result.data_mut().as_chunks_mut::<3>().0.iter_mut().zip(blocks.pixels.iter()) {
            *to = bytes(*from);
        }
        return result;
    }
    let down = taps(region.height, height, block, blocks.height);
    let across = taps(region.width, width, block, blocks.width);
    let mut line = Zeroizing::new(vec![[0.0; LANES]; blocks.width]);
    for (to, taps) in result.data_mut().chunks_exact_mut(width * 3).zip(&down) {
        line.fill([0.0; LANES]);
        for (row, &weight) in blocks.pixels.chunks_exact(blocks.width).skip(taps.first).zip(&taps.weights) {
            for (sum, &value) in line.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
                *sum += weight * value;
            }
        }
        for (to, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(&across) {
            let pixels = line[taps.first..].iter().zip(&taps.weights);
            *to = bytes(pixels.fold([0.0; LANES], |sum, (pixel, &weight)| plus(sum, *pixel, weight)));
        }
    }
    result
}

/// `sum + weight · pixel`, in all lanes at once.
fn plus(sum: [f32; LANES], pixel: [f32; LANES], weight: f32) -> [f32; LANES] {
    std::array::from_fn(|k| sum[k] + weight * pixel[k])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped to a byte")]
fn bytes([r, g, b, _]: [f32; LANES]) -> [u8; 3] {
    [r, g, b].map(|value| (value + 0.5).clamp(0.0, 255.0) as u8)
}

/// A region whose blocks of `block` × `block` pixels were averaged; at the far edges blocks may be partial.
struct Blocks {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<[f32; LANES]>>,
}

impl Blocks {
    #[expect(clippy::cast_precision_loss, reason = "block sizes are small")]
    fn averaged(image: &RgbImage, region: Region, block: usize) -> Self {
        let (width, height) = (region.width.div_ceil(block), region.height.div_ceil(block));
        let stride = image.width() * 3;
        let rows = |row: usize| {
            let start = (region.top + row) * stride + region.left * 3;
            &image.data()[start..start + region.width * 3]
        };
        let mut pixels = Zeroizing::new(Vec::with_capacity(width * height));
        let mut sums = vec![0_u32; region.width * 3];
        for first in (0..region.height).step_by(block) {
            let last = (first + block).min(region.height);
            sums.fill(0);
            for row in first..last {
                for (sum, &value) in sums.iter_mut().zip(rows(row)) {
                    *sum += u32::from(value);
                }
            }
            for together in sums.as_chunks::<3>().0.chunks(block) {
                let scale = 1.0 / (together.len() * (last - first)) as f32;
                let total: [u32; 3] =
                    together.iter().fold([0; 3], |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
                let [r, g, b] = total.map(|sum| sum as f32 * scale);
                pixels.push([r, g, b, 0.0]);
            }
        }
        Self { width, height, pixels }
    }
}

/// The sources of one output pixel along one axis.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// The taps of `to` outputs over `from` pixels that were averaged into `blocks` blocks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "positions are clamped to the blocks, whose number is below 2¹⁶"
)]
fn taps(from: usize, to: usize, block: usize, blocks: usize) -> Vec<Taps> {
    let step = from as f32 / to as f32 / block as f32;
    let width = step.max(1.0);
    (0..to)
        .map(|output| {
            let centre = (output as f32 + 0.5) * step - 0.5;
            let first = (centre - SUPPORT * width).ceil().max(0.0) as usize;
            let last = ((centre + SUPPORT * width).floor().max(0.0) as usize).min(blocks - 1);
            let first = first.min(last);
            let weights: Vec<f32> =
                (first..=last).map(|at| catmull_rom((at as f32 - centre) / width)).collect();
            let total: f32 = weights.iter().sum();
            Taps { first, weights: weights.into_iter().map(|w| w / total).collect() }
        })
        .collect()
}

/// Keys' cubic with a = −1/2.
fn catmull_rom(x: f32) -> f32 {
    let x = x.abs();
    if x < 1.0 {
        1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0
    } else if x < 2.0 {
        -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(image: &RgbImage) -> Region {
        Region { left: 0, top: 0, width: image.width(), height: image.height() }
    }

    /// Brightness rises by two a pixel from left to right.
    fn ramp(width: usize, height: usize) -> RgbImage {
        let row: Vec<u8> = (0..width).flat_map(|x| [u8::try_from(x * 2).unwrap(); 3]).collect();
        RgbImage::from_raw(width, height, row.repeat(height)).unwrap()
    }

    #[test]
    fn a_ramp_stays_where_it_was() {
        let image = ramp(120, 60);
        for (width, height) in [(60, 30), (40, 20), (37, 19), (110, 55), (17, 9)] {
            let small = resized(&image, whole(&image), width, height);
            let step = 120.0 / width as f32;
            for x in 2..width - 2 {
                let expected = 2.0 * ((x as f32 + 0.5) * step - 0.5);
                let got = f32::from(small.pixel(x, height / 2)[0]);
                assert!((got - expected).abs() <= 1.5, "{width}: column {x} is {got}, not {expected}");
            }
        }
    }

    #[test]
    fn a_fine_pattern_becomes_its_mean() {
        let data = (0..64 * 64).flat_map(|n| [if (n + n / 64) % 2 == 0 { 0 } else { 200 }; 3]).collect();
        let image = RgbImage::from_raw(64, 64, data).unwrap();
        let small = resized(&image, whole(&image), 13, 13);
        assert!(small.data().iter().all(|&v| v.abs_diff(100) <= 4));
    }
}
