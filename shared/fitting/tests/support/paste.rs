//! Pastes portraits onto other pictures.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pictures are small"
)]

use fitting::{Models, RgbImage, find_mesh};

use super::picture;

/// The mesh points at the outer corners of the eyes, and their distance divided by that of the eye centres.
const EYE_CORNERS: [usize; 2] = [33, 263];
const CORNERS_PER_EYE_DISTANCE: f32 = 1.42;

/// A head and its surroundings.
pub(crate) struct Portrait {
    image: RgbImage,
    eye_distance: f32,
}

impl Portrait {
    /// Crops the head of a picture with a margin on each side, as a share of its mesh's size, as far as the picture
    /// extends.
    pub(crate) fn of(models: &Models, name: &str, margin: f32) -> Self {
        let mut photo = fitting::decode::decode(
            &picture(name),
            &fitting::decode::Limits::default(),
            fitting::decode::Detail::Full,
        )
        .expect("a readable picture");
        let mesh = find_mesh(models, &mut photo).expect("nothing is broken").expect("a face");
        let whole = photo.upright();
        let [left, top, right, bottom] = mesh.bounds();
        let reach = margin * (right - left).max(bottom - top);
        let [left, top] = [left - reach, top - reach].map(|v| v.max(0.0) as usize);
        let width = ((right + reach) as usize).min(whole.width()) - left;
        let height = ((bottom + reach) as usize).min(whole.height()) - top;
        let mut image = RgbImage::new(width, height);
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            image.set_pixel(x, y, whole.pixel(left + x, top + y));
        }
        let [right_eye, left_eye] = EYE_CORNERS.map(|point| mesh.points()[point]);
        let across = (left_eye[0] - right_eye[0]).hypot(left_eye[1] - right_eye[1]);
        Self { image, eye_distance: across / CORNERS_PER_EYE_DISTANCE }
    }

    /// Returns the portrait with this distance between the eyes in pixels.
    pub(crate) fn with_eyes(&self, distance: f32) -> RgbImage {
        let scale = distance / self.eye_distance;
        let side = |n: usize| (n as f32 * scale).round().max(1.0) as usize;
        scaled(&self.image, side(self.image.width()), side(self.image.height()))
    }
}

/// Scales a picture: bilinear samples, averaged if it becomes smaller.
pub(crate) fn scaled(image: &RgbImage, width: usize, height: usize) -> RgbImage {
    let (across, down) = (image.width() as f32 / width as f32, image.height() as f32 / height as f32);
    let samples = |step: f32| step.ceil().max(1.0) as usize;
    let (columns, rows) = (samples(across), samples(down));
    let mut result = RgbImage::new(width, height);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let mut sum = [0.0; 3];
        for (column, row) in (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row))) {
            let at = |n: usize, k: usize, count: usize, step: f32| {
                (n as f32 + (k as f32 + 0.5) / count as f32) * step - 0.5
            };
            let rgb = sample(image, at(x, column, columns, across), at(y, row, rows, down));
            sum = std::array::from_fn(|c| sum[c] + rgb[c]);
        }
        result.set_pixel(x, y, sum.map(|sum| (sum / (columns * rows) as f32).round() as u8));
    }
    result
}

fn sample(image: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let split = |v: f32, size: usize| {
        let v = v.clamp(0.0, (size - 1) as f32);
        (v as usize, (v as usize + 1).min(size - 1), v.fract())
    };
    let ((left, right, u), (top, bottom, v)) = (split(x, image.width()), split(y, image.height()));
    let pixel = |x: usize, y: usize, c: usize| f32::from(image.pixel(x, y)[c]);
    std::array::from_fn(|c| {
        let upper = pixel(left, top, c) * (1.0 - u) + pixel(right, top, c) * u;
        let lower = pixel(left, bottom, c) * (1.0 - u) + pixel(right, bottom, c) * u;
        upper * (1.0 - v) + lower * v
    })
}

/// Pastes a picture onto another, with its top left corner at a position; pixels beyond the edge are dropped.
pub(crate) fn paste(onto: &mut RgbImage, image: &RgbImage, (left, top): (usize, usize)) {
    let width = image.width().min(onto.width().saturating_sub(left));
    let height = image.height().min(onto.height().saturating_sub(top));
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        onto.set_pixel(left + x, top + y, image.pixel(x, y));
    }
}

/// Makes a picture of one colour.
pub(crate) fn plain((width, height): (usize, usize), colour: [u8; 3]) -> RgbImage {
    RgbImage::from_raw(width, height, colour.repeat(width * height)).expect("a raster")
}
