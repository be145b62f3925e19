//! What will look wrong with a template, and why: the same measures as the photos' gate, held against what a
//! picture that many works are made of should have.

use super::{Template, picture};
use crate::error::FittingError;
use crate::gate::Limit::{AtLeast, AtMost};
use crate::gate::{self, FacePart, HairPlace, Limit, View};
use crate::mesh::Mesh;

/// Eye distance in pixels: with fewer, a work shows less of the face than a thumbnail of the photo does.
const EYE_DISTANCE_MIN: f32 = 60.0;

/// Turn of the head in degrees. People hold their heads up to this far from straight when they look into a camera;
/// a template turned as far again is at the gate's limit for the difference of the two.
const TURN_DEGREES_MAX: f32 = gate::TURN_FROM_TEMPLATE_MAX - 10.0;

/// The picture's edge must be this far from the face, in eye distances: the fit fades within its rim, but a forehead
/// without hair or a neck that is cut off looks wrong.
const BORDER_MIN: f32 = 0.1;

/// Distance of the skin's hue from that of skin in white light: up to 0.20 on 41 faces, the yellow varnish of a
/// painting included, 0.21 and more in blue stage light.
const LIGHT_HUE_MAX: f32 = 0.21;

/// Share of the face that is unlike its skin.
const OTHER_SHARE_MAX: f32 = 0.25;

/// Share of the skin above a brow, or of a cheek, that is hair or as dark: up to .26 above the brows of eleven faces without
/// a fringe over them (a hat's shadow is one), .38 and more under eight fringes; up to .17 on cheeks, .54 and more under long hair
/// and in deep shadow.
const HAIR_SHARE_MAX: f32 = 0.3;

/// Steepest change of light at the root of the nose: 0.14 and more behind three pairs of glasses, less on 43 bare faces
/// of 44; deep frowns come near.
const NOSE_ROOT_MAX: f32 = 0.142;

/// Something about a template that works will suffer from.
#[derive(Debug, PartialEq)]
pub struct Concern {
    /// What it is and what to do about it.
    pub message: &'static str,
    /// What was measured.
    pub measured: f32,
    /// What it was held against.
    pub threshold: f32,
}

/// Looks at a template's picture and mesh; an empty list means that nothing is wrong.
///
/// # Errors
/// [`FittingError::Template`] when the files do not form a template.
pub fn concerns(files: &std::collections::BTreeMap<String, Vec<u8>>) -> Result<Vec<Concern>, FittingError> {
    let template = Template::from_files(files)?;
    let named = &template.description().files;
    let mesh = super::mesh(named.mesh.verified(files)?)?;
    let picture = picture(named.picture.verified(files)?)?;
    let mask = named.mask.as_ref();
    let size = (picture.width(), picture.height());
    let mask = mask.map(|entry| super::mask(entry.verified(files)?, size)).transpose()?;
    Ok(measured(View { picture: &picture, mask: mask.as_ref() }, &mesh))
}

/// Concerns in the making.
#[derive(Default)]
struct Concerns(Vec<Concern>);

impl Concerns {
    /// Adds a concern unless the measure is fine, nothing was to be measured, or it is there already.
    fn expect(&mut self, message: &'static str, measured: Option<f32>, limit: Limit) {
        if let Some(measured) = measured
            && !limit.admits(measured)
            && self.0.iter().all(|concern| concern.message != message)
        {
            self.0.push(Concern { message, measured, threshold: limit.value() });
        }
    }
}

fn measured(view: View<'_>, mesh: &Mesh) -> Vec<Concern> {
    let (measures, scene) = (gate::Measures::of(view, mesh), gate::Scene::of(view, mesh));
    let mut concerns = Concerns::default();
    let mut expect = |message, measured, limit| concerns.expect(message, measured, limit);

    let small = "the face is small, works will look coarse: use a larger picture";
    expect(small, Some(measures.eye_distance), AtLeast(EYE_DISTANCE_MIN));
    let border =
        "the face touches the picture's edge, works will be cut off there: use a picture with more around it";
    expect(border, Some(scene.border), AtLeast(BORDER_MIN));
    let turned = "the head is turned, many photos from the front will be refused: use a more frontal picture";
    expect(turned, Some(measures.turn_degrees), AtMost(TURN_DEGREES_MAX));
    let blurry = "the face is soft, works will look soft too";
    // Sharpness is measured around the eyes.
    let sharpness = measures.eye_contrast.map(|_| measures.sharpness);
    expect(blurry, sharpness, AtLeast(gate::SHARPNESS_MIN));
    let dark = "the face is dark, works will be as dark";
    expect(dark, measures.skin_median, AtLeast(gate::SKIN_MEDIAN_MIN));
    let bright = "the skin is burnt out, works will lose their detail there";
    expect(bright, measures.skin_clipped, AtMost(gate::SKIN_CLIPPED_MAX));
    let coloured = "the light on the face is coloured, works will be as coloured";
    expect(coloured, scene.light_hue, AtMost(LIGHT_HUE_MAX));

    expect(MOUTH, measures.lip_contrast, AtLeast(gate::LIP_CONTRAST_MIN));
    let eyes = "dark lenses cover the eyes: paint a mask so that they stay in front";
    expect(eyes, measures.eye_light, AtLeast(gate::EYE_LIGHT_MIN));
    let eye = "something covers an eye: paint a mask so that it stays in front";
    expect(eye, measures.eye_contrast, AtLeast(gate::EYE_CONTRAST_MIN));
    for part in &measures.parts {
        expect(covered(part.part), Some(part.measured), part.limit);
    }
    for (place, share) in scene.hair {
        expect(hair(place), share, AtMost(HAIR_SHARE_MAX));
    }
    let other = "hair, a deep shadow or something else lies across the face: paint a mask over what is to stay in front";
    expect(other, scene.other_share, AtMost(OTHER_SHARE_MAX));
    let glasses =
        "glasses or something like them cross the root of the nose: paint a mask so that they stay in front";
    expect(glasses, scene.nose_root, AtMost(NOSE_ROOT_MAX));
    concerns.0
}

const MOUTH: &str = "something covers the mouth: paint a mask so that it stays in front";

fn hair(place: HairPlace) -> &'static str {
    match place {
        HairPlace::LeftBrow => {
            "hair hangs over the brow on the picture's left, works show the photo's brow and end the hair above it: paint a \
             mask over hair that is to stay in front"
        }
        HairPlace::RightBrow => {
            "hair hangs over the brow on the picture's right, works show the photo's brow and end the hair above it: paint \
             a mask over hair that is to stay in front"
        }
        HairPlace::LeftCheek => {
            "hair or a deep shadow lies over the cheek on the picture's left: paint a mask over hair that is to stay in \
             front"
        }
        HairPlace::RightCheek => {
            "hair or a deep shadow lies over the cheek on the picture's right: paint a mask over hair that is to stay in \
             front"
        }
    }
}

fn covered(part: FacePart) -> &'static str {
    match part {
        FacePart::Nose => "something covers the nose: paint a mask so that it stays in front",
        FacePart::Mouth => MOUTH,
        FacePart::Philtrum => {
            "something covers the skin above the mouth: paint a mask so that it stays in front"
        }
        FacePart::Chin => "something covers the chin: paint a mask so that it stays in front",
        FacePart::Cheek => "something covers a cheek: paint a mask so that it stays in front",
    }
}
