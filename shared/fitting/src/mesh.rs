//! The face mesh: 478 points on one face (MediaPipe's canonical order; the last ten are the irises).
//!
//! x runs right and y down, in pixels of the image that the points belong to; integer coordinates are pixel centres.
//! z has the scale of x; smaller is nearer to the camera, and 0 is about the head's centre. The points of a user's
//! face exist only while a work is made: the type cannot be serialised, its `Debug` prints no points, and it is wiped
//! on drop. Module `topology` lists which points form the eyes or the oval.

use std::fmt;

use zeroize::Zeroize;

use crate::topology::{LEFT_EYE, RIGHT_EYE};

/// How many points a mesh has.
pub const MESH_POINTS: usize = 478;

/// One face's points.
///
/// It cannot be serialised:
///
/// ```compile_fail
/// fn needs_serialize<T: serde::Serialize>() {}
/// needs_serialize::<fitting::Mesh>();
/// ```
#[derive(Clone)]
pub struct Mesh {
    points: Vec<[f32; 3]>,
}

impl Mesh {
    /// Makes a mesh of exactly [`MESH_POINTS`] finite points; `None` for anything else.
    #[must_use]
    pub fn from_points(points: Vec<[f32; 3]>) -> Option<Self> {
        let finite = points.iter().flatten().all(|v| v.is_finite());
        (points.len() == MESH_POINTS && finite).then_some(Self { points })
    }

    /// All points, in MediaPipe's order.
    #[must_use]
    pub fn points(&self) -> &[[f32; 3]] {
        &self.points
    }

    /// Returns x and y of one point. Panics if `index` is [`MESH_POINTS`] or more, as slices do.
    #[must_use]
    pub fn xy(&self, index: usize) -> [f32; 2] {
        let [x, y, _] = self.points[index];
        [x, y]
    }

    /// The upright box around all points: left, top, right, bottom.
    #[must_use]
    pub fn bounds(&self) -> [f32; 4] {
        let start = [f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY];
        self.points.iter().fold(start, |[left, top, right, bottom], &[x, y, _]| {
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        })
    }

    /// Returns the distance between the centres of the eyes.
    pub(crate) fn eye_distance(&self) -> f32 {
        eye_distance(&self.points)
    }

    /// Returns the face with `map` applied to every point, to change the coordinate system.
    #[must_use]
    pub fn mapped(&self, map: impl Fn([f32; 3]) -> [f32; 3]) -> Self {
        Self { points: self.points.iter().map(|&p| map(p)).collect() }
    }
}

/// Returns the distance between the centres of the eyes of these points, which are in a mesh's order.
#[expect(clippy::cast_precision_loss, reason = "lists of points are short")]
pub(crate) fn eye_distance(points: &[[f32; 3]]) -> f32 {
    let mean = |eye: &[usize]| {
        [0, 1].map(|axis| eye.iter().map(|&point| points[point][axis]).sum::<f32>() / eye.len() as f32)
    };
    let (right, left) = (mean(&RIGHT_EYE), mean(&LEFT_EYE));
    (left[0] - right[0]).hypot(left[1] - right[1])
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.points.zeroize();
    }
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mesh(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mesh_needs_all_points_and_only_finite_ones() {
        assert!(Mesh::from_points(vec![[0.0; 3]; MESH_POINTS]).is_some());
        assert!(Mesh::from_points(vec![[0.0; 3]; 468]).is_none());
        assert!(Mesh::from_points(vec![[f32::NAN; 3]; MESH_POINTS]).is_none());
    }

    #[test]
    fn debug_prints_no_coordinate() {
        let mesh = Mesh::from_points(vec![[12.5; 3]; MESH_POINTS]).unwrap();
        assert_eq!(format!("{mesh:?}"), "Mesh(…)");
    }

    #[test]
    fn bounds_enclose_every_point() {
        let mut points = vec![[5.0, 5.0, 0.0]; MESH_POINTS];
        points[3] = [1.0, 9.0, 0.0];
        assert_eq!(Mesh::from_points(points).unwrap().bounds(), [1.0, 5.0, 5.0, 9.0]);
    }
}
