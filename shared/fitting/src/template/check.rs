//! Checks what will look wrong in works on a template, and why. It uses the measures of the photos' quality gate;
//! some limits are stricter, because many works are made from one template.

use super::{Template, picture};
use crate::error::FittingError;
use crate::gate::Limit::{AtLeast, AtMost};
use crate::gate::{self, FacePart, HairPlace, Limit, View};
use crate::mesh::Mesh;

/// Eye distance in pixels. Below it, a work shows less of the face than a thumbnail of the photo does.
const EYE_DISTANCE_MIN: f32 = 60.0;

/// Turn of the head in degrees. When people look into a camera, their heads are turned by up to the 10 degrees
/// subtracted here. A photo turned that far in the other direction is then at the quality gate's limit for the
/// difference between the two.
const TURN_DEGREES_MAX: f32 = gate::TURN_FROM_TEMPLATE_MAX - 10.0;

/// The least distance of the picture's edge from the face, in eye distances. The fit fades out within its rim, but a
/// forehead without hair or a cut-off neck looks wrong.
const BORDER_MIN: f32 = 0.1;

/// Distance of the skin's hue from the hues of skin in white light: up to 0.20 on 41 faces, including the yellow
/// varnish of a painting; 0.21 and more in blue stage light.
const LIGHT_HUE_MAX: f32 = 0.21;

/// Share of the face that differs from its skin.
const OTHER_SHARE_MAX: f32 = 0.25;

/// Share of the skin above a brow, or of a cheek, that is hair or equally dark. Above brows: up to 0.26 on eleven
/// faces without a fringe (one has a hat's shadow), 0.38 and more under eight fringes. On cheeks: up to 0.17, and
/// 0.54 and more under long hair and in deep shadow.
const HAIR_SHARE_MAX: f32 = 0.3;

/// Steepest change in brightness at the root of the nose: 0.14 and more behind three pairs of glasses, less on 43 of
/// 44 faces without glasses; deep frowns come close.
const NOSE_ROOT_MAX: f32 = 0.142;

/// A property of a template that makes works look worse.
#[derive(Debug, PartialEq)]
pub struct Concern {
    /// The problem and how to solve it.
    pub message: &'static str,
    /// The measured value.
    pub measured: f32,
    /// The limit.
    pub threshold: f32,
}

/// Checks a template's picture and mesh; an empty list means that nothing is wrong.
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
    Ok(check_all(View { picture: &picture, mask: mask.as_ref() }, &mesh))
}

/// Collects concerns.
#[derive(Default)]
struct Concerns(Vec<Concern>);

impl Concerns {
    /// Adds a concern unless the measure keeps its limit, could not be taken, or the concern is already in the list.
    fn check(&mut self, message: &'static str, measured: Option<f32>, limit: Limit) {
        if let Some(measured) = measured
            && !limit.admits(measured)
            && self.0.iter().all(|concern| concern.message != message)
        {
            self.0.push(Concern { message, measured, threshold: limit.value() });
        }
    }
}

fn check_all(view: View<'_>, mesh: &Mesh) -> Vec<Concern> {
    let (measures, scene) = (gate::Measures::of(view, mesh), gate::Scene::of(view, mesh));
    let mut concerns = Concerns::default();
    let mut check = |message, measured, limit| concerns.check(message, measured, limit);

    let small = "the face is small, so works will look coarse: use a larger picture";
    check(small, Some(measures.eye_distance), AtLeast(EYE_DISTANCE_MIN));
    let border =
        "the face touches the picture's edge, so works will be cut off: use a picture with more around it";
    check(border, Some(scene.border), AtLeast(BORDER_MIN));
    let turned = "the head is turned, so many frontal photos will be refused: use a more frontal picture";
    check(turned, Some(measures.turn_degrees), AtMost(TURN_DEGREES_MAX));
    let blurry = "the face is soft, so works will look soft too: use a sharper picture";
    // Sharpness is measured around the eyes.
    let sharpness = measures.eye_contrast.map(|_| measures.sharpness);
    check(blurry, sharpness, AtLeast(gate::SHARPNESS_MIN));
    let dark = "the face is dark, so works will be dark too: use a brighter picture";
    check(dark, measures.skin_median, AtLeast(gate::SKIN_MEDIAN_MIN));
    let bright = "the skin is overexposed, so works will lose detail there: use a less exposed picture";
    check(bright, measures.skin_clipped, AtMost(gate::SKIN_CLIPPED_MAX));
    let coloured =
        "the light on the face is coloured, so works will be coloured too: use a picture in white light";
    check(coloured, scene.light_hue, AtMost(LIGHT_HUE_MAX));

    check(MOUTH, measures.lip_contrast, AtLeast(gate::LIP_CONTRAST_MIN));
    let eyes = "dark lenses cover the eyes: paint a mask so that they stay in front";
    check(eyes, measures.eye_light, AtLeast(gate::EYE_LIGHT_MIN));
    let eye = "something covers an eye: paint a mask so that it stays in front";
    check(eye, measures.eye_contrast, AtLeast(gate::EYE_CONTRAST_MIN));
    for part in &measures.parts {
        check(covered(part.part), Some(part.measured), part.limit);
    }
    for (place, share) in scene.hair {
        check(hair(place), share, AtMost(HAIR_SHARE_MAX));
    }
    let other = "hair, a deep shadow or something else lies across the face: paint a mask over what should stay in \
                 front";
    check(other, scene.other_share, AtMost(OTHER_SHARE_MAX));
    let glasses =
        "glasses or something like them cross the root of the nose: paint a mask so that they stay in front";
    check(glasses, scene.nose_root, AtMost(NOSE_ROOT_MAX));
    concerns.0
}

const MOUTH: &str = "something covers the mouth: paint a mask so that it stays in front";

fn hair(place: HairPlace) -> &'static str {
    match place {
        HairPlace::LeftBrow => {
            "hair hangs over the brow on the picture's left, so works show the photo's brow and the hair ends \
             above it: paint a mask over hair that should stay in front"
        }
        HairPlace::RightBrow => {
            "hair hangs over the brow on the picture's right, so works show the photo's brow and the hair ends \
             above it: paint a mask over hair that should stay in front"
        }
        HairPlace::LeftCheek => {
            "hair or a deep shadow lies over the cheek on the picture's left: paint a mask over hair that should stay \
             in front"
        }
        HairPlace::RightCheek => {
            "hair or a deep shadow lies over the cheek on the picture's right: paint a mask over hair that should stay \
             in front"
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
