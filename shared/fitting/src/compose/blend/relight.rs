//! The arithmetic of one row: the photo's detail in the template's light.

use crate::compose::raster::logarithm::LOG_OFFSET;
use crate::compose::raster::logarithm::{exp, ln};

/// The number of planes of the tone.
pub(crate) const PLANES: usize = 12;

/// The share of chroma detail that skin keeps; the rest is mostly noise and mottled light.
const CHROMA_KEPT: f32 = 0.55;
/// The chroma of dark detail falls with its depth (in logarithms) at this rate, to no less than the minimum: coloured
/// shadows would be re-lit in the wrong colour.
const DARK_CHROMA_RATE: f32 = 0.8;
const DARK_CHROMA_MIN: f32 = 0.35;
/// Detail darker than `DARK` keeps a share of its own hue, up to `DARK_HUE_KEPT` at `DARK_RANGE` below: hair, pupils,
/// spectacle frames.
const DARK: f32 = 0.35;
const DARK_RANGE: f32 = 0.6;
const DARK_HUE_KEPT: f32 = 0.5;
/// The share of luma above the shoulder that is removed.
const COMPRESSION: f32 = 0.45;

/// Turns the photo's colours (8-bit levels) into the fitted face's. `planes` are those of
/// [`crate::compose::blend::tone::Tone`], as are the `deepening` and the share of its own `colour` that the photo
/// keeps.
///
/// The three rows written are separate arguments, and the function is not inlined. The compiler then knows that they
/// do not overlap with what is read, and vectorises the loop.
#[inline(never)]
pub(crate) fn relight_row(
    red: &mut [f32],
    green: &mut [f32],
    blue: &mut [f32],
    planes: &[&[f32]; PLANES],
    deepening: f32,
    colour: f32,
) {
    let length = red.len();
    let (green, blue) = (&mut green[..length], &mut blue[..length]);
    let [p0, p1, p2, b0, b1, b2, red_gain, green_gain, hue_kept, headroom, soft, lips] =
        planes.map(|plane| &plane[..length]);
    for x in 0..length {
        let logs = [red[x], green[x], blue[x]].map(|v| ln(v.max(0.0) + LOG_OFFSET));
        let detail = [logs[0] - p0[x], logs[1] - p1[x], logs[2] - p2[x]];
        let y = (detail[0] + detail[1] + detail[2]) * (1.0 / 3.0);
        let dark_chroma = (1.0 + DARK_CHROMA_RATE * y.min(0.0)).max(DARK_CHROMA_MIN);
        let chroma_share = colour
            * (1.0 - (1.0 - CHROMA_KEPT) * (1.0 - soft[x]))
            * (1.0 - (1.0 - dark_chroma) * (1.0 - lips[x]));
        let deepened = y + deepening * soft[x] * y.min(0.0);
        let dark_hue = ((-deepened - DARK) * (1.0 / DARK_RANGE)).clamp(0.0, 1.0)
            * (DARK_HUE_KEPT * colour)
            * (1.0 - lips[x]);
        let transfer = 1.0 - hue_kept[x].max(dark_hue);
        let gain = [red_gain[x], green_gain[x], -(red_gain[x] + green_gain[x])];
        let luma = deepened - (deepened - headroom[x]).max(0.0) * COMPRESSION;
        let lit = |c: usize, base: f32| {
            exp(base + luma + (detail[c] - y) * chroma_share + gain[c] * transfer) - LOG_OFFSET
        };
        red[x] = lit(0, b0[x]);
        green[x] = lit(1, b1[x]);
        blue[x] = lit(2, b2[x]);
    }
}
