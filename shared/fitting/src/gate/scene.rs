//! Measures what a template's picture shows besides an uncovered face: coloured light, hair across the face, glasses,
//! the picture's edge.

use super::occlusion::parts::distance_from_line;
use super::patch::View;
use super::relief::{Part, Relief};
use crate::mesh::Mesh;
use crate::topology::{LEFT_BROW, LEFT_EYE, LIPS, NOSTRILS, RIGHT_BROW, RIGHT_EYE, SKIN_PATCHES, mirror};

/// The hues of skin from a cool white balance to old varnish: ln R - ln G and ln G - ln B.
const SKIN_HUES: [[f32; 2]; 2] = [[0.20, 0.08], [0.42, 0.69]];

/// Least spreads of the skin's brightness and hues, as in the composition's model of skin, and the distance in
/// spreads from which a colour is not skin.
const SPREAD: [f32; 3] = [0.20, 0.09, 0.10];
const UNLIKE_FROM: f32 = 3.6;

/// The skin above the right brow (the face's own right), from its inner end outwards and back across the forehead.
const ABOVE_BROW: [usize; 10] = [107, 66, 105, 63, 70, 71, 68, 104, 69, 108];

/// Hair is darker than skin by more than this, in natural logarithms.
const HAIR_DARKER: f32 = 0.25;

/// The root of the nose, where every pair of glasses has its bridge.
const NOSE_ROOT: [usize; 6] = [193, 168, 417, 351, 6, 122];

/// The measures of a scene; `None` where the template's mask hides the pixels.
pub(crate) struct Scene {
    /// Distance of the mesh from the picture's edge in eye distances; negative if the mesh extends beyond the edge.
    pub(crate) border: f32,
    /// Distance of the skin's hue from the hues of skin in white light.
    pub(crate) light_hue: Option<f32>,
    /// Share of the face outside its features that differs from its skin.
    pub(crate) other_share: Option<f32>,
    /// The steepest change in brightness at the root of the nose.
    pub(crate) nose_root: Option<f32>,
    /// For each hair place, the share of its area that is hair or equally dark.
    pub(crate) hair: [(HairPlace, Option<f32>); HAIR_PLACES],
}

/// Places where hair may hang into a face. Left and right are the picture's, as a person who paints a mask sees them.
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
        // The patch of median brightness.
        let mut by_light: Vec<_> = skin.iter().collect();
        by_light.sort_by(|a, b| a.light.total_cmp(&b.light));
        let skin = by_light.get(by_light.len() / 2).copied();
        let features: [&[usize]; 6] = [&RIGHT_EYE, &LEFT_EYE, &RIGHT_BROW, &LEFT_BROW, &LIPS, &NOSTRILS];
        Self {
            border: border / mesh.eye_distance().max(1.0),
            light_hue: skin.map(|skin| distance_from_line(skin.hue, SKIN_HUES[0], SKIN_HUES[1])),
            other_share: skin.and_then(|skin| relief.unlike_share(skin, &features, SPREAD, UNLIKE_FROM)),
            nose_root: relief.steepest(&NOSE_ROOT),
            hair: hair(&relief, skin, mesh),
        }
    }
}

/// Measures how much of each place is covered by hair.
fn hair(relief: &Relief, skin: Option<&Part>, mesh: &Mesh) -> [(HairPlace, Option<f32>); HAIR_PLACES] {
    let share = |ring: &[usize]| relief.darker_share(ring, skin?, SPREAD, UNLIKE_FROM, HAIR_DARKER);
    let brows = [share(&ABOVE_BROW), share(&ABOVE_BROW.map(mirror))];
    let cheeks = [share(SKIN_PATCHES[0]), share(SKIN_PATCHES[1])];
    // The face's right side is on the left of the picture, unless the head is upside down.
    let is_upside_down = mesh.xy(RIGHT_EYE[0])[0] > mesh.xy(LEFT_EYE[0])[0];
    let sides = |[right, left]: [Option<f32>; 2]| if is_upside_down { [left, right] } else { [right, left] };
    let ([left_brow, right_brow], [left_cheek, right_cheek]) = (sides(brows), sides(cheeks));
    [
        (HairPlace::LeftBrow, left_brow),
        (HairPlace::RightBrow, right_brow),
        (HairPlace::LeftCheek, left_cheek),
        (HairPlace::RightCheek, right_cheek),
    ]
}
