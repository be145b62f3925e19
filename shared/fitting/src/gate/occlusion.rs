//! Whether something covers the face: a mask has no lips, dark lenses have no whites.
//!
//! Skin colour alone tells little: a white mask is nearer to pale skin than one side of a lit face to the
//! other. What every bare face has is looked for instead: lips that stand out from the skin around them, and
//! eyes with something bright in them, both of them with a pupil. What covers neither mouth nor eyes passes; the composition keeps to
//! the skin it sees.

use super::patch::for_each_inside;
use crate::mesh::Mesh;
use crate::pixels::RgbImage;
use crate::topology::{LEFT_EYE, LIPS, RIGHT_EYE, SKIN_PATCHES};

/// Distance of the lips' mean colour from the chin's, in natural logarithms of the three channels: 0.17 to 0.8 on
/// the test pictures, below 0.01 on a mask.
pub(crate) const LIP_CONTRAST_MIN: f32 = 0.06;

/// Brightness of the eyes' brightest tenth as a share of the skin's mean: 0.47 to 1 on the test pictures, 0.12
/// behind dark lenses. Lenses that take half of the light leave about 0.4 and look like holes on a template.
pub(crate) const EYE_LIGHT_MIN: f32 = 0.36;

/// Contrast of the flatter eye, its brightest tenth less its darkest as a share of the skin's mean: an eye that is
/// covered by a hand or by hair has none, one that is open has a pupil
/// and lashes, even out of focus.
pub(crate) const EYE_CONTRAST_MIN: f32 = 0.06;

/// The chin below the lower lip, where beards are thin.
const CHIN: &[usize] = &[201, 200, 421, 428, 199, 208];

/// Added to each channel, so that the noise of dark pixels does not become colour.
const DARK_OFFSET: f32 = 16.0;

/// How far the lips stand out from the chin.
pub(super) fn lip_contrast(crop: &RgbImage, mesh: &Mesh) -> f32 {
    let (lips, chin) = (mean(crop, mesh, &LIPS), mean(crop, mesh, CHIN));
    let logarithm = |v: f32| (v + DARK_OFFSET).ln();
    lips.iter().zip(chin).map(|(&a, b)| (logarithm(a) - logarithm(b)).powi(2)).sum::<f32>().sqrt()
}

/// How bright the brighter eye's brightest tenth is beside the skin.
pub(super) fn eye_light(crop: &RgbImage, mesh: &Mesh) -> f32 {
    let skin = SKIN_PATCHES.iter().map(|patch| mean(crop, mesh, patch)[1]).fold(0.0, f32::max);
    let eye = |ring: &[usize]| {
        let mut greens = Vec::new();
        for_each_inside(crop, mesh, ring, |rgb| greens.push(rgb[1]));
        greens.sort_unstable();
        greens.get(greens.len() * 9 / 10).copied().map_or(0.0, f32::from)
    };
    (eye(&RIGHT_EYE).max(eye(&LEFT_EYE)) + 1.0) / (skin + 1.0)
}

/// How much the flatter of the two eyes stands out in itself.
pub(super) fn eye_contrast(crop: &RgbImage, mesh: &Mesh) -> f32 {
    let skin = SKIN_PATCHES.iter().map(|patch| mean(crop, mesh, patch)[1]).fold(0.0, f32::max);
    let contrast = |ring: &[usize]| {
        let mut greens = Vec::new();
        for_each_inside(crop, mesh, ring, |rgb| greens.push(rgb[1]));
        greens.sort_unstable();
        let at = |tenths: usize| greens.get(greens.len() * tenths / 10).copied().map_or(0.0, f32::from);
        at(9) - at(1)
    };
    contrast(&RIGHT_EYE).min(contrast(&LEFT_EYE)) / (skin + 1.0)
}

/// Mean colour of a patch.
fn mean(crop: &RgbImage, mesh: &Mesh, patch: &[usize]) -> [f32; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0_f32);
    for_each_inside(crop, mesh, patch, |rgb| {
        for (sum, value) in sum.iter_mut().zip(rgb) {
            *sum += f32::from(value);
        }
        count += 1.0;
    });
    sum.map(|sum| sum / count.max(1.0))
}
