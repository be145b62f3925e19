//! Matches the edge of the fitted face to the template's own pixels.
//!
//! The shading is a mean over .30 eye distances. Finer variations of the template's skin would end where its own
//! pixels end, in a step of brightness or hue. Near the edge of alpha the shading of both faces is therefore the mean
//! of the skin close by, and the template's own texture continues there. A membrane (Pérez et al., "Poisson Image
//! Editing", 2003) does this to the whole face, at the cost of its likeness.

use crate::compose::face::features::Features;
use crate::compose::face::shading::{CLOSE_BY, low_frequencies};
use crate::compose::face::surface::{Surface, mix};
use crate::compose::geometry::face_frame::FaceFrame;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::plane::Plane;
use crate::compose::template::backdrop::Backdrop;

/// How far (σ) from its edge alpha counts as near, in eye distances. Of .10, .15 and .20 this value leaves the
/// weakest seams on all pairs (median .22 dE; .30 without this module). It costs .006 of the identity, a fifth of
/// what can be told apart.
const REACH: f32 = 0.15;
/// At a straight edge the smoothed alpha is one half. There the share is 1, and it is 0 twice the reach inside.
const STEEPNESS: f32 = 2.0;

/// Returns the share of the shading close by, 0..1 on the coarse raster: 1 at the edge of `alpha` and beyond, 0
/// inside the face and in its features.
pub(crate) fn share(alpha: &Plane, features: &Features, frame: &FaceFrame) -> Plane {
    gaussian(alpha, REACH * frame.unit)
        .zip(&features.soft, |alpha, soft| (STEEPNESS * (1.0 - alpha)).min(1.0) * (1.0 - soft))
}

/// Moves the shading of both faces towards the mean close by, and counts the texture of the template's skin as grain,
/// both by `share`.
pub(crate) fn match_shading(photo: &mut Surface, backdrop: &mut Backdrop, share: &Plane, frame: &FaceFrame) {
    let near = low_frequencies(&photo.logs, &photo.weight, CLOSE_BY.map(|sigma| sigma * frame.unit));
    for (low, near) in photo.low.iter_mut().zip(&near).chain(backdrop.low.iter_mut().zip(&backdrop.paint)) {
        mix(low, near, share);
    }
    let skin = backdrop.skin.clone().zip(share, |skin, share| skin * share);
    for (grain_only, &skin) in backdrop.grain_only.rows_mut().flatten().zip(skin.data()) {
        *grain_only = grain_only.max(skin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::geometry::face_frame::rim_distance;
    use crate::compose::golden::mesh;
    use crate::topology::SURFACE_POINTS;

    const SIZE: usize = 220;

    #[test]
    fn the_share_is_one_at_the_edge_and_zero_inside_and_in_features() {
        let points: Vec<[f32; 2]> = mesh("obama.jpg").points()[..SURFACE_POINTS]
            .iter()
            .map(|[x, y, _]| [(x - 492.0) * 0.59 + 110.0, (y - 274.0) * 0.59 + 110.0])
            .collect();
        let frame = FaceFrame::new(&points, 60.0);
        let rim = rim_distance(&points, frame.unit, SIZE, SIZE);
        let features = Features::new(&points, &frame, &rim);
        let alpha = rim.clone().map(|d| if d > 0.2 { 1.0 } else { 0.0 });
        let share = share(&alpha, &features, &frame);
        let samples = share.data().iter().zip(rim.data()).zip(features.soft.data());
        let mut checked = [0; 3];
        for ((&share, &d), &soft) in samples {
            let (region, holds) = match d {
                _ if soft > 0.999 => (0, share < 0.001),
                _ if d > 0.65 => (1, share < 0.02),
                _ if soft < 0.001 && (0.1..0.16).contains(&d) => (2, share > 0.95),
                _ => continue,
            };
            assert!(holds, "{share} at {d} from the rim, {soft} of a feature");
            checked[region] += 1;
        }
        assert!(checked.iter().all(|&samples| samples > 20), "features, inside, edge: {checked:?}");
    }

    #[test]
    fn at_the_edge_the_fitted_skin_has_the_mean_of_the_templates_nearby_skin() {
        // Two shades of skin; the reach of the shading covers both.
        let colours = |light: f32| {
            [0, 1, 2].map(|_| Plane::from_fn(SIZE, SIZE, |x, _| light * if x < 110 { 100.0 } else { 180.0 }))
        };
        let everywhere = Plane::new(SIZE, SIZE).map(|_| 1.0);
        let surface = |light| Surface::read(colours(light), &everywhere, &everywhere, 60.0);
        let (mut photo, template) = (surface(0.5), surface(1.0));
        let paint = low_frequencies(&template.logs, &everywhere, CLOSE_BY.map(|sigma| sigma * 60.0));
        let nothing = Plane::new(SIZE, SIZE);
        let mut backdrop = Backdrop {
            skin: everywhere.clone(),
            weight: everywhere.clone(),
            low: template.low.clone(),
            detail: nothing.clone(),
            plate: nothing.clone(),
            paint,
            grain_only: nothing,
            black: 0.0,
            lip_hue: [0.0; 2],
        };
        let points = mesh("obama.jpg").points().iter().map(|&[x, y, _]| [x, y]).collect::<Vec<_>>();
        match_shading(&mut photo, &mut backdrop, &everywhere, &FaceFrame::new(&points, 60.0));
        let at = |plane: &Plane| plane.row(110)[100];
        let fitted = at(&photo.logs[0]) - at(&photo.low[0]) + at(&backdrop.low[0]);
        let own = at(&template.logs[0]);
        assert!((fitted - own).abs() < 0.02, "{fitted} instead of {own}");
        assert!((at(&template.low[0]) - own).abs() > 0.15, "the shading alone would already match");
        assert!(backdrop.grain_only.data().iter().all(|&grain_only| grain_only == 1.0));
    }
}
