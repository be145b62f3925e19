//! Whether something covers a part of the face that is neither both eyes nor both lips alone: nose, half a mouth,
//! the skin above it, chin, cheeks.
//!
//! Skin colour alone tells a hand from nothing, so each part is held against what every bare face has there: a nose
//! and lips have relief, both halves of a mouth about as much; chin and philtrum have the hue of cheeks and nose, and
//! a cheek has one hue. Beards, moustaches, wrinkles, make-up, glasses and light from one side or in two colours are
//! bare: the limits leave a fifth or more to the worst of them.
//!
//! Measured on 46 faces (eight of them the test pictures, six with beards or moustaches, four with glasses, eight in
//! coloured light), each plain and in up to 21 variants: brighter, darker, more and less contrast, gamma, warm, cold, green,
//! lit from the side, softened, noisy, small, strongly compressed. Against them 2,500 covered faces: nose, mouth,
//! either half of it, philtrum, cheek and chin, in eight colours (blue, green, white, grey, black, brown, a hand's,
//! the face's own). What is not told: a cover of cheek, chin or philtrum in the colour of skin; a grey, white or black
//! one over a whole cheek (a shadow and a reflection are no different); a nose or mouth behind
//! something that has as much relief as they have.

use super::patch::View;
use super::relief::{Part, Relief};
use crate::mesh::Mesh;
use crate::topology::{LEFT_EYE, RIGHT_EYE};

/// Relief of the nose's tip and wings over the contrast of the eyes: 0.018 and more on bare faces (0.03 on all but
/// three small soft ones), below that on 97 of 100 covered noses.
const NOSE_RELIEF_MIN: f32 = 0.014;

/// Relief of the lips over the contrast of the eyes: 0.024 and more on bare faces, below 0.02 on all covered mouths.
const MOUTH_RELIEF_MIN: f32 = 0.019;

/// Relief of the flatter half of the lips over that of the other: 0.54 and more on bare faces, turned ones included,
/// below 0.46 on 99 of 100 mouths of which half is covered.
const MOUTH_BALANCE_MIN: f32 = 0.45;

/// Distance of the nose's hue from the nearest between those of both cheeks: up to 0.66 on bare faces (a red nose in a
/// picture of much contrast), whatever the light; about 1 and more under a blue or green.
const NOSE_HUE_MAX: f32 = 0.8;

/// Distance of the philtrum's hue from that of cheeks and nose: up to 0.65 under a moustache, 0.77 and more under
/// 98 of 100 covers of a blue or green.
const PHILTRUM_HUE_MAX: f32 = 0.77;

/// The same of the chin: up to 0.47 under a beard, 0.56 and more under all covers of a blue or green.
const CHIN_HUE_MAX: f32 = 0.56;

/// The largest distance of hues within one cheek: up to 0.74 where light of two colours meets, 0.88 and more where a
/// blue or green lies on part of it.
const CHEEK_HUE_STEP_MAX: f32 = 0.88;

/// Distance of a cheek's hue from the whole face's in spreads of it.
const CHEEK_HUE_MAX: f32 = 5.5;

/// The largest difference of light within one cheek: up to 0.78 at a shadow's edge or behind the rim of glasses, 0.93
/// and more where something black lies on part of it.
const CHEEK_LIGHT_STEP_MAX: f32 = 0.93;

/// How much darker than all of cheeks, nose and chin the philtrum is, over its relief: up to 5.2 under a black
/// moustache, which has strands; 6.3 and more under 97 of 100 black bars.
const PHILTRUM_DARK_MAX: f32 = 7.0;
/// Darker by less than this is a shadow under the nose.
const PHILTRUM_DARKER: f32 = 0.3;

/// The same of the chin: up to 3.1 under a beard in light from the side, 3.8 and more under all black covers.
const CHIN_DARK_MAX: f32 = 3.8;
const CHIN_DARKER: f32 = 0.2;

/// How much brighter than all of cheeks and nose the philtrum is, over its relief: up to 1.8 on bare faces, 2.2 and more
/// under all white bars.
const PHILTRUM_BRIGHT_MAX: f32 = 2.2;
const PHILTRUM_BRIGHTER: f32 = 0.05;

/// The same of the chin: up to 1.9 on bare faces, 2.3 and more under 97 of 100 white covers.
const CHIN_BRIGHT_MAX: f32 = 2.3;
const CHIN_BRIGHTER: f32 = 0.1;

/// Added to a relief that is divided by: smooth skin must not make every shadow a cover.
const RELIEF_OFFSET: f32 = 0.01;

/// Tip and wings of the nose, down to its base.
const NOSE: [usize; 10] = [4, 275, 278, 294, 327, 2, 98, 64, 48, 45];
const MOUTH_RIGHT: [usize; 11] = [61, 185, 40, 39, 37, 0, 17, 84, 181, 91, 146];
const MOUTH_LEFT: [usize; 11] = [0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17];
const PHILTRUM: [usize; 6] = [97, 2, 326, 267, 0, 37];
const CHIN: [usize; 6] = [201, 200, 421, 428, 199, 208];
/// The inner cheeks, above where most beards begin.
const CHEEKS: [[usize; 4]; 2] = [[50, 205, 36, 101], [280, 425, 266, 330]];

/// Something that a bare face has, measured.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The part that is covered if it has not.
    pub(crate) part: Place,
    pub(crate) measured: f32,
    pub(crate) limit: Limit,
}

/// The parts that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Nose,
    Mouth,
    Philtrum,
    Chin,
    Cheek,
}

/// What a measure is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtLeast(f32),
    AtMost(f32),
}

impl Limit {
    pub(crate) fn admits(self, measured: f32) -> bool {
        match self {
            Self::AtLeast(limit) => measured >= limit,
            Self::AtMost(limit) => measured <= limit,
        }
    }

    pub(crate) fn value(self) -> f32 {
        let (Self::AtLeast(limit) | Self::AtMost(limit)) = self;
        limit
    }
}

/// All that can be measured of what is seen.
pub(super) fn findings(view: View<'_>, mesh: &Mesh) -> Vec<Finding> {
    let relief = Relief::of(view, mesh);
    // With eyes closed nothing says how much contrast the photo has; then relief is taken for what it is.
    let eyes = relief.contrast(&RIGHT_EYE).max(relief.contrast(&LEFT_EYE)).max(f32::EPSILON);
    let nose = relief.part(&NOSE);
    let mouth = [relief.part(&MOUTH_RIGHT), relief.part(&MOUTH_LEFT)];
    let (philtrum, chin) = (relief.middle(&PHILTRUM), relief.part(&CHIN));
    let cheeks = CHEEKS.map(|ring| relief.part(&ring));

    let mut findings = Vec::new();
    let mut find = |part, measured, limit| findings.push(Finding { part, measured, limit });
    if let Some(nose) = nose {
        find(Place::Nose, nose.relief / eyes, Limit::AtLeast(NOSE_RELIEF_MIN));
    }
    if let [Some(right), Some(left)] = mouth {
        let (low, high) = (right.relief.min(left.relief), right.relief.max(left.relief));
        find(Place::Mouth, (low + high) / 2.0 / eyes, Limit::AtLeast(MOUTH_RELIEF_MIN));
        find(Place::Mouth, low / high.max(f32::EPSILON), Limit::AtLeast(MOUTH_BALANCE_MIN));
    }
    for points in CHEEKS {
        let [hue, light] = steps(&points.map(|point| relief.around(point)));
        find(Place::Cheek, hue, Limit::AtMost(CHEEK_HUE_STEP_MAX));
        find(Place::Cheek, light, Limit::AtMost(CHEEK_LIGHT_STEP_MAX));
    }
    if let Some(hues) = relief.hues() {
        for cheek in cheeks.iter().flatten() {
            find(Place::Cheek, hues.distance(cheek), Limit::AtMost(CHEEK_HUE_MAX));
        }
    }
    let (Some(nose), [Some(right), Some(left)]) = (nose, cheeks) else { return findings };
    find(Place::Nose, from_between(nose.hue, right.hue, left.hue), Limit::AtMost(NOSE_HUE_MAX));
    let hue = [0, 1].map(|k| middle([nose.hue[k], right.hue[k], left.hue[k]]));
    let skin = [nose.light, right.light, left.light];
    if let Some(philtrum) = philtrum {
        let darkest = skin.into_iter().chain(chin.map(|chin| chin.light)).fold(f32::INFINITY, f32::min);
        let brightest = skin.into_iter().chain(chin.map(|chin| chin.light)).fold(f32::NEG_INFINITY, f32::max);
        let dark = beyond(&philtrum, darkest - philtrum.light, PHILTRUM_DARKER);
        let bright = beyond(&philtrum, philtrum.light - brightest, PHILTRUM_BRIGHTER);
        find(Place::Philtrum, philtrum.hue_from(hue), Limit::AtMost(PHILTRUM_HUE_MAX));
        find(Place::Philtrum, dark, Limit::AtMost(PHILTRUM_DARK_MAX));
        find(Place::Philtrum, bright, Limit::AtMost(PHILTRUM_BRIGHT_MAX));
    }
    if let Some(chin) = chin {
        let darkest = skin.into_iter().fold(f32::INFINITY, f32::min);
        let brightest = skin.into_iter().fold(f32::NEG_INFINITY, f32::max);
        find(Place::Chin, chin.hue_from(hue), Limit::AtMost(CHIN_HUE_MAX));
        find(Place::Chin, beyond(&chin, darkest - chin.light, CHIN_DARKER), Limit::AtMost(CHIN_DARK_MAX));
        find(
            Place::Chin,
            beyond(&chin, chin.light - brightest, CHIN_BRIGHTER),
            Limit::AtMost(CHIN_BRIGHT_MAX),
        );
    }
    findings
}

/// A difference of light, less what is ordinary, over the part's relief: what covers is flat.
fn beyond(part: &Part, difference: f32, ordinary: f32) -> f32 {
    (difference - ordinary).max(0.0) / (part.relief + RELIEF_OFFSET)
}

/// The largest differences of hue and light between any two parts.
fn steps(parts: &[Option<Part>]) -> [f32; 2] {
    let seen = || parts.iter().flatten();
    let pairs = || seen().flat_map(|a| seen().map(move |b| (a, b)));
    [
        pairs().map(|(a, b)| a.hue_from(b.hue)).fold(0.0, f32::max),
        pairs().map(|(a, b)| a.light - b.light).fold(0.0, f32::max),
    ]
}

/// Distance of a hue from the line between two others: where light of two colours mixes, skin lies on it.
pub(super) fn from_between([x, y]: [f32; 2], from: [f32; 2], to: [f32; 2]) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(f32::EPSILON);
    let share = (((x - from[0]) * along[0] + (y - from[1]) * along[1]) / length).clamp(0.0, 1.0);
    (x - from[0] - share * along[0]).hypot(y - from[1] - share * along[1])
}

/// The middle one of three.
fn middle(mut values: [f32; 3]) -> f32 {
    values.sort_by(f32::total_cmp);
    values[1]
}
