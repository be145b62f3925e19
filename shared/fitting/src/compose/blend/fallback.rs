//! A last check of the finished face on the coarse raster, before it is drawn, with safe fallbacks. It checks that
//! the colours are ones the two faces allow, and that no dark spot lies around an eye that neither face has there.
//!
//! A known fault is repaired in the stage that causes it. This check is for faults that no stage foresees. The user
//! then gets a plain face instead of a broken one: the photo's light and shade in the template's colours
//! (`blend::tone`), or the photo's skin around the eyes.

use crate::compose::Observer;
use crate::compose::blend::relight::relight_row;
use crate::compose::blend::tone::{self, Tone};
use crate::compose::face::features::{Features, eye_surroundings};
use crate::compose::face::surface::Surface;
use crate::compose::geometry::face_frame::FaceFrame;
use crate::compose::raster::blur::gaussian;
use crate::compose::raster::logarithm::LOG_OFFSET;
use crate::compose::raster::logarithm::{exp, ln};
use crate::compose::raster::plane::Plane;
use crate::compose::template::backdrop::Backdrop;
use crate::compose::template::plate::has_bare_temple;

/// Every so many rows are checked.
const ROW_STEP: usize = 3;
/// Fewer samples than this are not enough for a measurement.
const SAMPLES_MIN: f32 = 40.0;

/// The largest distance between the finished skin's hue and that of the template's shading, root mean square of
/// logarithms: up to .09 on ordinary pairs.
const SKIN_HUE_MAX: f32 = 0.10;
/// What is darker than its shading by more than this is not bare skin.
const NOT_BARE: f32 = 0.4;
/// The lips' hue may differ from the skin's by as much as in the photo or in the template, and by this more: up to
/// .10 on ordinary pairs.
const LIPS_HUE_MARGIN: f32 = 0.16;
/// The hues of eyeballs and teeth lie between grey and the hue of the skin, and at most this far from there: up to
/// .30 on ordinary pairs, the blue of an iris included.
const WHITES_HUE_MAX: f32 = 0.38;
/// The largest share of an eye's surroundings that may be dark where the photo's are not: up to .01 on ordinary
/// pairs.
const DARK_SPOTS_MAX: f32 = 0.03;
/// A sample is dark when it is darker than the template's shading by this, in logarithms.
const DARK: f32 = 0.7;
/// The photo's own skin is not dark when it is darker than its shading by no more than this.
const NOT_DARK: f32 = 0.35;
/// Nearer to the rim than this, in eye distances, hair is not a dark spot.
const RIM: f32 = 0.25;
/// The width (σ) of the soft edge of what is covered around an eye, in eye distances.
const EDGE: f32 = 0.04;

/// The coarse planes of one fit that the check needs.
pub(crate) struct FitContext<'a> {
    pub(crate) backdrop: &'a Backdrop,
    pub(crate) features: &'a Features,
    pub(crate) rim: &'a Plane,
    pub(crate) frame: &'a FaceFrame,
    /// The fitted face's points.
    pub(crate) points: &'a [[f32; 2]],
    /// 1 where the photo has pixels for a sample, and how much of it the photo's camera did not see.
    pub(crate) in_photo: &'a Plane,
    pub(crate) occlusion: &'a Plane,
}

/// Returns the finished face's tone. If the check finds the colours broken, it falls back to the template's colours.
/// If it finds dark spots around the eyes, it shows the photo there by raising `alpha`. It reports each fallback to
/// `observe`.
pub(crate) fn finish(
    face: &mut Surface,
    alpha: &mut Plane,
    context: &FitContext<'_>,
    colour: f32,
    observe: Observer<'_>,
) -> Tone {
    let FitContext { backdrop, features, rim, frame, in_photo, occlusion, .. } = *context;
    let tone = tone::tone(face, backdrop, features, frame, colour);
    let findings = inspect(face, &tone, alpha, context);
    if findings.has_dark_spots() {
        observe("fallback eyes", &[]);
        clear_eyes(alpha, face, context);
    }
    if !findings.has_wrong_colours() {
        return tone;
    }
    observe("fallback colours", &[]);
    let seen = occlusion.clone().zip(in_photo, |hidden, inside| (1.0 - hidden) * inside);
    face.use_nearby_shading(&features.measurable(rim).zip(&seen, |m, seen| m * seen), frame.unit);
    tone::tone(face, backdrop, features, frame, 0.0)
}

/// What the check measures; each value is 0 for a face that is as the two faces allow.
struct Findings {
    skin_hue: f32,
    lips_hue: f32,
    whites_hue: f32,
    dark_spots: f32,
}

impl Findings {
    /// Whether the colours are not ones the two faces allow.
    fn has_wrong_colours(&self) -> bool {
        self.skin_hue > SKIN_HUE_MAX || self.lips_hue > LIPS_HUE_MARGIN || self.whites_hue > WHITES_HUE_MAX
    }

    /// Whether a dark spot lies around an eye.
    fn has_dark_spots(&self) -> bool {
        self.dark_spots > DARK_SPOTS_MAX
    }
}

/// Accumulates a mean hue (logarithms less their mean) and the mean square of its length.
#[derive(Default)]
struct Hue {
    sum: [f32; 3],
    squares: f32,
    weight: f32,
}

impl Hue {
    fn add(&mut self, hue: [f32; 3], weight: f32) {
        self.sum.iter_mut().zip(hue).for_each(|(sum, v)| *sum += v * weight);
        self.squares += hue.iter().map(|v| v * v).sum::<f32>() * weight;
        self.weight += weight;
    }

    /// Returns the length of the mean; 0 for too few samples.
    fn length(&self) -> f32 {
        if self.weight < SAMPLES_MIN { 0.0 } else { length(self.sum) / self.weight }
    }

    /// Returns the root of the mean square; 0 for too few samples.
    fn deviation(&self) -> f32 {
        if self.weight < SAMPLES_MIN { 0.0 } else { (self.squares / self.weight).sqrt() }
    }
}

/// Measures the finished face.
fn inspect(photo: &Surface, tone: &Tone, alpha: &Plane, context: &FitContext<'_>) -> Findings {
    let FitContext { backdrop, features, rim, frame, points, .. } = *context;
    let surroundings = eye_surroundings(points, frame.unit, rim.width(), rim.height());
    let (mut skin, mut lips, mut own_lips, mut whites) = <(Hue, Hue, Hue, Hue)>::default();
    let bare = bare_temples(context);
    let (mut around, mut dark) = (0.0_f32, 0.0_f32);
    let mut finished = Plane::new(rim.width(), 3);
    for y in (0..rim.height()).step_by(ROW_STEP) {
        finish_row(photo, tone, y, &mut finished);
        for x in (0..rim.width()).filter(|&x| rim.row(y)[x] > 0.0) {
            let at = |planes: &[Plane; 3]| planes.each_ref().map(|plane| plane.row(y)[x]);
            let face = [0, 1, 2].map(|c| finished.row(c)[x]);
            let (light, own, own_light) = (at(&backdrop.low), at(&photo.logs), at(&photo.low));
            let (off, own_off) = (difference(hue(face), hue(light)), difference(hue(own), hue(own_light)));
            let shown = alpha.row(y)[x];
            if shown > 0.5 {
                let bare = features.core.row(y)[x] > 0.5 && features.any.row(y)[x] < 0.5;
                skin.add(off, if bare && mean(face) - mean(light) > -NOT_BARE { 1.0 } else { 0.0 });
                lips.add(off, features.lips.row(y)[x]);
                own_lips.add(own_off, features.lips.row(y)[x]);
                whites.add(difference_from_greys(hue(face), hue(light)), features.whites.row(y)[x]);
            }
            let side = usize::from(frame.midline_offset(x as f32, y as f32) > 0.0);
            if bare[side]
                && surroundings.row(y)[x] > 0.5
                && features.any.row(y)[x] < 0.5
                && rim.row(y)[x] > RIM
            {
                around += 1.0;
                let behind = behind(backdrop, x, y);
                let seen = shown * mean(face) + (1.0 - shown) * behind - mean(light);
                dark += if seen < -DARK && mean(own) - mean(own_light) > -NOT_DARK { 1.0 } else { 0.0 };
            }
        }
    }
    let [red, green] = backdrop.lip_hue;
    let allowed = own_lips.length().max(length([red, green, -red - green]));
    Findings {
        skin_hue: skin.deviation(),
        lips_hue: (lips.length() - allowed).max(0.0),
        whites_hue: whites.length(),
        dark_spots: if around < SAMPLES_MIN { 0.0 } else { dark / around },
    }
}

/// Returns on which sides of the face hair can only hang down from above.
fn bare_temples(&FitContext { backdrop, rim, frame, .. }: &FitContext<'_>) -> [bool; 2] {
    [-1.0, 1.0].map(|side| has_bare_temple(side, frame, rim, &backdrop.skin))
}

/// Computes the logarithms of a row of the finished face.
fn finish_row(photo: &Surface, tone: &Tone, y: usize, finished: &mut Plane) {
    let [red, green, blue] = finished.split::<3>();
    for (row, logs) in [&mut *red, &mut *green, &mut *blue].into_iter().zip(&photo.logs) {
        row.iter_mut().zip(logs.row(y)).for_each(|(v, &log)| *v = exp(log) - LOG_OFFSET);
    }
    relight_row(red, green, blue, &tone.planes().map(|plane| plane.row(y)), tone.deepening, tone.colour);
    for row in [red, green, blue] {
        row.iter_mut().for_each(|v| *v = ln(v.clamp(0.0, 255.0) + LOG_OFFSET));
    }
}

/// Returns the luma of what lies under the face: the template, or the skin painted over it.
fn behind(backdrop: &Backdrop, x: usize, y: usize) -> f32 {
    let at = |planes: &[Plane; 3]| mean(planes.each_ref().map(|plane| plane.row(y)[x]));
    let (own, painted) = (at(&backdrop.low) + backdrop.detail.row(y)[x], at(&backdrop.paint));
    own + (painted - own) * backdrop.plate.row(y)[x]
}

/// Raises `alpha` so that the photo's skin shows around those eyes that no hair hangs beside.
fn clear_eyes(alpha: &mut Plane, photo: &Surface, context: &FitContext<'_>) {
    let FitContext { rim, frame, points, in_photo, .. } = *context;
    let clear = eye_surroundings(points, frame.unit, rim.width(), rim.height());
    let clear = gaussian(&clear, EDGE * frame.unit)
        .zip(&photo.skin, |share, skin| share * skin)
        .zip(in_photo, |share, inside| share * inside)
        .zip(rim, |share, d| share * (d / RIM).clamp(0.0, 1.0));
    let bare = bare_temples(context);
    for (y, row) in alpha.rows_mut().enumerate() {
        for (x, (v, &share)) in row.iter_mut().zip(clear.row(y)).enumerate() {
            if bare[usize::from(frame.midline_offset(x as f32, y as f32) > 0.0)] {
                *v = v.max(share);
            }
        }
    }
}

fn mean([red, green, blue]: [f32; 3]) -> f32 {
    (red + green + blue) / 3.0
}

fn hue(logs: [f32; 3]) -> [f32; 3] {
    let mean = mean(logs);
    logs.map(|v| v - mean)
}

fn difference(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [0, 1, 2].map(|c| a[c] - b[c])
}

fn length(hue: [f32; 3]) -> f32 {
    hue.iter().map(|v| v * v).sum::<f32>().sqrt()
}

/// Returns the difference of a hue from the nearest one between grey and the hue of the light.
fn difference_from_greys(hue: [f32; 3], light: [f32; 3]) -> [f32; 3] {
    let along = (0..3).map(|c| hue[c] * light[c]).sum::<f32>() / length(light).powi(2).max(1e-6);
    let along = along.clamp(0.0, 1.0);
    [0, 1, 2].map(|c| hue[c] - along * light[c])
}
