//! What a template's picture shows besides a bare face: coloured light, hair across it, glasses, the picture's edge.

use super::covers::from_between;
use super::patch::View;
use super::relief::{Part, Relief};
use crate::gate::eye_distance;
use crate::mesh::Mesh;
use crate::topology::{LEFT_BROW, LEFT_EYE, LIPS, NOSTRILS, RIGHT_BROW, RIGHT_EYE, SKIN_PATCHES, mirror};

/// The hues of skin from a cool white balance to an old varnish: ln R - ln G and ln G - ln B.
const SKIN_HUES: [[f32; 2]; 2] = [[0.20, 0.08], [0.42, 0.69]];

/// Least spreads of skin's light and hues, as of the composition's model, and how many of them apart something else
/// is.
const SPREAD: [f32; 3] = [0.20, 0.09, 0.10];
const UNLIKE_FROM: f32 = 3.6;

/// The skin above the brow of the face's right, from its inner end outwards and back over the forehead.
const ABOVE_BROW: [usize; 10] = [107, 66, 105, 63, 70, 71, 68, 104, 69, 108];

/// Hair is darker than skin by more than this, in logarithms.
const HAIR_DARKER: f32 = 0.25;

/// The root of the nose, where every pair of glasses has its bridge.
const NOSE_ROOT: [usize; 6] = [193, 168, 417, 351, 6, 122];

/// What is measured; `None` is what is behind the mask.
pub(crate) struct Scene {
    /// Distance of the mesh from the picture's edge in eye distances, negative outside.
    pub(crate) border: f32,
    /// Distance of the skin's hue from that of skin in white light.
    pub(crate) light_hue: Option<f32>,
    /// Share of the face outside its features that is unlike its skin.
    pub(crate) other_share: Option<f32>,
    /// The steepest change of light at the root of the nose.
    pub(crate) nose_root: Option<f32>,
    /// The share of each of [`HAIR_PLACES`] that is hair or as dark.
    pub(crate) hair: [(HairPlace, Option<f32>); HAIR_PLACES],
}

/// Where hair hangs into a face; left and right are the picture's, as whoever paints a mask sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HairPlace {
    LeftBrow,
    RightBrow,
    LeftCheek,
    RightCheek,
}

const HAIR_PLACES: usize = 4;

impl Scene {
    #[expect(clippy::cast_precision_loss, reason = "picture sides are below 2¹⁶")]
    pub(crate) fn of(view: View<'_>, mesh: &Mesh) -> Self {
        let relief = Relief::of(view, mesh);
        let [left, top, right, bottom] = mesh.bounds();
        let (width, height) = (view.picture.width() as f32, view.picture.height() as f32);
        let border =
            [left, top, width - 1.0 - right, height - 1.0 - bottom].into_iter().fold(f32::INFINITY, f32::min);
        let skin: Vec<_> = SKIN_PATCHES.iter().filter_map(|patch| relief.part(patch)).collect();
        // Of three patches, the one of middling light.
        let mut by_light: Vec<_> = skin.iter().collect();
        by_light.sort_by(|a, b| a.light.total_cmp(&b.light));
        let skin = by_light.get(by_light.len() / 2).copied();
        let features: [&[usize]; 6] = [&RIGHT_EYE, &LEFT_EYE, &RIGHT_BROW, &LEFT_BROW, &LIPS, &NOSTRILS];
        Self {
            border: border / eye_distance(mesh).max(1.0),
            light_hue: skin.map(|skin| from_between(skin.hue, SKIN_HUES[0], SKIN_HUES[1])),
            other_share: skin.and_then(|skin| relief.unlike(skin, &features, SPREAD, UNLIKE_FROM)),
            nose_root: relief.steepest(&NOSE_ROOT),
            hair: hair(&relief, skin, mesh),
        }
    }
}

/// How much hair hangs in front of each place.
fn hair(relief: &Relief, skin: Option<&Part>, mesh: &Mesh) -> [(HairPlace, Option<f32>); HAIR_PLACES] {
    let share = |ring: &[usize]| relief.darker_share(ring, skin?, SPREAD, UNLIKE_FROM, HAIR_DARKER);
    let brows = [share(&ABOVE_BROW), share(&ABOVE_BROW.map(mirror))];
    let cheeks = [share(SKIN_PATCHES[0]), share(SKIN_PATCHES[1])];
    // The face's right side is left in the picture, unless the head is upside down.
    let turned = mesh.xy(RIGHT_EYE[0])[0] > mesh.xy(LEFT_EYE[0])[0];
    let sides = |[right, left]: [Option<f32>; 2]| if turned { [left, right] } else { [right, left] };
    let ([left_brow, right_brow], [left_cheek, right_cheek]) = (sides(brows), sides(cheeks));
    [
        (HairPlace::LeftBrow, left_brow),
        (HairPlace::RightBrow, right_brow),
        (HairPlace::LeftCheek, left_cheek),
        (HairPlace::RightCheek, right_cheek),
    ]
}
