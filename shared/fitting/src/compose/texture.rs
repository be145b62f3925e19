//! A picture laid out for bicubic sampling.

use zeroize::Zeroize;

use super::grid::index;
use crate::pixels::{GreyImage, RgbImage};

/// How many samples of replicated border lie on each side: what a 4 × 4 kernel reaches.
const BORDER: usize = 2;

/// The cubic kernel's free parameter. -0.75 keeps fine skin texture crisp when a small photo is enlarged;
/// -0.5 (Catmull-Rom) is visibly softer at the same points.
const SHARPNESS: f32 = -0.75;

/// Red, green, blue (0..255) and a fourth channel, four `f32` a pixel, with a replicated border.
pub(super) struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 4]>,
}

impl Texture {
    /// A rectangle of `picture`; the fourth channel is `mask` (0..1), or 0 without one.
    pub(super) fn crop(
        picture: &RgbImage,
        mask: Option<&GreyImage>,
        [left, top]: [usize; 2],
        [width, height]: [usize; 2],
    ) -> Self {
        let mut pixels = Vec::with_capacity((width + 2 * BORDER) * (height + 2 * BORDER));
        for y in 0..height + 2 * BORDER {
            let y = top + y.saturating_sub(BORDER).min(height - 1);
            let row = &picture.data()[(y * picture.width() + left) * 3..][..width * 3];
            let mask_row = mask.map(|m| &m.data()[y * m.width() + left..][..width]);
            let start = pixels.len() + BORDER;
            pixels.extend([[0.0; 4]; BORDER]);
            let pixels_of_row = row.as_chunks::<3>().0.iter().map(|&[r, g, b]| [r, g, b, 0].map(f32::from));
            pixels.extend(pixels_of_row);
            if let Some(mask) = mask_row {
                pixels[start..].iter_mut().zip(mask).for_each(|(p, &m)| p[3] = f32::from(m) / 255.0);
            }
            let (first, last) = (pixels[start], pixels[pixels.len() - 1]);
            pixels[start - BORDER..start].fill(first);
            pixels.extend([last; BORDER]);
        }
        Self { width, height, pixels }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Bicubic interpolation at (x, y); outside the picture its nearest border pixel counts.
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; 4] {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (column, line) = (index(x), index(y));
        let (wx, wy) = (weights(x - column as f32), weights(y - line as f32));
        let stride = self.width + 2 * BORDER;
        // Column `x` is stored at `x + BORDER`; the kernel starts one sample before it.
        let first = (line + BORDER - 1) * stride + column + BORDER - 1;
        let mut sum = [0.0; 4];
        for (j, &wy) in wy.iter().enumerate() {
            let taps = &self.pixels[first + j * stride..][..4];
            let mut line = [0.0; 4];
            for (tap, &w) in taps.iter().zip(&wx) {
                for (v, &t) in line.iter_mut().zip(tap) {
                    *v += w * t;
                }
            }
            for (v, &l) in sum.iter_mut().zip(&line) {
                *v += wy * l;
            }
        }
        sum
    }
}

impl Drop for Texture {
    fn drop(&mut self) {
        self.pixels.zeroize();
    }
}

/// Keys' cubic convolution (1981): the weights of the samples at -1, 0, 1 and 2 for a point at `t`.
fn weights(t: f32) -> [f32; 4] {
    let (a, u) = (SHARPNESS, 1.0 - t);
    let (before, beyond) = (a * t * u * u, a * t * t * u);
    let at = ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    [before, at, 1.0 - before - at - beyond, beyond]
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
        let texture = Texture::crop(&ramp(), None, [0, 0], [20, 10]);
        assert_eq!(texture.sample(5.0, 3.0), [50.0, 60.0, 7.0, 0.0]);
        assert_eq!(texture.sample(19.0, 9.0), [190.0, 180.0, 7.0, 0.0]);
    }

    #[test]
    fn a_ramp_stays_nearly_a_ramp_between_the_pixels() {
        let texture = Texture::crop(&ramp(), None, [4, 2], [12, 6]);
        for i in 0..40 {
            let x = 2.0 + i as f32 * 0.2;
            let [r, g, b, _] = texture.sample(x, 2.5);
            // With a sharpness other than -0.5 the kernel reproduces linear functions to within 0.05 steps.
            assert!((r - (x + 4.0) * 10.0).abs() < 0.5 && (g - 90.0).abs() < 0.5 && (b - 7.0).abs() < 1e-4);
        }
    }

    #[test]
    fn outside_the_picture_its_border_counts() {
        let texture = Texture::crop(&ramp(), None, [0, 0], [20, 10]);
        assert_eq!(texture.sample(-30.0, 4.0), texture.sample(0.0, 4.0));
        assert_eq!(texture.sample(4.0, 99.0), texture.sample(4.0, 9.0));
        assert!(texture.sample(f32::NAN, 0.0).iter().all(|v| v.is_nan() || v.is_finite()));
    }

    #[test]
    fn the_mask_is_the_fourth_channel() {
        let mask = GreyImage::from_raw(20, 10, vec![255; 200]).unwrap();
        let texture = Texture::crop(&ramp(), Some(&mask), [3, 3], [5, 5]);
        assert_eq!(texture.sample(1.0, 1.0), [40.0, 80.0, 7.0, 1.0]);
    }
}
