//! Masks of the features on the coarse raster, from the points of a face alone.

use crate::compose::geometry::face_frame::FaceFrame;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::polygon::Polygon;
use crate::topology::{INNER_LIPS, LEFT_BROW, LEFT_EYE, LIPS, NOSTRILS, RIGHT_BROW, RIGHT_EYE, SKIN_PATCHES};

/// Eyes, brows, lips and nostrils are grown by this before they count as "not skin": lashes, shadows and the line of
/// the lips belong to them. All lengths here are in eye distances.
const FEATURE_GROW: f32 = 0.06;
/// The likeness core, which is never replaced by the template, is grown by this; the brows by less, because hair
/// often begins right above them.
const CORE_GROW: f32 = 0.05;
const CORE_BROW_GROW: f32 = 0.02;
/// The surroundings of an eye reach this far beyond eye and brow.
const SURROUNDINGS_GROW: f32 = 0.22;
/// Corners of the likeness core besides eyes and lips: nose tip, cheeks, inner ends of the brows.
const CORE_CORNERS: [usize; 7] = [4, 50, 280, 107, 336, 55, 285];

/// Masks of 0..1.
pub(crate) struct Features {
    /// Eyes, brows, lips and nostrils, hard-edged.
    pub(crate) any: Plane,
    /// As `any`, with a soft edge.
    pub(crate) soft: Plane,
    /// The red of the lips.
    pub(crate) lips: Plane,
    /// Both eyeballs, hard-edged.
    pub(crate) eyes: Plane,
    /// Eyeballs and open mouth: whites of the eyes and teeth.
    pub(crate) whites: Plane,
    /// Cheeks and ridge of the nose without features: where skin is measured.
    pub(crate) skin: Plane,
    /// The likeness core: what makes a face recognisable and is never taken for hair.
    pub(crate) core: Plane,
}

impl Features {
    pub(crate) fn new(points: &[[f32; 2]], frame: &FaceFrame, rim: &Plane) -> Self {
        let (width, height, unit) = (rim.width(), rim.height(), frame.unit);
        let paint = |shapes: &[Polygon], grow: f32| {
            let mut mask = Plane::new(width, height);
            shapes.iter().for_each(|shape| shape.paint(&mut mask, grow * unit));
            mask
        };
        let ring = |indices: &[usize]| Polygon::ring(indices.iter().map(|&i| points[i]));
        let hull = |indices: &[usize]| Polygon::hull(indices.iter().map(|&i| points[i]));

        let any = paint(
            &[
                ring(&RIGHT_EYE),
                ring(&LEFT_EYE),
                hull(&RIGHT_BROW),
                hull(&LEFT_BROW),
                ring(&LIPS),
                hull(&NOSTRILS),
            ],
            FEATURE_GROW,
        );
        let mouth = paint(&[ring(&INNER_LIPS)], 0.0);
        let eyes = paint(&[ring(&RIGHT_EYE), ring(&LEFT_EYE)], 0.0);
        let whites = mouth.clone().zip(&eyes, f32::max);
        let lips = paint(&[ring(&LIPS)], 0.0).zip(&mouth, |lips, mouth| (lips - mouth).max(0.0));
        let skin = paint(&SKIN_PATCHES.map(hull), 0.0).zip(&any, |skin, any| skin * (1.0 - any));

        let corners: Vec<usize> = [&RIGHT_EYE[..], &LEFT_EYE[..], &LIPS[..], &CORE_CORNERS[..]].concat();
        let core = paint(&[hull(&corners)], CORE_GROW)
            .zip(&paint(&[hull(&RIGHT_BROW), hull(&LEFT_BROW)], CORE_BROW_GROW), f32::max);
        let mut core = gaussian(&core, 0.03 * unit);
        for (y, row) in core.rows_mut().enumerate() {
            for (x, (v, &d)) in row.iter_mut().zip(rim.row(y)).enumerate() {
                *v *= near_middle(frame.midline_distance(x as f32, y as f32), d)
                    * ((d - 0.14) / 0.1).clamp(0.0, 1.0);
            }
        }
        Self {
            soft: gaussian(&any, 0.04 * unit),
            lips: gaussian(&lips, 0.02 * unit),
            whites: gaussian(&whites, 0.015 * unit),
            any,
            eyes,
            skin,
            core,
        }
    }

    /// Returns 1 where skin may be measured: inside the rim and outside the features.
    pub(crate) fn measurable(&self, rim: &Plane) -> Plane {
        rim.clone().zip(&self.any, |d, any| if d > 0.02 { 1.0 - any } else { 0.0 })
    }
}

/// Returns 1 in the middle of the face and 0 beside its features, where hair may hang, by the distances from the
/// midline and from the rim. The near half of a turned face is wide, so far from the rim nothing counts as beside.
pub(crate) fn near_middle(midline_distance: f32, rim: f32) -> f32 {
    let near = ((0.92 - midline_distance) / 0.15).clamp(0.0, 1.0);
    near.max(((rim - 0.30) / 0.12).clamp(0.0, 1.0))
}

/// Returns a hard-edged mask of both eyes and brows with their surroundings.
pub(crate) fn eye_surroundings(points: &[[f32; 2]], unit: f32, width: usize, height: usize) -> Plane {
    let mut mask = Plane::new(width, height);
    for (eye, brow) in [(RIGHT_EYE, RIGHT_BROW), (LEFT_EYE, LEFT_BROW)] {
        let hull = Polygon::hull(eye.into_iter().chain(brow).map(|i| points[i]));
        hull.paint(&mut mask, SURROUNDINGS_GROW * unit);
    }
    mask
}

/// Returns for each eye a soft mask of the eye with lids and lashes and the skin up to the brow. Alpha shows it
/// whole.
pub(crate) fn eye_guards(points: &[[f32; 2]], unit: f32, width: usize, height: usize) -> [Plane; 2] {
    [(RIGHT_EYE, RIGHT_BROW), (LEFT_EYE, LEFT_BROW)].map(|(eye, brow)| {
        let mut mask = Plane::new(width, height);
        Polygon::hull(eye.map(|i| points[i])).paint(&mut mask, 0.09 * unit);
        Polygon::hull(eye.into_iter().chain(brow).map(|i| points[i])).paint(&mut mask, 0.01 * unit);
        gaussian(&mask, 0.03 * unit)
    })
}
