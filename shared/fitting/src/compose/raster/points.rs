//! Helpers for the points of a face.

use zeroize::Zeroizing;

/// Points and measurements of a face, wiped on drop.
pub(crate) type Wiped<T> = Zeroizing<Vec<T>>;

/// Returns the points without their depth.
pub(crate) fn flat(points: &[[f32; 3]]) -> Wiped<[f32; 2]> {
    Zeroizing::new(points.iter().map(|&[x, y, _]| [x, y]).collect())
}

/// Returns the box around points, grown by `margin`: left, top, right, bottom.
pub(crate) fn bounds(points: &[[f32; 2]], margin: f32) -> [f32; 4] {
    let low = |axis: usize| points.iter().map(|p| p[axis]).fold(f32::INFINITY, f32::min) - margin;
    let high = |axis: usize| points.iter().map(|p| p[axis]).fold(f32::NEG_INFINITY, f32::max) + margin;
    [low(0), low(1), high(0), high(1)]
}
