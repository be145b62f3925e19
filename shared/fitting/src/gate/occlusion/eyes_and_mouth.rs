//! Measures whether something covers the mouth or the eyes: a mask has no lips, dark lenses show no whites.
//!
//! Skin colour alone shows little: a white mask differs less from pale skin than the two sides of a face lit from one
//! side. So this module measures what every uncovered face has: lips that differ from the skin around them, and eyes
//! that are bright somewhere and have a pupil. Each measure is `None` where a template's mask hides what it needs.

use zeroize::Zeroizing;

use crate::gate::patch::{View, for_each_inside};
use crate::mesh::Mesh;
use crate::topology::{LEFT_EYE, LIPS, RIGHT_EYE, SKIN_PATCHES};

/// Distance of the lips' mean colour from the chin's, in natural logarithms of the three channels: 0.17 to 0.8 on the
/// test pictures, below 0.01 on a mask.
pub(crate) const LIP_CONTRAST_MIN: f32 = 0.06;

/// Brightness of the eyes' brightest tenth as a share of the skin's mean: 0.47 to 1 on the test pictures, 0.12
/// behind dark lenses. Lenses that take half of the light leave about 0.4 and look like holes on a template.
pub(crate) const EYE_LIGHT_MIN: f32 = 0.36;

/// Contrast of the eye that has less of it: the brightest tenth less the darkest tenth as a share of the skin's mean.
/// An eye that is covered by a hand or by hair has none. An open eye has a pupil and lashes, even out of focus.
pub(crate) const EYE_CONTRAST_MIN: f32 = 0.06;

/// The chin below the lower lip, where beards are thin.
const CHIN: &[usize] = &[201, 200, 421, 428, 199, 208];

/// Added to each channel, so that the noise of dark pixels does not become colour.
const DARK_OFFSET: f32 = 16.0;

/// Measures the colour difference between lips and chin.
pub(crate) fn lip_contrast(view: View<'_>, mesh: &Mesh) -> Option<f32> {
    let (lips, chin) = (mean(view, mesh, &LIPS)?, mean(view, mesh, CHIN)?);
    let logarithm = |v: f32| (v + DARK_OFFSET).ln();
    Some(lips.iter().zip(chin).map(|(&a, b)| (logarithm(a) - logarithm(b)).powi(2)).sum::<f32>().sqrt())
}

/// Measures the brightest tenth of the brighter eye, relative to the skin.
pub(crate) fn eye_light(view: View<'_>, mesh: &Mesh) -> Option<f32> {
    let eyes = [&RIGHT_EYE, &LEFT_EYE].into_iter().filter_map(|ring| greens(view, mesh, ring));
    let brightest = eyes.map(|greens| tenth(&greens, 9)).reduce(f32::max)?;
    Some((brightest + 1.0) / (skin(view, mesh)? + 1.0))
}

/// Measures the contrast within each visible eye and returns the smaller one.
pub(crate) fn eye_contrast(view: View<'_>, mesh: &Mesh) -> Option<f32> {
    let eyes = [&RIGHT_EYE, &LEFT_EYE].into_iter().filter_map(|ring| greens(view, mesh, ring));
    let flattest = eyes.map(|greens| tenth(&greens, 9) - tenth(&greens, 1)).reduce(f32::min)?;
    Some(flattest / (skin(view, mesh)? + 1.0))
}

/// The mean green of the brightest patch of skin.
fn skin(view: View<'_>, mesh: &Mesh) -> Option<f32> {
    SKIN_PATCHES.iter().filter_map(|patch| mean(view, mesh, patch)).map(|rgb| rgb[1]).reduce(f32::max)
}

/// The green samples inside a ring in rising order; `None` if none is visible.
fn greens(view: View<'_>, mesh: &Mesh, ring: &[usize]) -> Option<Zeroizing<Vec<u8>>> {
    // Counted first: a growing vector leaves copies behind that are not wiped.
    let mut count = 0;
    for_each_inside(view, mesh, ring, |_| count += 1);
    let mut greens = Zeroizing::new(Vec::with_capacity(count));
    for_each_inside(view, mesh, ring, |rgb| greens.push(rgb[1]));
    greens.sort_unstable();
    (count > 0).then_some(greens)
}

fn tenth(sorted: &[u8], tenths: usize) -> f32 {
    sorted.get(sorted.len() * tenths / 10).copied().map_or(0.0, f32::from)
}

/// Mean colour of a patch; `None` if none of it is visible.
fn mean(view: View<'_>, mesh: &Mesh, patch: &[usize]) -> Option<[f32; 3]> {
    let (mut sum, mut count) = ([0.0; 3], 0.0_f32);
    for_each_inside(view, mesh, patch, |rgb| {
        for (sum, value) in sum.iter_mut().zip(rgb) {
            *sum += f32::from(value);
        }
        count += 1.0;
    });
    (count > 0.0).then(|| sum.map(|sum| sum / count))
}
