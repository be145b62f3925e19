//! The tone of a fit, for the fine pass: shading, gain and how much of each to keep.
//!
//! Everything is a coarse plane; `fine::face_rows` interpolates them, `blend::relight` does the arithmetic.

use crate::compose::Observer;
use crate::compose::blend::relight::PLANES;
use crate::compose::face::features::Features;
use crate::compose::face::shading::luma;
use crate::compose::face::surface::Surface;
use crate::compose::geometry::face_frame::FaceFrame;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::plane::Plane;
use crate::compose::template::backdrop::Backdrop;

/// The width (σ) of the band of detail that hard light exaggerates, in eye distances: folds and the edge of the nose.
const CONTRAST_SIGMA: f32 = 0.06;
/// The limits of the factor on that band, which matches it to the template's.
const CONTRAST_RANGE: [f32; 2] = [0.7, 1.15];
/// Shadows of that band are removed from this height above the brow line on, in eye distances.
const FOREHEAD: f32 = 0.02;
/// They are removed fully this much higher.
const FOREHEAD_FADE: f32 = 0.12;
/// The share of the gain that eyeballs and open mouth take: whites and teeth are not skin, and all of the gain would
/// turn them yellow or grey.
const WHITES_GAIN: f32 = 0.5;
/// The largest part of a change in brightness that they do not take, in logarithms: with a larger one the teeth of a
/// dark photo would stay black in a bright face.
const WHITES_SPARED_MAX: f32 = 0.25;
/// The share of their own hue that lips and other non-skin keep.
const HUE_KEPT: f32 = 0.35;
/// Highlights are compressed when their luma exceeds the template's skin by more than this (hard flash).
const SHOULDER: f32 = 0.22;
/// In eyes and mouth, where glints and teeth belong, they are compressed above this.
const SHOULDER_WHITES: f32 = 0.45;

/// The dark of the eyes is deepened by at most a quarter, which is too little to make circles around the eyes of a face
/// in soft light.
const DEEPENING_MAX: f32 = 1.25;

/// The coarse planes of one fit; the linear part of the arithmetic of `blend::relight` is already done.
pub(crate) struct Tone {
    /// The photo's shading in red, green and blue less a correction of the detail's middle band. Subtracting it from
    /// the photo's logarithms leaves the detail.
    shading: [Plane; 3],
    /// The base to which the detail is added: the photo's shading raised to the template's luma.
    base: [Plane; 3],
    /// The gain in chroma of red and green. Blue's is minus their sum, so the three add up to 0.
    chroma_gain: [Plane; 2],
    /// The share of its own chroma that a sample keeps.
    hue_kept: Plane,
    /// The luma above the base from which on highlights are compressed.
    headroom: Plane,
    /// Soft masks of the features and of the red of the lips.
    soft: Plane,
    lips: Plane,
    /// Added to the factor of dark detail in the features.
    pub(crate) deepening: f32,
    /// The share of its own colours that the photo keeps. With 0 only its light and shade are used.
    pub(crate) colour: f32,
}

impl Tone {
    /// Returns all planes, in the order that `blend::relight` takes them.
    pub(crate) fn planes(&self) -> [&Plane; PLANES] {
        let ([p0, p1, p2], [b0, b1, b2], [red, green]) = (&self.shading, &self.base, &self.chroma_gain);
        [p0, p1, p2, b0, b1, b2, red, green, &self.hue_kept, &self.headroom, &self.soft, &self.lips]
    }

    /// Passes the planes that decide on brightness and contrast to `observe`.
    pub(crate) fn show(&self, observe: Observer<'_>) {
        observe("shading subtracted", &self.shading.each_ref());
        observe("shading added", &self.base.each_ref());
        observe("hue kept", &[&self.hue_kept]);
    }
}

/// Computes the tone from the photo's surface and from the backdrop, which is already warped to the fit. The photo
/// keeps the share `colour` of its own colours. For the rest, lips take the hue of the template's, and whites half of
/// the light's.
pub(crate) fn tone(
    photo: &Surface,
    backdrop: &Backdrop,
    features: &Features,
    frame: &FaceFrame,
    colour: f32,
) -> Tone {
    let gain: [Plane; 3] = std::array::from_fn(|c| backdrop.low[c].clone().zip(&photo.low[c], |t, p| t - p));
    let luma_gain = luma(&gain);
    let [mut red, mut green, _] = gain.map(|plane| plane.zip(&luma_gain, |g, y| g - y));
    if colour < 1.0 {
        lend_hues([&mut red, &mut green], backdrop, features, 1.0 - colour);
    }
    let luma_gain = luma_gain.zip(&features.whites, |g, whites| g - withheld_gain(g) * whites);
    let hue_kept = photo
        .hue_distance
        .clone()
        .map(|z| ((z - 1.5) / 2.5).clamp(0.0, 1.0))
        .zip(&features.soft, |z, soft| z * soft)
        .zip(&features.lips, |kept, lips| kept.max(lips) * HUE_KEPT)
        .zip(&features.whites, |kept, whites| kept.max((1.0 - WHITES_GAIN) * whites))
        .map(|kept| kept * colour);
    let shoulder = luma(&backdrop.low)
        .zip(&features.whites, |y, whites| y + SHOULDER + (SHOULDER_WHITES - SHOULDER) * whites);
    let deepening = deepening(photo, backdrop.black, features);
    let contrast = contrast(photo, backdrop, features, frame);
    let low = &photo.low;
    let base = low.each_ref().map(|low| low.clone().zip(&luma_gain, |low, gain| low + gain));
    let headroom = shoulder.zip(&luma(&base), |shoulder, base| shoulder - base);
    Tone {
        shading: std::array::from_fn(|c| low[c].clone().zip(&contrast[c], |low, contrast| low - contrast)),
        base,
        chroma_gain: [red, green],
        hue_kept,
        headroom,
        soft: features.soft.clone(),
        lips: features.lips.clone(),
        deepening,
        colour,
    }
}

/// Changes the gain in chroma by `share` so that lips get the hue of the template's and whites half of the light's.
fn lend_hues(gain: [&mut Plane; 2], backdrop: &Backdrop, features: &Features, share: f32) {
    let light = luma(&backdrop.low);
    for ((gain, low), lip_hue) in gain.into_iter().zip(&backdrop.low).zip(backdrop.lip_hue) {
        let hue = low.clone().zip(&light, |low, light| low - light);
        let features = features.lips.data().iter().zip(features.whites.data());
        for ((gain, hue), (&lips, &whites)) in gain.rows_mut().flatten().zip(hue.data()).zip(features) {
            *gain += share * (lip_hue * lips - (1.0 - WHITES_GAIN) * whites * hue);
        }
    }
}

/// Returns the part of a gain in luma that eyeballs and teeth do not take.
fn withheld_gain(gain: f32) -> f32 {
    ((1.0 - WHITES_GAIN) * gain).clamp(-WHITES_SPARED_MAX, WHITES_SPARED_MAX)
}

/// Returns how much darker the dark detail of the eyes becomes, as a factor on it less one. Lashes and pupils follow
/// the template's black level, so that a flat photo does not look painted on a contrasty template.
fn deepening(photo: &Surface, template_black: f32, features: &Features) -> f32 {
    (template_black / photo.black(features).min(-0.1)).clamp(1.0, DEEPENING_MAX) - 1.0
}

/// Returns what is added to the detail outside the features: (factor - 1) times its middle band, and on the forehead
/// the band's shadows, inverted. The factor is the ratio of the two faces' contrasts on skin.
fn contrast(photo: &Surface, backdrop: &Backdrop, features: &Features, frame: &FaceFrame) -> [Plane; 3] {
    let both = photo.weight.clone().zip(&backdrop.weight, f32::min);
    let photo_detail = photo.detail();
    let ratio = deviation(&backdrop.detail, &both) / deviation(&luma(&photo_detail), &both).max(1e-3);
    let change = ratio.clamp(CONTRAST_RANGE[0], CONTRAST_RANGE[1]) - 1.0;
    // A shadow of hair on the forehead is not a detail of the face and must not stay there as a line.
    let bands = photo_detail.map(|plane| gaussian(&plane, CONTRAST_SIGMA * frame.unit));
    let shadow = luma(&bands).map(|y| y.min(0.0));
    bands.map(|band| {
        let mut correction = band.zip(&features.soft, |band, soft| band * change * (1.0 - soft));
        for (y, row) in correction.rows_mut().enumerate() {
            let shadows = shadow.row(y).iter().zip(features.soft.row(y));
            for (x, (v, (&shadow, &soft))) in row.iter_mut().zip(shadows).enumerate() {
                let forehead =
                    ((frame.above_brows(x as f32, y as f32) - FOREHEAD) / FOREHEAD_FADE).clamp(0.0, 1.0);
                *v -= forehead * shadow * (1.0 - soft);
            }
        }
        correction
    })
}

/// Returns the standard deviation over the samples whose weight is above one half.
fn deviation(plane: &Plane, weight: &Plane) -> f32 {
    let chosen = || plane.data().iter().zip(weight.data()).filter(|&(_, &w)| w > 0.5).map(|(&v, _)| v);
    let count = chosen().count().max(1) as f32;
    let mean = chosen().sum::<f32>() / count;
    (chosen().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count).sqrt()
}
