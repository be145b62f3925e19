//! Helpers for the points of a face.

use zeroize::Zeroizing;

/// Points and measurements of a face, wiped on drop.
pub(crate) type Wiped<T> = Zeroizing<Vec<T>>;

/// Returns the points without their depth.
pub(crate) fn flat(points: &[[f32; 3]]) -> Wiped<[f32; 2]> {
    Zeroizing::new(points.iter().map(|&[x, y, _]| [x, y]).collect())
}
