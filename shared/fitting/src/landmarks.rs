//! Computes the mesh of a detected face: runs the network on a square region of interest that is level with the eyes.
//!
//! Follows MediaPipe's face landmark graph (region 1.5 times the box, destination pixel i of N at i/N of the region),
//! so that points agree with MediaPipe's to a fraction of a pixel.

use zeroize::Zeroizing;

use crate::detect::Face;
use crate::error::FittingError;
use crate::mesh::{MESH_POINTS, Mesh};
use crate::models::Models;
use crate::photo::Photo;
use crate::pixels::RgbImage;
use crate::region::Region;

/// Side of the region of interest as a multiple of the longer side of the detector's box.
pub(crate) const REGION_PER_BOX: f32 = 1.5;

/// The least presence of a face. Presence is 1 to seven digits for 70 faces in scenes as in `tests/faces.rs`, and up
/// to 0.994 for a cup that the detector takes for a face. Dark, bright, blurred, turned and cut faces pass this
/// limit, so that each is refused for its own reason (`gate/tests.rs`).
pub(crate) const PRESENCE_MIN: f32 = 0.999;

/// A region is averaged over blocks before sampling, but at least this many times the network's input side remains.
const OVERSAMPLING: f32 = 1.5;

/// A face's points and the network's presence score.
pub(crate) struct Landmarks {
    /// The points in pixels of the upright photo.
    pub(crate) mesh: Mesh,
    /// Presence: the network's probability that the region shows a face, 0 to 1.
    pub(crate) presence: f32,
}

/// A rotated square in pixels of the upright photo.
struct Square {
    centre: [f32; 2],
    side: f32,
    /// Cosine and sine of the angle between the line of the eyes and the horizontal, clockwise.
    turn: [f32; 2],
}

impl Square {
    fn around(face: &Face) -> Self {
        let angle = face.roll();
        Self {
            centre: face.centre,
            side: REGION_PER_BOX * face.size[0].max(face.size[1]),
            turn: [angle.cos(), angle.sin()],
        }
    }

    /// Converts shares of the square (0 to 1) to pixels of the photo.
    fn in_photo(&self, across: f32, down: f32) -> [f32; 2] {
        let [cos, sin] = self.turn;
        let (x, y) = ((across - 0.5) * self.side, (down - 0.5) * self.side);
        [self.centre[0] + x * cos - y * sin, self.centre[1] + x * sin + y * cos]
    }
}

/// Computes the mesh of a face that was detected in `photo`; its points are in the photo's pixels.
pub(crate) fn landmarks(models: &Models, photo: &Photo, face: &Face) -> Result<Landmarks, FittingError> {
    let square = Square::around(face);
    let side = models.mesh.input_side();
    let outputs = Zeroizing::new(models.mesh.run(&network_input(photo, &square, side))?);
    #[expect(clippy::cast_precision_loss, reason = "the side is 256")]
    let side = side as f32;
    let points = outputs[0].chunks_exact(3).map(|p| {
        let [x, y] = square.in_photo(p[0] / side, p[1] / side);
        [x, y, p[2] / side * square.side]
    });
    let mesh = Mesh::from_points(points.collect()).ok_or_else(|| FittingError::Model {
        name: "face_landmarks".to_owned(),
        message: format!("the output is not {MESH_POINTS} finite points"),
    })?;
    Ok(Landmarks { mesh, presence: 1.0 / (1.0 + (-outputs[1][0]).exp()) })
}

/// Samples the square as network input: NHWC, 0 to 1. Beyond the photo its edge pixels are repeated.
fn network_input(photo: &Photo, square: &Square, side: usize) -> Zeroizing<Vec<f32>> {
    #[expect(clippy::cast_precision_loss, reason = "the side is 256")]
    let side_f = side as f32;
    let view = View::around(photo, square, square.side / (side_f * OVERSAMPLING));
    let mut input = Zeroizing::new(Vec::with_capacity(side * side * 3));
    let [cos, sin] = square.turn;
    let step = square.side / side_f;
    let [x0, y0] = square.in_photo(0.0, 0.0);
    for row in 0..side {
        for column in 0..side {
            #[expect(clippy::cast_precision_loss, reason = "columns and rows are below 256")]
            let (across, down) = (column as f32 * step, row as f32 * step);
            let [r, g, b] = view.sample(x0 + across * cos - down * sin, y0 + across * sin + down * cos);
            input.extend([r / 255.0, g / 255.0, b / 255.0]);
        }
    }
    input
}

/// The part of the photo that a square touches, at a reduced scale.
struct View {
    pixels: RgbImage,
    origin: [f32; 2],
    /// Photo pixels per view pixel, across and down.
    scale: [f32; 2],
}

impl View {
    #[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the values are clamped to the photo before they become pixel counts"
    )]
    fn around(photo: &Photo, square: &Square, reduction: f32) -> Self {
        let block = (reduction.max(1.0) as usize).max(1);
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(u, v)| square.in_photo(u, v));
        let span = |k: usize, size: usize| {
            let low = corners.iter().map(|c| c[k]).fold(f32::INFINITY, f32::min);
            let high = corners.iter().map(|c| c[k]).fold(f32::NEG_INFINITY, f32::max);
            let first = (low.floor().max(0.0) as usize).min(size - 1);
            let last = ((high.ceil() + 1.0).max(1.0) as usize).clamp(first + 1, size);
            // Whole blocks only; the pixels dropped at the far edge are less than one sample.
            (first, ((last - first) / block).max(1) * block.min(last - first))
        };
        let (left, width) = span(0, photo.width());
        let (top, height) = span(1, photo.height());
        let reduced = |n: usize| (n / block).max(1);
        let pixels = photo.view(Region { left, top, width, height }, reduced(width), reduced(height));
        let scale = [width as f32 / pixels.width() as f32, height as f32 / pixels.height() as f32];
        Self { pixels, origin: [left as f32, top as f32], scale }
    }

    /// Bilinear sample at a point of the photo; outside, the nearest edge pixel.
    fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let [x, y] = [(x, 0), (y, 1)].map(|(v, k)| (v - self.origin[k] + 0.5) / self.scale[k] - 0.5);
        self.pixels.sample(x, y)
    }
}
