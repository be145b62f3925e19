//! Natural logarithm and exponential of `f32`, fast enough for every pixel.
//!
//! Both are branch-free polynomials on the bits, so that the compiler turns a loop over a row into vector code;
//! libm's functions are called once for each value. `ln` is valid for positive, finite numbers in 1e-6..1e6 and `exp`
//! for exponents in -80..80, far more than 8-bit levels need.

use std::f32::consts::{LN_2, LOG2_E};

/// Added before the logarithm, in 8-bit levels: it keeps the noise of black from becoming detail.
pub(crate) const LOG_OFFSET: f32 = 8.0;

/// Returns ln(x) to an absolute error of 3e-6.
#[inline]
pub(crate) fn ln(x: f32) -> f32 {
    /// The bits of √½. Subtracting them first puts the mantissa into √½..√2, around 1.
    const ROOT_HALF: u32 = 0x3F35_04F3;
    let shifted = x.to_bits().wrapping_sub(ROOT_HALF);
    let exponent = (shifted.cast_signed() >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(ROOT_HALF));
    // ln m = 2 artanh(s) with s = (m - 1) / (m + 1), |s| ≤ .172: three terms of the odd series suffice.
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    exponent * LN_2 + s * (2.0 + s2 * (0.666_666_7 + s2 * (0.4 + s2 * 0.285_714_3)))
}

/// Returns exp(x) to a relative error of 3e-6.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to a whole number, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let scaled = x.clamp(-80.0, 80.0) * LOG2_E;
    let rounded = scaled + ROUND;
    let f = (scaled - (rounded - ROUND)) * LN_2;
    let mantissa = 1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * (1.0 / 24.0 + f * (1.0 / 120.0)))));
    let power = rounded.to_bits().wrapping_sub(ROUND.to_bits()) << 23;
    f32::from_bits(mantissa.to_bits().wrapping_add(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_agrees_with_libm() {
        for i in 1..200_000 {
            let x = i as f32 * 0.005;
            assert!((ln(x) - x.ln()).abs() < 3e-6, "{x}: {} {}", ln(x), x.ln());
        }
    }

    #[test]
    fn exp_agrees_with_libm() {
        for i in -40_000..40_000 {
            let x = i as f32 * 0.002;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-5, "{x}: {} {}", exp(x), x.exp());
        }
    }

    #[test]
    fn every_level_survives_the_round_trip() {
        for level in 0..=255_u8 {
            let log = ln(f32::from(level) + 8.0);
            assert!((exp(log) - 8.0 - f32::from(level)).abs() < 2e-3);
        }
    }
}
