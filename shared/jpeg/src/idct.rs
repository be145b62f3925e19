//! Inverse DCTs of 8 × 8, 4 × 4, 2 × 2 and 1 × 1 samples: a block at full scale, a half, a quarter, an eighth.
//!
//! A reduced block is the inverse DCT of its lowest frequencies alone, as after a good reduction. Constant factors are
//! multiplied into the quantisation table. All sums are in single precision and are the same on every machine.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

/// A block's dequantised coefficients, columns first: index `8 u + v` has `u` waves across and `v` down.
pub(crate) type Coefficients = [f32; 64];

/// The index in [`Coefficients`] of each zigzag position. A damaged block can exceed the end by sixteen.
pub(crate) const ZIGZAG: [u8; 80] = zigzag();

const fn zigzag() -> [u8; 80] {
    let mut places = [63; 80];
    let (mut across, mut down) = (0, 0);
    let mut k = 0;
    while k < 64 {
        places[k] = across * 8 + down;
        // Even diagonals go up and to the right, odd ones down and to the left.
        let (forth, back) =
            if (across + down) % 2 == 0 { (&mut across, &mut down) } else { (&mut down, &mut across) };
        if *forth == 7 {
            *back += 1;
        } else {
            *forth += 1;
            if *back > 0 {
                *back -= 1;
            }
        }
        k += 1;
    }
    places
}

/// Returns the last zigzag position that a block of `size` × `size` samples needs.
pub(crate) const fn last_needed(size: usize) -> usize {
    match size {
        1 => 0,
        2 => 4,
        4 => 24,
        _ => 63,
    }
}

/// Returns the quantisation table with all constant factors, in zigzag order.
pub(crate) fn multipliers(quantisation: &[u16; 64], size: usize) -> [f32; 64] {
    std::array::from_fn(|k| {
        let place = usize::from(ZIGZAG[k]);
        f32::from(quantisation[k]) * factor(size, place / 8) * factor(size, place % 8)
    })
}

/// The constant factor of a frequency along one axis: that of the orthonormal transform of `size` points, times
/// √(size/8) since a reduced block has fewer samples to spread its energy over.
fn factor(size: usize, frequency: usize) -> f32 {
    /// Half of cos(kπ/16): what Arai, Agui and Nakajima take out of the transform of eight points.
    const EIGHT: [f32; 8] = [
        ROOT_EIGHTH,
        0.490_392_64,
        0.461_939_77,
        0.415_734_8,
        ROOT_EIGHTH,
        0.277_785_12,
        0.191_341_72,
        0.097_545_16,
    ];
    const FOUR: [f32; 4] = [ROOT_EIGHTH, 0.5, ROOT_EIGHTH, 0.5];
    match size {
        8 => EIGHT[frequency],
        4 => FOUR[frequency % 4],
        _ => ROOT_EIGHTH,
    }
}

/// 1/√8.
const ROOT_EIGHTH: f32 = FRAC_1_SQRT_2 / 2.0;

/// The block's samples at full scale.
pub(crate) fn samples_8(coefficients: &Coefficients) -> [[u8; 8]; 8] {
    samples(coefficients, points_8)
}

/// The block's samples at a half.
pub(crate) fn samples_4(coefficients: &Coefficients) -> [[u8; 4]; 4] {
    samples(coefficients, points_4)
}

/// The block's samples at a quarter.
pub(crate) fn samples_2(coefficients: &Coefficients) -> [[u8; 2]; 2] {
    samples(coefficients, points_2)
}

/// The block's one sample at an eighth, and any sample of a block without other frequencies.
pub(crate) fn sample_1(dc: f32) -> u8 {
    sample(dc)
}

/// Both passes, each with the transform of a line. A pass has its lines side by side, so that the compiler
/// computes several at once.
#[inline(always)]
fn samples<const N: usize>(
    coefficients: &Coefficients,
    points: impl Fn([f32; N]) -> [f32; N],
) -> [[u8; N]; N] {
    let mut columns = [[0.0; N]; N];
    for (column, from) in columns.iter_mut().zip(coefficients.as_chunks::<8>().0) {
        column.copy_from_slice(&from[..N]);
    }
    let rows = pass(&transposed(&pass(&columns, &points)), &points);
    let mut result = [[0; N]; N];
    for (to, row) in result.as_flattened_mut().iter_mut().zip(rows.as_flattened()) {
        *to = sample(*row);
    }
    result
}

/// The transform of each of the lines that lie side by side.
#[inline(always)]
fn pass<const N: usize>(lines: &[[f32; N]; N], points: &impl Fn([f32; N]) -> [f32; N]) -> [[f32; N]; N] {
    let mut result = [[0.0; N]; N];
    for line in 0..N {
        let values = points(std::array::from_fn(|k| lines[k][line]));
        for k in 0..N {
            result[k][line] = values[k];
        }
    }
    result
}

#[inline(always)]
fn transposed<const N: usize>(lines: &[[f32; N]; N]) -> [[f32; N]; N] {
    std::array::from_fn(|m| std::array::from_fn(|n| lines[n][m]))
}

/// A sample from its distance to mid-grey: rounded, 0 to 255.
#[inline(always)]
fn sample(value: f32) -> u8 {
    /// Added to a number below 2²², it leaves that number, rounded, in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    let value = value + 128.0;
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    let [lowest, ..] = (value + ROUNDING).to_bits().to_le_bytes();
    lowest
}

/// A line of eight points, after Arai, Agui and Nakajima (1988): five multiplications.
#[inline(always)]
fn points_8([c0, c1, c2, c3, c4, c5, c6, c7]: [f32; 8]) -> [f32; 8] {
    let (sum, difference) = (c0 + c4, c0 - c4);
    let side = c2 + c6;
    let turned = (c2 - c6) * SQRT_2 - side;
    let [e0, e1, e2, e3] = [sum + side, difference + turned, difference - turned, sum - side];

    let (z13, z10, z11, z12) = (c5 + c3, c5 - c3, c1 + c7, c1 - c7);
    let z5 = (z10 + z12) * 1.847_759_1;
    let o0 = z11 + z13;
    let o1 = z5 - z10 * 2.613_126 - o0;
    let o2 = (z11 - z13) * SQRT_2 - o1;
    let o3 = z5 - z12 * 1.082_392_2 - o2;
    [e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0]
}

/// A line of four points.
#[inline(always)]
fn points_4([c0, c1, c2, c3]: [f32; 4]) -> [f32; 4] {
    /// cos(π/8) and cos(3π/8).
    const COSINES: [f32; 2] = [0.923_879_5, 0.382_683_43];
    let [near, far] = COSINES;
    let (e0, e1) = (c0 + c2, c0 - c2);
    let (o0, o1) = (c1 * near + c3 * far, c1 * far - c3 * near);
    [e0 + o0, e1 + o1, e1 - o1, e0 - o0]
}

/// A line of two points.
#[inline(always)]
fn points_2([c0, c1]: [f32; 2]) -> [f32; 2] {
    [c0 + c1, c0 - c1]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// The definition, at a reduced size: the lowest frequencies alone.
    fn defined(block: &[[f64; 8]; 8], size: usize) -> Vec<Vec<f64>> {
        let wave = |place: usize, k: usize| {
            let norm = if k == 0 { (1.0 / size as f64).sqrt() } else { (2.0 / size as f64).sqrt() };
            norm * ((2 * place + 1) as f64 * k as f64 * PI / (2 * size) as f64).cos()
        };
        let value = |x: usize, y: usize| {
            let sum: f64 = (0..size * size)
                .map(|n| (n % size, n / size))
                .map(|(u, v)| block[v][u] * wave(x, u) * wave(y, v))
                .sum();
            (sum * size as f64 / 8.0 + 128.0).clamp(0.0, 255.0)
        };
        (0..size).map(|y| (0..size).map(|x| value(x, y)).collect()).collect()
    }

    #[test]
    fn every_size_is_the_transform_of_the_lowest_frequencies() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0 - 0.5
        };
        let quantisation: [u16; 64] = std::array::from_fn(|k| u16::try_from(1 + k).unwrap());
        for _ in 0..200 {
            let mut block = [[0.0; 8]; 8];
            let levels: [f32; 64] =
                std::array::from_fn(|k| (random() * 900.0 / ((1 + k) * (1 + k)) as f32).round());
            for k in 0..64 {
                let place = usize::from(ZIGZAG[k]);
                block[place % 8][place / 8] = f64::from(levels[k]) * f64::from(quantisation[k]);
            }
            for size in [1, 2, 4, 8] {
                let multipliers = multipliers(&quantisation, size);
                let mut coefficients = [0.0; 64];
                for k in 0..=last_needed(size) {
                    coefficients[usize::from(ZIGZAG[k])] = levels[k] * multipliers[k];
                }
                let samples: Vec<u8> = match size {
                    1 => vec![sample_1(coefficients[0])],
                    2 => samples_2(&coefficients).concat(),
                    4 => samples_4(&coefficients).concat(),
                    _ => samples_8(&coefficients).concat(),
                };
                for (got, expected) in samples.iter().zip(defined(&block, size).concat()) {
                    assert!((f64::from(*got) - expected).abs() < 0.501, "{size}: {got}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn the_zigzag_is_the_standards() {
        // Figure A.6 of T.81, read across; our places count downwards first.
        let first_row = [0, 1, 5, 6, 14, 15, 27, 28];
        let first_column = [0, 2, 3, 9, 10, 20, 21, 35];
        for n in 0..8 {
            assert_eq!(usize::from(ZIGZAG[first_row[n]]), n * 8);
            assert_eq!(usize::from(ZIGZAG[first_column[n]]), n);
        }
        let mut places = ZIGZAG[..64].to_vec();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..64));
    }
}
