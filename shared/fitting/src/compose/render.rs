//! The fine pass: every pixel of the fitted face from its photo, its template and the coarse planes.

use super::grid::Grid;
use super::logarithm::{exp, ln};
use super::plane::{Plane, Upsampler};
use super::shading::LOG_OFFSET;
use super::tone::Tone;

/// The share of chroma detail that skin keeps: the rest is mostly noise and mottling of the light.
const CHROMA_KEPT: f32 = 0.55;
/// The chroma of dark detail fades with its depth (in logarithms) at this rate, to no less than the second:
/// coloured shadows would be re-lit in the wrong colour.
const DARK_CHROMA_RATE: f32 = 0.8;
const DARK_CHROMA_MIN: f32 = 0.35;
/// Detail darker than this keeps up to half of its own hue over the given range: hair, pupils, frames.
const DARK: f32 = 0.35;
const DARK_RANGE: f32 = 0.6;
const DARK_HUE_KEPT: f32 = 0.5;
/// The share of luma above the shoulder that is taken away.
const COMPRESSION: f32 = 0.45;

/// The columns of each fine row that `alpha` (coarse) touches.
pub(super) fn touched_columns(alpha: &Plane, grid: &Grid) -> Vec<std::ops::Range<usize>> {
    let coarse: Vec<_> = alpha
        .rows()
        .map(|row| {
            let first = row.iter().position(|&a| a > 0.0)?;
            let last = row.iter().rposition(|&a| a > 0.0)?;
            Some((first, last))
        })
        .collect();
    (0..grid.fine_height())
        .map(|y| {
            // Interpolation reaches half a block beyond a sample's own, on either side.
            let block = y / grid.step;
            let rows = &coarse[block.saturating_sub(1)..(block + 2).min(coarse.len())];
            let first = rows.iter().flatten().map(|&(first, _)| first).min();
            let last = rows.iter().flatten().map(|&(_, last)| last).max();
            match (first, last) {
                (Some(first), Some(last)) => {
                    first.saturating_sub(1) * grid.step..((last + 2) * grid.step).min(grid.fine_width())
                }
                _ => 0..0,
            }
        })
        .collect()
}

/// Turns the photo's colours (fine planes, 8-bit levels) into the fitted face's, within `spans`.
pub(super) fn relight(photo: &mut [Plane; 3], tone: &Tone, grid: &Grid, spans: &[std::ops::Range<usize>]) {
    let coarse: Vec<&Plane> = tone
        .photo_low
        .iter()
        .chain(&tone.contrast)
        .chain(&tone.chroma_gain)
        .chain([&tone.luma_gain, &tone.hue_kept, &tone.shoulder, &tone.soft, &tone.lips])
        .collect();
    let mut upsampler = Upsampler::new(grid.step, grid.width);
    let mut rows = vec![vec![0.0; grid.fine_width()]; coarse.len()];
    for (y, span) in spans.iter().enumerate() {
        for (row, plane) in rows.iter_mut().zip(&coarse) {
            upsampler.row(plane, y, span.clone(), row);
        }
        let [red, green, blue] = photo;
        let [red, green, blue] = [red, green, blue].map(|plane| &mut plane.row_mut(y)[span.clone()]);
        let planes: Vec<&[f32]> = rows.iter().map(|row| &row[span.clone()]).collect();
        relight_row(red, green, blue, &planes, tone.deepening);
    }
}

/// The arithmetic of one row. The three rows written are arguments of their own, and the function is not
/// inlined, so that the compiler knows them apart from all that is read and vectorises the loop.
#[inline(never)]
fn relight_row(red: &mut [f32], green: &mut [f32], blue: &mut [f32], planes: &[&[f32]], deepening: f32) {
    let length = red.len();
    let (green, blue) = (&mut green[..length], &mut blue[..length]);
    let plane = |i: usize| &planes[i][..length];
    let low = [plane(0), plane(1), plane(2)];
    let contrast = [plane(3), plane(4), plane(5)];
    let chroma_gain = [plane(6), plane(7), plane(8)];
    let (luma_gain, hue_kept, shoulder, soft, lips) = (plane(9), plane(10), plane(11), plane(12), plane(13));
    for x in 0..length {
        let logs = [red[x], green[x], blue[x]].map(|v| ln(v.max(0.0) + LOG_OFFSET));
        let detail: [f32; 3] = std::array::from_fn(|c| logs[c] - low[c][x] + contrast[c][x]);
        let y = (detail[0] + detail[1] + detail[2]) / 3.0;
        let dark_chroma = (1.0 + DARK_CHROMA_RATE * y.min(0.0)).max(DARK_CHROMA_MIN);
        let chroma_share =
            (1.0 - (1.0 - CHROMA_KEPT) * (1.0 - soft[x])) * (1.0 - (1.0 - dark_chroma) * (1.0 - lips[x]));
        let deepened = y + deepening * soft[x] * y.min(0.0);
        let dark_hue = ((-deepened - DARK) / DARK_RANGE).clamp(0.0, 1.0) * DARK_HUE_KEPT * (1.0 - lips[x]);
        let transfer = 1.0 - hue_kept[x].max(dark_hue);
        let lit: [f32; 3] = std::array::from_fn(|c| {
            low[c][x]
                + luma_gain[x]
                + deepened
                + (detail[c] - y) * chroma_share
                + chroma_gain[c][x] * transfer
        });
        let luma = (lit[0] + lit[1] + lit[2]) / 3.0;
        let excess = (luma - shoulder[x]).max(0.0) * COMPRESSION;
        [red[x], green[x], blue[x]] = lit.map(|v| exp(v - excess) - LOG_OFFSET);
    }
}

/// Blends the fitted face over the warped template into `out`, the template's own picture.
///
/// `alpha` is coarse; `template` are fine planes (red, green, blue, mask of what stays in front).
pub(super) fn blend(
    out: &mut crate::pixels::RgbImage,
    face: &[Plane; 3],
    template: &[Plane; 4],
    alpha: &Plane,
    grid: &Grid,
) {
    let mut upsampler = Upsampler::new(grid.step, grid.width);
    let (width, height) = (out.width(), out.height());
    let columns = grid.fine_width().min(width - grid.left);
    let mut shares = vec![0.0; grid.fine_width()];
    for y in 0..grid.fine_height().min(height - grid.top) {
        upsampler.row(alpha, y, 0..columns, &mut shares);
        let start = ((grid.top + y) * width + grid.left) * 3;
        let pixels = out.data_mut()[start..start + columns * 3].as_chunks_mut::<3>().0;
        let [r, g, b, front] = template.each_ref().map(|plane| &plane.row(y)[..columns]);
        let [fr, fg, fb] = face.each_ref().map(|plane| &plane.row(y)[..columns]);
        for x in 0..columns {
            let share = shares[x] * (1.0 - front[x].clamp(0.0, 1.0));
            let mix = |t: f32, f: f32| byte(t + (f - t) * share);
            pixels[x] = [mix(r[x], fr[x]), mix(g[x], fg[x]), mix(b[x], fb[x])];
        }
    }
}

/// The nearest 8-bit level.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates at 0 and 255")]
fn byte(level: f32) -> u8 {
    (level + 0.5) as u8
}
