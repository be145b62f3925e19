//! Makes rows of pixels from rows of samples, some of them subsampled.
//!
//! Subsampled colour is interpolated linearly between the samples' centres, as libjpeg's "fancy upsampling" does.

use crate::frame::Colours;

/// Mixes three quarters of the nearer row and a quarter of the further row, times four.
pub(crate) fn between_rows(near: &[u8], far: &[u8], blend: &mut Vec<u16>) {
    blend.clear();
    blend.extend(near.iter().zip(far).map(|(&near, &far)| 3 * u16::from(near) + u16::from(far)));
}

/// Copies a row that is not mixed with another, times four.
pub(crate) fn single_row(row: &[u8], blend: &mut Vec<u16>) {
    blend.clear();
    blend.extend(row.iter().map(|&sample| 4 * u16::from(sample)));
}

/// Rounds a blend to samples.
pub(crate) fn plain(blend: &[u16], samples: &mut Vec<u8>) {
    samples.clear();
    samples.extend(blend.iter().map(|&value| byte((u32::from(value) + 2) >> 2)));
}

/// Doubles a blend's width: each sample is three quarters of the nearer and a quarter of the further one.
pub(crate) fn doubled(blend: &[u16], samples: &mut Vec<u8>) {
    let ([first, rights @ ..], [lefts @ .., last]) = (blend, blend) else { return };
    samples.clear();
    samples.resize(blend.len() * 2, 0);
    let mix = |near: u16, far: u16| byte((3 * u32::from(near) + u32::from(far) + 8) >> 4);
    if let [start, between @ .., end] = &mut samples[..] {
        *start = mix(*first, *first);
        *end = mix(*last, *last);
        for ((pair, &left), &right) in between.as_chunks_mut::<2>().0.iter_mut().zip(lefts).zip(rights) {
            *pair = [mix(left, right), mix(right, left)];
        }
    }
}

/// Returns the lowest byte of a value below 256.
#[inline(always)]
fn byte(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// Converts a row of each component to a row of pixels.
pub(crate) fn pixels(colours: Colours, rows: [&[u8]; 3], pixels: &mut [[u8; 3]]) {
    let [first, second, third] = rows;
    match colours {
        Colours::Grey => {
            for (pixel, &grey) in pixels.iter_mut().zip(first) {
                *pixel = [grey; 3];
            }
        }
        Colours::Rgb => {
            for (((pixel, &r), &g), &b) in pixels.iter_mut().zip(first).zip(second).zip(third) {
                *pixel = [r, g, b];
            }
        }
        Colours::YCbCr => {
            for (((pixels, y), cb), cr) in pixels
                .chunks_mut(TOGETHER)
                .zip(first.chunks(TOGETHER))
                .zip(second.chunks(TOGETHER))
                .zip(third.chunks(TOGETHER))
            {
                converted(pixels, y, cb, cr);
            }
        }
    }
}

/// Pixels that are converted together: as many as let the compiler compute several at once.
const TOGETHER: usize = 32;

/// Converts up to [`TOGETHER`] pixels.
#[inline(always)]
fn converted(pixels: &mut [[u8; 3]], y: &[u8], cb: &[u8], cr: &[u8]) {
    let padded = |row: &[u8]| {
        let mut samples = [0; TOGETHER];
        let length = row.len().min(TOGETHER);
        samples[..length].copy_from_slice(&row[..length]);
        samples
    };
    let (y, cb, cr) = (padded(y), padded(cb), padded(cr));
    let (mut red, mut green, mut blue) = ([0; TOGETHER], [0; TOGETHER], [0; TOGETHER]);
    for n in 0..TOGETHER {
        [red[n], green[n], blue[n]] = rgb(y[n], cb[n], cr[n]);
    }
    for (((pixel, r), g), b) in pixels.iter_mut().zip(&red).zip(&green).zip(&blue) {
        *pixel = [*r, *g, *b];
    }
}

/// JFIF's conversion in fixed point with six fractional bits, which fits sixteen bits: no sum exceeds ±483 levels.
#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let y = (i16::from(y) << 6) + 32;
    let (cb, cr) = ((i16::from(cb) - 128) << 8, (i16::from(cr) - 128) << 8);
    [
        y.wrapping_add(scaled(cr, 22_970)),
        y.wrapping_sub(scaled(cb, 5_638)).wrapping_sub(scaled(cr, 11_700)),
        y.wrapping_add(scaled(cb, 29_032)),
    ]
    .map(|value| {
        let [low, _] = (value >> 6).clamp(0, 255).to_le_bytes();
        low
    })
}

/// Returns a 2¹⁶th of the product: a difference with eight fractional bits times a factor with fourteen leaves six.
#[inline(always)]
fn scaled(difference: i16, factor: i16) -> i16 {
    ((i32::from(difference) * i32::from(factor)) >> 16) as i16
}
