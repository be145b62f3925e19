//! What the fine pass needs to know of the coarse one: shading, gain and how much of each to keep.
//!
//! Everything is a coarse plane; `fine::face_rows` interpolates them, `blend::relight` does the arithmetic.

use zeroize::Zeroizing;

use crate::compose::Look;
use crate::compose::blend::relight::PLANES;
use crate::compose::face::features::Features;
use crate::compose::face::shading::luma;
use crate::compose::face::skin::quantile;
use crate::compose::face::surface::Surface;
use crate::compose::geometry::frame::Frame;
use crate::compose::geometry::points::Wiped;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::plane::Plane;
use crate::compose::template::backdrop::Backdrop;

/// The band of detail that hard light exaggerates, in eye distances: folds and the nose's edge.
const CONTRAST_SIGMA: f32 = 0.06;
/// How far that band may be damped or raised to match the template's.
const CONTRAST_RANGE: [f32; 2] = [0.7, 1.15];
/// From this height above the brow line on, in eye distances, shadows of that band are removed ...
const FOREHEAD: f32 = 0.02;
/// ... and fully so this much higher.
const FOREHEAD_FADE: f32 = 0.12;
/// The share of the gain that eyeballs and open mouth take: whites and teeth are no skin and would turn
/// yellow or grey with all of it.
const WHITES_GAIN: f32 = 0.5;
/// What they are spared of a change in brightness is at most this, in logarithms: under more, the teeth of a dark
/// photo would stay black in a bright face.
const WHITES_SPARED_MAX: f32 = 0.25;
/// The share of their own hue that lips and other non-skin keep.
const HUE_KEPT: f32 = 0.35;
/// Luma above the template's skin by more than this is compressed (highlights of a hard flash) ...
const SHOULDER: f32 = 0.22;
/// ... and in eyes and mouth above this, where glints and teeth belong.
const SHOULDER_WHITES: f32 = 0.45;

/// Natural lips differ from their skin's hue by up to this; painted ones differ more.
const LIP_HUE_MAX: f32 = 0.12;

/// The dark of an eye is its darkest tenth; it is deepened by at most a quarter, less than what would
/// make circles around the eyes of a face in soft light.
const BLACK_QUANTILE: f32 = 0.1;
const DEEPENING_MAX: f32 = 1.25;

/// The coarse planes of one fit, the arithmetic of `blend::relight` prepared as far as it is linear.
pub(crate) struct Tone {
    /// The photo's shading in red, green and blue less a correction of the detail's middle band: subtracted
    /// from the photo's logarithms it leaves the detail.
    shading: [Plane; 3],
    /// What the detail is added to: the photo's shading raised to the template's luma.
    base: [Plane; 3],
    /// The gain in chroma of red and green; the three add up to nothing.
    chroma_gain: [Plane; 2],
    /// The share of its own chroma that a sample keeps.
    hue_kept: Plane,
    /// Luma above the base from which on highlights are compressed.
    headroom: Plane,
    /// Soft masks of the features and of the red of the lips.
    soft: Plane,
    lips: Plane,
    /// Added to the factor of dark detail in the features.
    pub(crate) deepening: f32,
    /// The share of its own colours that the photo keeps: with 0 it gives its light and shade alone.
    pub(crate) colour: f32,
}

impl Tone {
    /// All planes, in the order `blend::relight` takes them.
    pub(crate) fn planes(&self) -> [&Plane; PLANES] {
        let ([p0, p1, p2], [b0, b1, b2], [red, green]) = (&self.shading, &self.base, &self.chroma_gain);
        [p0, p1, p2, b0, b1, b2, red, green, &self.hue_kept, &self.headroom, &self.soft, &self.lips]
    }

    /// Shows the planes that decide on brightness and contrast.
    pub(crate) fn show(&self, look: Look<'_>) {
        look("shading taken off", &self.shading.each_ref());
        look("shading put on", &self.base.each_ref());
        look("hue kept", &[&self.hue_kept]);
    }
}

/// Derives the planes from the photo's surface and from the template as it lies in its place. Of its own colours the
/// photo keeps the share `colour`; where it does not, lips take the hue of the template's, and whites half of the light's.
pub(crate) fn tone(
    photo: &Surface,
    template: &Backdrop,
    features: &Features,
    frame: &Frame,
    colour: f32,
) -> Tone {
    let gain: [Plane; 3] = std::array::from_fn(|c| template.low[c].clone().zip(&photo.low[c], |t, p| t - p));
    let luma_gain = luma(&gain);
    let [mut red, mut green, _] = gain.map(|plane| plane.zip(&luma_gain, |g, y| g - y));
    if colour < 1.0 {
        lend_hues([&mut red, &mut green], template, features, 1.0 - colour);
    }
    let luma_gain = luma_gain.zip(&features.whites, |g, whites| g - spared(g) * whites);
    let hue_kept = photo
        .hue_distance
        .clone()
        .map(|z| ((z - 1.5) / 2.5).clamp(0.0, 1.0))
        .zip(&features.soft, |z, soft| z * soft)
        .zip(&features.lips, |kept, lips| kept.max(lips) * HUE_KEPT)
        .zip(&features.whites, |kept, whites| kept.max((1.0 - WHITES_GAIN) * whites))
        .map(|kept| kept * colour);
    let shoulder = luma(&template.low)
        .zip(&features.whites, |y, whites| y + SHOULDER + (SHOULDER_WHITES - SHOULDER) * whites);
    let deepening = deepening(photo, template.black, features);
    let contrast = contrast(photo, template, features, frame);
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

/// Changes the gain in chroma so that lips get the hue of the template's and whites half of the light's, by the share.
fn lend_hues(gain: [&mut Plane; 2], template: &Backdrop, features: &Features, share: f32) {
    let light = luma(&template.low);
    for ((gain, low), lip_hue) in gain.into_iter().zip(&template.low).zip(template.lip_hue) {
        let hue = low.clone().zip(&light, |low, light| low - light);
        let features = features.lips.data().iter().zip(features.whites.data());
        for ((gain, hue), (&lips, &whites)) in gain.rows_mut().flatten().zip(hue.data()).zip(features) {
            *gain += share * (lip_hue * lips - (1.0 - WHITES_GAIN) * whites * hue);
        }
    }
}

/// How the lips' hue differs from the skin's around them, as logarithms of red and green less the mean of all three;
/// no more than [`LIP_HUE_MAX`] each.
pub(crate) fn lip_hue(face: &Surface, features: &Features) -> [f32; 2] {
    let detail = face.detail();
    let light = luma(&detail);
    let lips = || features.lips.data().iter().enumerate().filter(|&(_, &lips)| lips > 0.5).map(|(i, _)| i);
    let count = lips().count().max(1) as f32;
    [0, 1].map(|c| {
        let mean = lips().map(|i| detail[c].data()[i] - light.data()[i]).sum::<f32>() / count;
        mean.clamp(-LIP_HUE_MAX, LIP_HUE_MAX)
    })
}

/// The dark of a face's eyes, as luma detail.
pub(crate) fn black(face: &Surface, features: &Features) -> f32 {
    let detail = luma(&face.detail());
    let eyes = detail.data().iter().zip(features.eyes.data()).filter(|&(_, &e)| e > 0.5);
    let mut values: Wiped<f32> = Zeroizing::new(eyes.map(|(&v, _)| v).collect());
    quantile(&mut values, BLACK_QUANTILE)
}

/// What eyeballs and teeth are spared of a gain in luma.
fn spared(gain: f32) -> f32 {
    ((1.0 - WHITES_GAIN) * gain).clamp(-WHITES_SPARED_MAX, WHITES_SPARED_MAX)
}

/// How much darker the eyes' dark detail becomes, as a factor on it less one: lashes and pupils follow
/// the template's black level, so that a flat photo does not look painted on a contrasty template.
fn deepening(photo: &Surface, template_black: f32, features: &Features) -> f32 {
    (template_black / black(photo, features).min(-0.1)).clamp(1.0, DEEPENING_MAX) - 1.0
}

/// What is added to the detail outside the features: (factor - 1) times its middle band, the factor being
/// the ratio of the two faces' contrasts on skin; and on the forehead the band's shadows, inverted.
fn contrast(photo: &Surface, template: &Backdrop, features: &Features, frame: &Frame) -> [Plane; 3] {
    let both = photo.weight.clone().zip(&template.weight, f32::min);
    let photo_detail = photo.detail();
    let ratio = deviation(&template.detail, &both) / deviation(&luma(&photo_detail), &both).max(1e-3);
    let change = ratio.clamp(CONTRAST_RANGE[0], CONTRAST_RANGE[1]) - 1.0;
    // What hair has thrown onto the forehead is no detail of the face and may not stay as a line there.
    let bands = photo_detail.map(|plane| gaussian(&plane, CONTRAST_SIGMA * frame.unit));
    let shadow = luma(&bands).map(|y| y.min(0.0));
    bands.map(|band| {
        let mut correction = band.zip(&features.soft, |band, soft| band * change * (1.0 - soft));
        for (y, row) in correction.rows_mut().enumerate() {
            let shadows = shadow.row(y).iter().zip(features.soft.row(y));
            for (x, (v, (&shadow, &soft))) in row.iter_mut().zip(shadows).enumerate() {
                let forehead =
                    ((frame.height(x as f32, y as f32) - FOREHEAD) / FOREHEAD_FADE).clamp(0.0, 1.0);
                *v -= forehead * shadow * (1.0 - soft);
            }
        }
        correction
    })
}

/// The standard deviation over the samples whose weight is above one half.
fn deviation(plane: &Plane, weight: &Plane) -> f32 {
    let chosen = || plane.data().iter().zip(weight.data()).filter(|&(_, &w)| w > 0.5).map(|(&v, _)| v);
    let count = chosen().count().max(1) as f32;
    let mean = chosen().sum::<f32>() / count;
    (chosen().map(|v| (v - mean) * (v - mean)).sum::<f32>() / count).sqrt()
}
