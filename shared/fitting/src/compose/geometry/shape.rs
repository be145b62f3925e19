//! Computes the target points of the fitted face: the template's pose with the photo's shape and expression.
//!
//! The similarity of the two heads maps the photo's points to the template (P). The target is G = T + w · (P - T).
//! Inside the face it has all of the photo's shape, at the rim half of it, so that the template's hair, ears and neck
//! still fit around it.

use zeroize::Zeroizing;

use crate::compose::geometry::pose::Similarity;
use crate::compose::raster::points::Wiped;
use crate::topology::{INNER_LIPS, LIPS, MOUTH_CORNERS, OVAL, SURFACE_POINTS};

/// The share of the photo's shape that the rim takes. All of it would pull hair and collar along.
const RIM_SHARE: f32 = 0.5;
/// The share grows to 1 within this distance from the rim, in eye distances.
const RIM_REACH: f32 = 0.45;
/// Within this distance of the lips the photo's shape counts fully again, in eye distances. The mouth keeps the
/// photo's own opening, so that no teeth are stretched.
const MOUTH_REACH: f32 = 0.25;
/// No point moves farther than this from the template's, in eye distances. This limits the effect of bad points.
const SHIFT_MAX: f32 = 0.30;
/// The jaw's weight in the pose: it opens with the mouth and is not part of the rigid head.
const JAW_WEIGHT: f64 = 0.3;
/// The lips' weight in the pose: they move most.
const LIPS_WEIGHT: f64 = 0.1;
/// The 3-D points are trusted fully up to this turn between the heads, in degrees.
const TURN_TRUSTED: f32 = 20.0;
/// Beyond it the trust falls over this range, in degrees, to no less than [`TURNED_SHARE`]: what the camera did not
/// see is a guess.
const TURN_FADE: f32 = 40.0;
const TURNED_SHARE: f32 = 0.3;

/// Computes the weight w of each point, as far as the template alone determines it.
pub(crate) fn shares(template_points: &[[f32; 3]], unit: f32) -> Vec<f32> {
    let near = |p: [f32; 3], ring: &[usize]| {
        let distances =
            ring.iter().map(|&i| (p[0] - template_points[i][0]).hypot(p[1] - template_points[i][1]));
        distances.fold(f32::INFINITY, f32::min) / unit
    };
    template_points
        .iter()
        .map(|&p| {
            let inwards = smoothstep((near(p, &OVAL) / RIM_REACH).clamp(0.0, 1.0));
            let share = RIM_SHARE + (1.0 - RIM_SHARE) * inwards;
            let mouth = (1.0 - near(p, &LIPS) / MOUTH_REACH).clamp(0.0, 1.0);
            share + (1.0 - share) * mouth
        })
        .collect()
}

/// Computes the target points, in template pixels.
pub(crate) fn target(
    photo_points: &[[f32; 3]],
    template_points: &[[f32; 3]],
    shares: &[f32],
    unit: f32,
) -> Wiped<[f32; 2]> {
    let pose = pose(photo_points, template_points);
    let turn = pose.turn_degrees();
    let trust = (1.0 - (turn - TURN_TRUSTED) / TURN_FADE).clamp(TURNED_SHARE, 1.0);
    let points = photo_points.iter().zip(template_points).zip(shares).map(|((&s, t), &share)| {
        let [x, y, _] = pose.apply(s);
        let (dx, dy) = (x - t[0], y - t[1]);
        let kept = (SHIFT_MAX * unit / dx.hypot(dy).max(1e-6)).min(1.0) * share * trust;
        [t[0] + dx * kept, t[1] + dy * kept]
    });
    Zeroizing::new(points.collect())
}

/// Returns how far the photo's head is turned from the template's, in degrees.
pub(crate) fn turn_degrees(photo_points: &[[f32; 3]], template_points: &[[f32; 3]]) -> f32 {
    pose(photo_points, template_points).turn_degrees()
}

fn pose(photo_points: &[[f32; 3]], template_points: &[[f32; 3]]) -> Similarity {
    Similarity::between(photo_points, template_points, &pose_weights(photo_points))
}

/// Returns the weight of each of the photo's points in the pose of the rigid head.
fn pose_weights(photo_points: &[[f32; 3]]) -> Vec<f64> {
    let [a, b] = MOUTH_CORNERS.map(|i| photo_points[i][1]);
    let mouth_line = f32::midpoint(a, b);
    let mut weights: Vec<f64> =
        photo_points.iter().map(|p| if p[1] > mouth_line { JAW_WEIGHT } else { 1.0 }).collect();
    for i in LIPS.into_iter().chain(INNER_LIPS) {
        weights[i] = LIPS_WEIGHT;
    }
    debug_assert_eq!(weights.len(), SURFACE_POINTS);
    weights
}

/// Returns the cubic that rises from 0 to 1 with no slope at either end, for t in 0..1.
pub(crate) fn smoothstep(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::golden::mesh;

    const UNIT: f32 = 100.0;

    fn face() -> Vec<[f32; 3]> {
        mesh("obama.jpg").points()[..SURFACE_POINTS].to_vec()
    }

    fn distance(a: [f32; 2], b: [f32; 3]) -> f32 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn scaling_rolling_and_moving_a_face_does_not_change_its_target() {
        let template_points = face();
        let (sin, cos) = 0.4_f32.sin_cos();
        let moved: Vec<_> = template_points
            .iter()
            .map(|[x, y, z]| [2.0 * (cos * x - sin * y) + 30.0, 2.0 * (sin * x + cos * y), 2.0 * z])
            .collect();
        let target = target(&moved, &template_points, &shares(&template_points, UNIT), UNIT);
        assert!(target.iter().zip(&template_points).all(|(&g, &t)| distance(g, t) < 0.05));
    }

    #[test]
    fn no_point_moves_farther_than_the_bound() {
        let template_points = face();
        let mut wild = template_points.clone();
        wild[4] = [wild[4][0] + 500.0, wild[4][1], wild[4][2]];
        let target = target(&wild, &template_points, &shares(&template_points, UNIT), UNIT);
        assert!(
            target.iter().zip(&template_points).all(|(&g, &t)| distance(g, t) <= SHIFT_MAX * UNIT + 0.01)
        );
        assert!(distance(target[4], template_points[4]) > 0.2 * UNIT);
    }

    #[test]
    fn the_rim_takes_half_of_the_shape_and_the_lips_all_of_it() {
        let shares = shares(&face(), UNIT);
        assert!((shares[OVAL[0]] - RIM_SHARE).abs() < 1e-6);
        assert!(LIPS.iter().all(|&i| (shares[i] - 1.0).abs() < 1e-6));
    }
}
