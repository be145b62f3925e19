//! Gaussian blurs of coarse planes, plain and normalised by a weight.
//!
//! Wide kernels run on a reduced plane. The box reduction by a factor f and the bilinear enlargement add a variance
//! of f²/4 - 1/12; the kernel between them is narrower by that variance. The result differs from the direct kernel by
//! less than 2 % of the range.

use crate::compose::raster::plane::Plane;

/// The widest kernel computed directly, in samples. For a wider one the plane is reduced first.
const DIRECT_SIGMA_MAX: f32 = 3.2;

/// Blurs with a Gaussian of `sigma` samples. Beyond the border the last sample is repeated.
pub(crate) fn gaussian(plane: &Plane, sigma: f32) -> Plane {
    let mut factor = 1;
    while sigma / factor as f32 > DIRECT_SIGMA_MAX {
        factor *= 2;
    }
    if factor == 1 {
        return convolved(plane, sigma);
    }
    let f = factor as f32;
    let inner = (sigma * sigma - f * f / 4.0 + 1.0 / 12.0).sqrt() / f;
    convolved(&plane.reduced(factor), inner).enlarged(factor, plane.width(), plane.height())
}

/// Returns the Gaussian mean of `values`, each sample counting by its weight. Where there is no weight nearby, the
/// mean falls to 0.
///
/// `weight_blurred` is [`gaussian`] of `weight`; several planes share it.
pub(crate) fn weighted_mean(values: &Plane, weight: &Plane, weight_blurred: &Plane, sigma: f32) -> Plane {
    let weighted = values.clone().zip(weight, |v, w| v * w);
    gaussian(&weighted, sigma).zip(weight_blurred, |v, w| v / w.max(1e-6))
}

/// Separable convolution with the sampled Gaussian, cut at three sigma.
fn convolved(plane: &Plane, sigma: f32) -> Plane {
    let kernel = kernel(sigma);
    let (width, height) = (plane.width(), plane.height());
    let mut vertical = Plane::new(width, height);
    for y in 0..height {
        let out = vertical.row_mut(y);
        for (v, &s) in out.iter_mut().zip(plane.row(y)) {
            *v = s * kernel[0];
        }
        for (offset, &k) in kernel.iter().enumerate().skip(1) {
            let (above, below) =
                (plane.row(y.saturating_sub(offset)), plane.row((y + offset).min(height - 1)));
            for ((v, &a), &b) in out.iter_mut().zip(above).zip(below) {
                *v += k * (a + b);
            }
        }
    }
    let radius = kernel.len() - 1;
    let mut padded = vec![0.0; width + 2 * radius];
    for y in 0..height {
        let row = vertical.row_mut(y);
        padded[..radius].fill(row[0]);
        padded[radius..radius + width].copy_from_slice(row);
        padded[radius + width..].fill(row[width - 1]);
        for (v, &s) in row.iter_mut().zip(&padded[radius..]) {
            *v = s * kernel[0];
        }
        for (offset, &k) in kernel.iter().enumerate().skip(1) {
            let (left, right) = (&padded[radius - offset..], &padded[radius + offset..]);
            for ((v, &a), &b) in row.iter_mut().zip(left).zip(right) {
                *v += k * (a + b);
            }
        }
    }
    vertical
}

/// Returns the centre and one side of the symmetric kernel; the whole kernel sums to 1.
fn kernel(sigma: f32) -> Vec<f32> {
    let sigma = sigma.max(0.05);
    let mut taps = vec![1.0];
    let mut sum = 1.0;
    let mut offset = 1.0_f32;
    while offset < 3.0 * sigma + 0.5 {
        let tap = (-offset * offset / (2.0 * sigma * sigma)).exp();
        taps.push(tap);
        sum += 2.0 * tap;
        offset += 1.0;
    }
    taps.iter_mut().for_each(|tap| *tap /= sum);
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_blur_agrees_with_the_direct_kernel() {
        let plane = Plane::from_fn(96, 80, |x, y| if (30..60).contains(&x) && y > 35 { 1.0 } else { 0.0 });
        for sigma in [3.0, 6.0, 11.0] {
            let (fast, direct) = (gaussian(&plane, sigma), convolved(&plane, sigma));
            let worst = fast.data().iter().zip(direct.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 0.02, "sigma {sigma}: {worst}");
        }
    }

    #[test]
    fn a_blur_keeps_a_constant() {
        let plane = Plane::from_fn(37, 23, |_, _| 4.0);
        for sigma in [0.3, 1.0, 5.0, 20.0] {
            assert!(gaussian(&plane, sigma).data().iter().all(|v| (v - 4.0).abs() < 1e-4));
        }
    }

    #[test]
    fn samples_without_weight_do_not_count() {
        let values = Plane::from_fn(40, 40, |x, _| if x < 20 { 2.0 } else { 100.0 });
        let weight = Plane::from_fn(40, 40, |x, _| if x < 20 { 1.0 } else { 0.0 });
        let mean = weighted_mean(&values, &weight, &gaussian(&weight, 4.0), 4.0);
        assert!((mean.row(20)[19] - 2.0).abs() < 1e-3);
    }
}
