//! Helpers for the points of a face.

use zeroize::Zeroizing;

use crate::compose::geometry::face_frame;
use crate::topology::{LEFT_EYE, RIGHT_EYE};

/// Points and measurements of a face, wiped on drop.
pub(crate) type Wiped<T> = Zeroizing<Vec<T>>;

/// Returns the points without their depth.
pub(crate) fn flat(points: &[[f32; 3]]) -> Wiped<[f32; 2]> {
    Zeroizing::new(points.iter().map(|&[x, y, _]| [x, y]).collect())
}

/// Returns the distance between the centres of the eyes of a mesh's surface.
pub(crate) fn eye_distance(points: &[[f32; 3]]) -> f32 {
    let flat = flat(points);
    let (right, left) = (face_frame::mean(&flat, &RIGHT_EYE), face_frame::mean(&flat, &LEFT_EYE));
    (left[0] - right[0]).hypot(left[1] - right[1])
}
