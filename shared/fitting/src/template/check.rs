//! What will look wrong with a template, and why: the same measures as the photos' gate, held against what a
//! picture that many works are made of should have.

use super::{Template, picture};
use crate::error::FittingError;
use crate::gate;
use crate::mesh::Mesh;
use crate::pixels::RgbImage;

/// Eye distance in pixels: with fewer, a work shows less of the face than a thumbnail of the photo does.
const EYE_DISTANCE_MIN: f32 = 60.0;

/// Turn of the head in degrees. People hold their heads up to this far from straight when they look into a camera;
/// a template turned as far again is at the gate's limit for the difference of the two.
const TURN_DEGREES_MAX: f32 = gate::TURN_FROM_TEMPLATE_MAX - 10.0;

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
    Ok(measured(&picture, &mesh, named.mask.is_some()))
}

fn measured(picture: &RgbImage, mesh: &Mesh, has_mask: bool) -> Vec<Concern> {
    let measures = gate::Measures::of(picture, mesh);
    let mut concerns = Vec::new();
    let mut expect = |fine: bool, message, measured, threshold| {
        if !fine {
            concerns.push(Concern { message, measured, threshold });
        }
    };
    let small = "the face is small, works will look coarse: use a larger picture";
    expect(measures.eye_distance >= EYE_DISTANCE_MIN, small, measures.eye_distance, EYE_DISTANCE_MIN);
    let turned = "the head is turned, many photos from the front will be refused: use a more frontal picture";
    expect(measures.turn_degrees <= TURN_DEGREES_MAX, turned, measures.turn_degrees, TURN_DEGREES_MAX);
    let blurry = "the face is soft, works will look soft too";
    expect(measures.sharpness >= gate::SHARPNESS_MIN, blurry, measures.sharpness, gate::SHARPNESS_MIN);
    let dark = "the face is dark, works will be as dark";
    expect(measures.skin_median >= gate::SKIN_MEDIAN_MIN, dark, measures.skin_median, gate::SKIN_MEDIAN_MIN);
    let bright = "the skin is burnt out, works will lose their detail there";
    expect(
        measures.skin_clipped <= gate::SKIN_CLIPPED_MAX,
        bright,
        measures.skin_clipped,
        gate::SKIN_CLIPPED_MAX,
    );
    let mouth = "something covers the mouth: paint a mask so that it stays in front";
    expect(
        has_mask || measures.lip_contrast >= gate::LIP_CONTRAST_MIN,
        mouth,
        measures.lip_contrast,
        gate::LIP_CONTRAST_MIN,
    );
    let eyes = "dark lenses cover the eyes: paint a mask so that they stay in front";
    expect(
        has_mask || measures.eye_light >= gate::EYE_LIGHT_MIN,
        eyes,
        measures.eye_light,
        gate::EYE_LIGHT_MIN,
    );
    let eye = "something covers an eye: paint a mask so that it stays in front";
    expect(
        has_mask || measures.eye_contrast >= gate::EYE_CONTRAST_MIN,
        eye,
        measures.eye_contrast,
        gate::EYE_CONTRAST_MIN,
    );
    concerns
}
