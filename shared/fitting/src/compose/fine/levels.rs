//! Converts levels to bytes: three rows of colours become one row of pixels.

use wide::{f32x8, i16x8, u8x16};

/// The number of pixels written together.
const LANES: usize = 16;

/// Marks a byte that belongs to another colour.
const NONE: u8 = 0x80;

/// For each sixteen of the 48 bytes of [`LANES`] pixels, and for each colour, the lane that each byte comes from.
static SPREAD: [[[u8; LANES]; 3]; 3] = spread();

/// Writes the nearest 8-bit levels of red, green and blue. All rows must have the same length.
pub(crate) fn write_row(out: &mut [[u8; 3]], [red, green, blue]: [&[f32]; 3]) {
    let (pixels, last_pixels) = out.as_chunks_mut::<LANES>();
    let [(red, last_red), (green, last_green), (blue, last_blue)] =
        [red, green, blue].map(<[f32]>::as_chunks::<LANES>);
    for (((pixels, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
        let colours = [bytes(red), bytes(green), bytes(blue)];
        for (out, spread) in pixels.as_flattened_mut().as_chunks_mut::<LANES>().0.iter_mut().zip(&SPREAD) {
            let [r, g, b] = [0, 1, 2].map(|c| colours[c].shuffle_zeroing(u8x16::from(spread[c])));
            *out = (r | g | b).to_array();
        }
    }
    for (((pixel, &r), &g), &b) in last_pixels.iter_mut().zip(last_red).zip(last_green).zip(last_blue) {
        *pixel = [r, g, b].map(byte);
    }
}

/// Returns the nearest levels of a whole vector.
#[inline(always)]
fn bytes(levels: &[f32; LANES]) -> u8x16 {
    let [low, high] = [0, 8].map(|first| {
        let half = levels[first..].first_chunk::<8>().map_or(f32x8::ZERO, |half| f32x8::from(*half));
        i16x8::from_i32x8_saturate((half + 0.5).fast_trunc_int())
    });
    u8x16::narrow_i16x8(low, high)
}

/// Returns the nearest level.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn byte(level: f32) -> u8 {
    (level + 0.5) as u8
}

#[expect(clippy::cast_possible_truncation, reason = "lanes are below 16")]
const fn spread() -> [[[u8; LANES]; 3]; 3] {
    let mut table = [[[NONE; LANES]; 3]; 3];
    let mut at = 0;
    while at < 3 * LANES {
        table[at / LANES][at % 3][at % LANES] = (at / 3) as u8;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_gets_its_nearest_levels_at_any_position_in_the_row() {
        for width in [1, 15, 16, 17, 50] {
            let row = |scale: f32, offset: f32| -> Vec<f32> {
                (0..width).map(|x| x as f32 * scale + offset).collect()
            };
            let [red, green, blue] = [row(13.37, -40.0), row(-7.7, 300.0), row(0.5, 0.0)];
            let mut out = vec![[0; 3]; width];
            write_row(&mut out, [&red, &green, &blue]);
            for (x, pixel) in out.into_iter().enumerate() {
                assert_eq!(pixel, [red[x], green[x], blue[x]].map(byte), "{x} of {width}");
            }
        }
    }
}
