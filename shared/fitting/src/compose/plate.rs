//! The clean plate: the template without its own eyes and brows, for where the photo's do not cover them.
//!
//! The mesh puts the template's features exactly under the photo's, but its brows may be longer and its
//! lids darker than those, and what sticks out would be seen as a second brow or a smear beside the eye.
//! There the template's skin is painted in: its shading without detail.

use super::blur::gaussian;
use super::frame::Frame;
use super::grid::Grid;
use super::logarithm::exp;
use super::plane::{Plane, Upsampler};
use super::polygon::Polygon;
use super::render::touched_columns;
use super::shading::LOG_OFFSET;
use super::surface::Surface;
use crate::topology::{LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE};

/// How far lashes, make-up and shadow reach around an eye, and hairs around a brow, in eye distances.
const EYE_GROW: f32 = 0.13;
const BROW_GROW: f32 = 0.08;
/// Hair that hangs in from above this height (eye distances over the brow line) stays: it is a fringe.
const FRINGE_HEIGHT: f32 = 0.28;
/// The rim belongs to the template, and hair beside the face is no fringe.
const RIM: f32 = 0.06;

/// The share of painted skin at every coarse sample.
pub(super) fn share(points: &[[f32; 2]], frame: &Frame, rim: &Plane, template: &Surface) -> Plane {
    let mut mask = Plane::new(rim.width(), rim.height());
    for (eye, brow) in [(RIGHT_EYE, RIGHT_BROW), (LEFT_EYE, LEFT_BROW)] {
        Polygon::hull(eye.map(|i| points[i])).paint(&mut mask, EYE_GROW * frame.unit);
        Polygon::hull(brow.map(|i| points[i])).paint(&mut mask, BROW_GROW * frame.unit);
    }
    let fringe = gaussian(&fringe(&template.skin, frame, rim), 0.02 * frame.unit);
    gaussian(&mask, 0.03 * frame.unit)
        .zip(&fringe, |m, fringe| m * (1.0 - 2.0 * fringe).max(0.0))
        .zip(rim, |m, d| m * ((d - 0.5 * RIM) / RIM).clamp(0.0, 1.0))
}

/// What is not skin and hangs together with something above [`FRINGE_HEIGHT`].
fn fringe(skin: &Plane, frame: &Frame, rim: &Plane) -> Plane {
    let (width, height) = (skin.width(), skin.height());
    let hair = |x: usize, y: usize| skin.row(y)[x] < 0.5 && rim.row(y)[x] > RIM;
    let mut fringe = Plane::new(width, height);
    let mut open = Vec::new();
    for y in 0..height {
        for x in 0..width {
            if frame.height(x as f32, y as f32) > FRINGE_HEIGHT && hair(x, y) {
                fringe.row_mut(y)[x] = 1.0;
                open.push((x, y));
            }
        }
    }
    while let Some((x, y)) = open.pop() {
        let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)].into_iter();
        for (x, y) in neighbours.filter(|&(x, y)| x < width && y < height) {
            if fringe.row(y)[x] == 0.0 && hair(x, y) {
                fringe.row_mut(y)[x] = 1.0;
                open.push((x, y));
            }
        }
    }
    fringe
}

/// Paints the template's shading over its features (fine planes, 8-bit levels) as far as `share` says.
pub(super) fn paint(template: &mut [Plane; 4], share: &Plane, low: &[Plane; 3], grid: &Grid) {
    let mut upsampler = Upsampler::new(grid.step, grid.width);
    let (mut shares, mut shading) = (vec![0.0; grid.fine_width()], vec![0.0; grid.fine_width()]);
    for (y, span) in touched_columns(share, grid).into_iter().enumerate() {
        upsampler.row(share, y, span.clone(), &mut shares);
        for (plane, low) in template.iter_mut().zip(low) {
            upsampler.row(low, y, span.clone(), &mut shading);
            let pixels = plane.row_mut(y)[span.clone()].iter_mut();
            for (v, (&share, &l)) in pixels.zip(shares[span.clone()].iter().zip(&shading[span.clone()])) {
                *v += (exp(l) - LOG_OFFSET - *v) * share;
            }
        }
    }
}
