//! Detects faces with BlazeFace: the short-range network finds near faces, the full-range network finds faces further
//! away.
//!
//! Sources: Bazarevsky et al., "BlazeFace" (2019), and the anchor, decoding and suppression settings of MediaPipe's
//! face detection graphs. Boxes and keypoints are in pixels of the upright photo.

use std::cmp::Reverse;
use std::f32::consts::FRAC_PI_4;

use zeroize::Zeroizing;

use crate::error::FittingError;
use crate::models::{Models, Network};
use crate::photo::{Photo, QuarterTurn};
use crate::region::Region;

/// A face as a detector reports it. It is not wiped: it lives on the stack for a few milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Face {
    /// Centre of the box, x and y.
    pub(crate) centre: [f32; 2],
    /// Width and height of the box.
    pub(crate) size: [f32; 2],
    /// Eyes (the person's right one first), nose tip, mouth, ear tragions (right first).
    pub(crate) keypoints: [[f32; 2]; 6],
    /// Probability, 0 to 1.
    pub(crate) score: f32,
}

/// One detector's anchor layout.
struct Anchors {
    /// Cells per side and anchors per cell, in the order of the outputs.
    grids: &'static [(usize, usize)],
    /// Candidates below this probability are dropped.
    score_min: f32,
}

/// The minimum is MediaPipe's.
const SHORT_RANGE: Anchors = Anchors { grids: &[(16, 2), (8, 6)], score_min: 0.5 };
/// MediaPipe's minimum is 0.6. Small faces and faces lying sideways score down to 0.4. The search checks every
/// detection of this network more closely.
const FULL_RANGE: Anchors = Anchors { grids: &[(48, 1)], score_min: 0.4 };

/// Boxes that overlap by more than this share (intersection over union) are the same face.
const OVERLAP_MIN: f32 = 0.3;

/// Boxes from two networks that overlap by more than this share may belong to one face.
const TOUCH_MIN: f32 = 0.2;

/// Regions with a longer side than twice this are averaged over squares before sampling, so that the noise of large
/// photos does not alias into the detectors.
const SAMPLED_SIDE: usize = 1024;

/// Values per box in the output: centre, size, six keypoints.
const BOX_VALUES: usize = 16;

/// Runs the short-range detector on a region of the upright photo; returns the most probable face first.
pub(crate) fn detect_near(models: &Models, photo: &Photo, region: Region) -> Result<Vec<Face>, FittingError> {
    run(&models.short_range, &SHORT_RANGE, photo, region)
}

/// Runs the short-range detector on a square around a point; pixels beyond the photo are black.
pub(crate) fn detect_around(
    models: &Models,
    photo: &Photo,
    [x, y]: [f32; 2],
    side: f32,
) -> Result<Vec<Face>, FittingError> {
    let origin = [x - side / 2.0, y - side / 2.0];
    let region = photo.region([origin[0], origin[1], origin[0] + side, origin[1] + side]);
    run_on(&models.short_range, &SHORT_RANGE, |cells| {
        Letterbox::square(photo, photo.extent(region), origin, side, cells)
    })
}

/// Runs the full-range detector on a region of the upright photo; returns the most probable face first.
pub(crate) fn detect_far(models: &Models, photo: &Photo, region: Region) -> Result<Vec<Face>, FittingError> {
    run(models.full_range()?, &FULL_RANGE, photo, region)
}

impl Face {
    /// Area of the box in square pixels.
    pub(crate) fn area(&self) -> f32 {
        self.size[0] * self.size[1]
    }

    /// The longer side of the box.
    pub(crate) fn side(&self) -> f32 {
        self.size[0].max(self.size[1])
    }

    /// The angle between the line of the eyes and the horizontal, clockwise, in radians.
    pub(crate) fn roll(&self) -> f32 {
        let [[right_x, right_y], [left_x, left_y], ..] = self.keypoints;
        (left_y - right_y).atan2(left_x - right_x)
    }

    /// Whether the line of the eyes is nearer to horizontal than to vertical, with the person's right eye on the
    /// left.
    pub(crate) fn is_level(&self) -> bool {
        self.roll().abs() < FRAC_PI_4
    }

    /// The turn of the photo that makes the eyes level; `None` if they already are.
    pub(crate) fn turn_upright(&self) -> Option<QuarterTurn> {
        let roll = self.roll();
        if roll.abs() < FRAC_PI_4 {
            None
        } else if roll.abs() > 3.0 * FRAC_PI_4 {
            Some(QuarterTurn::Half)
        } else if roll > 0.0 {
            Some(QuarterTurn::Left)
        } else {
            Some(QuarterTurn::Right)
        }
    }

    /// The same face after a turn of the photo, whose width and height before the turn are given.
    #[expect(clippy::cast_precision_loss, reason = "photo sides are below 2¹⁶")]
    pub(crate) fn turned(&self, turn: QuarterTurn, (width, height): (usize, usize)) -> Self {
        let (right, bottom) = (width as f32 - 1.0, height as f32 - 1.0);
        let point = |[x, y]: [f32; 2]| match turn {
            QuarterTurn::Right => [bottom - y, x],
            QuarterTurn::Half => [right - x, bottom - y],
            QuarterTurn::Left => [y, right - x],
        };
        let [across, down] = self.size;
        Self {
            centre: point(self.centre),
            size: if turn == QuarterTurn::Half { self.size } else { [down, across] },
            keypoints: self.keypoints.map(point),
            score: self.score,
        }
    }

    /// The same face in another decoding of the photo, which is `scale` times as large; `point` maps its points.
    pub(crate) fn mapped(&self, scale: f32, point: impl Fn([f32; 2]) -> [f32; 2]) -> Self {
        Self {
            centre: point(self.centre),
            size: self.size.map(|size| size * scale),
            keypoints: self.keypoints.map(&point),
            score: self.score,
        }
    }

    /// Whether both boxes may belong to one face.
    pub(crate) fn touches(&self, other: &Self) -> bool {
        overlap(self, other) > TOUCH_MIN
    }

    /// Whether both boxes show the same face.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        overlap(self, other) > OVERLAP_MIN
    }
}

fn run(
    network: &Network,
    anchors: &Anchors,
    photo: &Photo,
    region: Region,
) -> Result<Vec<Face>, FittingError> {
    run_on(network, anchors, |cells| Letterbox::of(photo, region, cells))
}

fn run_on(
    network: &Network,
    anchors: &Anchors,
    letterbox: impl FnOnce(usize) -> Letterbox,
) -> Result<Vec<Face>, FittingError> {
    let letterbox = letterbox(network.input_side());
    let outputs = Zeroizing::new(network.run(&letterbox.input)?);
    let candidates = anchors.faces(&outputs[0], &outputs[1], network.input_side());
    Ok(merge(candidates).iter().map(|face| letterbox.in_photo(face)).collect())
}

/// A region scaled into a detector's square input, and the values that map points back to the photo.
struct Letterbox {
    /// NHWC samples, −1 to 1; the margins are −1.
    input: Zeroizing<Vec<f32>>,
    /// Side of the square around the region, in the photo's pixels.
    side: f32,
    /// Position of the square in the photo.
    origin: [f32; 2],
}

impl Letterbox {
    fn of(photo: &Photo, region: Region, cells: usize) -> Self {
        let [left, top, right, bottom] = photo.extent(region);
        let (width, height) = (right - left, bottom - top);
        let side = width.max(height);
        let origin = [left - (side - width) / 2.0, top - (side - height) / 2.0];
        Self::square(photo, [left, top, right, bottom], origin, side, cells)
    }

    /// Samples bilinearly, input pixel i of N at i/N of the square, as MediaPipe does: the detector was trained on
    /// such pictures, and the mesh depends on its boxes. Large photos are averaged a little.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "sides are below 2¹⁶"
    )]
    fn square(
        photo: &Photo,
        [left, top, right, bottom]: [f32; 4],
        origin: [f32; 2],
        side: f32,
        cells: usize,
    ) -> Self {
        let reach = side as usize / SAMPLED_SIDE;
        let mut input = Zeroizing::new(Vec::with_capacity(cells * cells * 3));
        for row in 0..cells {
            let y = origin[1] + row as f32 * side / cells as f32;
            for column in 0..cells {
                let x = origin[0] + column as f32 * side / cells as f32;
                let across = x > left - 0.5 && x < right - 0.5;
                let down = y > top - 0.5 && y < bottom - 0.5;
                let rgb = if across && down { photo.sample(x, y, reach) } else { [0.0; 3] };
                input.extend(rgb.map(|v| v / 127.5 - 1.0));
            }
        }
        Self { input, side, origin }
    }

    /// Converts a face from shares of the square to pixels of the photo.
    fn in_photo(&self, face: &Face) -> Face {
        let point = |p: [f32; 2]| [0, 1].map(|k| p[k] * self.side + self.origin[k]);
        Face {
            centre: point(face.centre),
            size: face.size.map(|size| size * self.side),
            keypoints: face.keypoints.map(point),
            score: face.score,
        }
    }
}

impl Anchors {
    /// Decodes the candidates above the score limit, as shares of the input square.
    #[expect(clippy::cast_precision_loss, reason = "grids and sides are below 2¹⁶")]
    fn faces(&self, boxes: &[f32], logits: &[f32], side: usize) -> Vec<Face> {
        let side = side as f32;
        let anchors = self.grids.iter().flat_map(|&(cells, per_cell)| {
            let centre = move |n: usize| (n as f32 + 0.5) / cells as f32;
            (0..cells * cells * per_cell).map(move |k| {
                let cell = k / per_cell;
                [centre(cell % cells), centre(cell / cells)]
            })
        });
        let mut faces = Vec::new();
        for ((anchor, raw), &logit) in anchors.zip(boxes.chunks_exact(BOX_VALUES)).zip(logits) {
            let score = 1.0 / (1.0 + (-logit).exp());
            let sides = [raw[2] / side, raw[3] / side];
            let is_valid = sides.iter().all(|&s| s > 0.0) && raw.iter().all(|v| v.is_finite());
            if score.is_nan() || score < self.score_min || !is_valid {
                continue;
            }
            let point = |k: usize| [raw[k] / side + anchor[0], raw[k + 1] / side + anchor[1]];
            faces.push(Face {
                centre: point(0),
                size: sides,
                keypoints: [4, 6, 8, 10, 12, 14].map(point),
                score,
            });
        }
        faces
    }
}

/// Weighted non-maximum suppression: merges overlapping candidates into one, weighted by their scores.
fn merge(mut candidates: Vec<Face>) -> Vec<Face> {
    candidates.sort_by_key(|face| Reverse(face.score.to_bits()));
    let mut faces = Vec::new();
    while let Some(&best) = candidates.first() {
        let (same, other): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|face| face.overlaps(&best));
        // Boxes have an area, so the best one overlaps itself and the loop ends.
        faces.push(average(&same, best.score));
        candidates = other;
    }
    faces
}

fn average(faces: &[Face], score: f32) -> Face {
    let total: f32 = faces.iter().map(|face| face.score).sum();
    let mean = |value: &dyn Fn(&Face) -> [f32; 2]| {
        [0, 1].map(|k| faces.iter().map(|face| face.score * value(face)[k]).sum::<f32>() / total)
    };
    Face {
        centre: mean(&|face| face.centre),
        size: mean(&|face| face.size),
        keypoints: std::array::from_fn(|n| mean(&|face| face.keypoints[n])),
        score,
    }
}

/// Intersection over union of two boxes.
fn overlap(a: &Face, b: &Face) -> f32 {
    let shared = [0, 1].map(|k| {
        let low = (a.centre[k] - a.size[k] / 2.0).max(b.centre[k] - b.size[k] / 2.0);
        let high = (a.centre[k] + a.size[k] / 2.0).min(b.centre[k] + b.size[k] / 2.0);
        (high - low).max(0.0)
    });
    let intersection = shared[0] * shared[1];
    let union = a.size[0] * a.size[1] + b.size[0] * b.size[1] - intersection;
    if union > 0.0 { intersection / union } else { 0.0 }
}
