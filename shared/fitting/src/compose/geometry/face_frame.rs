//! The face's own frame of reference on the coarse raster: its unit, its axes, its heights.

use crate::compose::raster::plane::Plane;
use crate::compose::raster::polygon::Polygon;
use crate::topology::{BROW_LINE, LEFT_EYE, NOSE_ROOT, OVAL, RIGHT_EYE};

/// The distance from the rim is computed at every fourth sample and interpolated. It is smooth where it matters.
const RIM_STEP: usize = 4;

/// A frame of reference fixed to a face: lengths in eye distances, directions along the eye line and across it.
pub(crate) struct FaceFrame {
    /// The distance between the centres of the eyes, in coarse samples.
    pub(crate) unit: f32,
    right: [f32; 2],
    root: [f32; 2],
    brow: [f32; 2],
}

impl FaceFrame {
    /// Builds the frame of a face whose points are given in coarse coordinates; `unit` is the template's.
    pub(crate) fn new(points: &[[f32; 2]], unit: f32) -> Self {
        let [a, b] = [mean(points, &RIGHT_EYE), mean(points, &LEFT_EYE)];
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length = dx.hypot(dy).max(1e-6);
        Self {
            unit,
            right: [dx / length, dy / length],
            root: points[NOSE_ROOT],
            brow: mean(points, &BROW_LINE),
        }
    }

    /// Returns the height above the brow line, in eye distances, upwards positive.
    pub(crate) fn above_brows(&self, x: f32, y: f32) -> f32 {
        ((x - self.brow[0]) * self.right[1] - (y - self.brow[1]) * self.right[0]) / self.unit
    }

    /// Returns the distance from the face's midline along the eye line, in eye distances.
    pub(crate) fn midline_distance(&self, x: f32, y: f32) -> f32 {
        self.midline_offset(x, y).abs()
    }

    /// As [`Self::midline_distance`] with a sign: negative on the face's right half, which is on the left in the
    /// image.
    pub(crate) fn midline_offset(&self, x: f32, y: f32) -> f32 {
        ((x - self.root[0]) * self.right[0] + (y - self.root[1]) * self.right[1]) / self.unit
    }
}

/// Returns the mean of the points with these indices.
pub(crate) fn mean(points: &[[f32; 2]], indices: &[usize]) -> [f32; 2] {
    let count = indices.len() as f32;
    [0, 1].map(|axis| indices.iter().map(|&i| points[i][axis]).sum::<f32>() / count)
}

/// Computes the distance from the rim of the face at every coarse sample, in eye distances, positive inside.
pub(crate) fn rim_distance(points: &[[f32; 2]], unit: f32, width: usize, height: usize) -> Plane {
    let rim = Polygon::ring(OVAL.map(|i| points[i]));
    let nodes = nodes(width, height, |x, y| rim.distance(x, y) / unit);
    nodes.enlarged(RIM_STEP, width, height)
}

/// Computes a smooth function at every fourth sample; the caller enlarges it by [`RIM_STEP`].
pub(crate) fn nodes(width: usize, height: usize, value: impl Fn(f32, f32) -> f32) -> Plane {
    let centre = |i: usize| (RIM_STEP * i) as f32 + (RIM_STEP - 1) as f32 / 2.0;
    Plane::from_fn(width.div_ceil(RIM_STEP), height.div_ceil(RIM_STEP), |x, y| value(centre(x), centre(y)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::golden::mesh;
    use crate::topology::SURFACE_POINTS;

    #[test]
    fn heights_and_sides_turn_with_the_face() {
        for roll in [0.0_f32, 0.5, 2.0, -1.2] {
            let (sin, cos) = roll.sin_cos();
            let mesh = mesh("obama.jpg");
            let points: Vec<[f32; 2]> = mesh.points()[..SURFACE_POINTS]
                .iter()
                .map(|[x, y, _]| [cos * x - sin * y, sin * x + cos * y])
                .collect();
            let frame = FaceFrame::new(&points, 100.0);
            let at = |i: usize| points[i];
            let chin = at(152);
            assert!(
                frame.above_brows(chin[0], chin[1]) < -1.5 && frame.midline_distance(chin[0], chin[1]) < 0.15
            );
            let (right, left) = (at(33), at(263));
            assert!(
                frame.midline_offset(right[0], right[1]) < -0.5
                    && frame.midline_offset(left[0], left[1]) > 0.5
            );
        }
    }
}
