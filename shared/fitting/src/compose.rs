//! Fits a face onto a template without any generative network: geometry, shading and one blend.
//!
//! The recipe, one file a stage: [`pose`] and [`shape`] say where the face's points go, [`raster`] and
//! [`warp`] carry photo and template there, [`features`] and [`skin`] tell face from hair, [`alpha`] says
//! how much of the photo shows, [`shading`] and [`tone`] exchange the light, [`render`] computes the pixels.
//! Only the face's surroundings are touched, and what varies slowly is computed on a coarse raster
//! ([`grid`]). The same bytes in give the same bytes out: one thread, no clock, no random state.
//!
//! The method was first found as a Python prototype on full-size planes. Before anything was improved on it,
//! the stages agreed with it as follows on the twelve pairs of the four portraits (mean absolute difference in
//! the face, median of the pairs, grain left out): occlusion .010, photo's skin .030, template's skin .006, alpha
//! .020, warped photo 1.1 and warped template 1.0 levels, fitted colour 2.5
//! and result 2.4 levels. Photos twice as large as the template differ more, since the caller reduces them.
//! New since then: the template's own features and glasses are painted out ([`plate`]), a fringe's shadow is
//! removed ([`tone`]), its own texture serves as grain ([`grain`]), turned faces keep whole brows ([`features`]),
//! what a turned nose hides comes from the other side ([`occlusion`]), teeth follow large gains ([`tone`]).

mod alpha;
mod blur;
mod features;
mod frame;
mod geometry;
#[cfg(test)]
mod golden;
mod grain;
mod grid;
mod logarithm;
mod morphology;
mod occlusion;
mod plane;
mod plate;
mod polygon;
mod pose;
mod raster;
mod render;
mod shading;
mod shape;
mod skin;
mod surface;
mod texture;
mod tone;
mod warp;

use self::alpha::Evidence;
use self::features::Features;
use self::geometry::{Geometry, bounds};
use self::grain::Grain;
use self::grid::index;
use self::plane::Plane;
use self::surface::Surface;
use self::texture::Texture;
use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};
use crate::topology::{LEFT_EYE, RIGHT_EYE, SURFACE_POINTS};

/// How far from the template's points the fit may look, in eye distances: the largest shift of a point
/// and the falloff around the face.
const REACH: f32 = 0.75;

/// The hidden skin, in squared eye distances, that suffices to learn its mirror image's colour from.
const HIDDEN_SKIN_MIN: f32 = 0.02;

/// A template with everything that depends on it alone.
pub(crate) struct PreparedTemplate {
    picture: RgbImage,
    texture: Texture,
    /// Where the texture's first pixel lies in the picture.
    origin: [usize; 2],
    /// The mesh's surface, in the picture's pixels.
    points: Vec<[f32; 3]>,
    /// The distance between the centres of the eyes, in pixels.
    unit: f32,
    shares: Vec<f32>,
    /// How much of each point the template hides behind its own nose.
    covered: Vec<f32>,
}

impl PreparedTemplate {
    /// Prepares `picture` with the mesh of the face to be replaced and the mask of what stays in front of
    /// it (255 stays). The mask must have the picture's size.
    pub(crate) fn new(picture: RgbImage, mesh: &Mesh, mask: Option<&GreyImage>) -> Self {
        let points = mesh.points()[..SURFACE_POINTS].to_vec();
        let flat: Vec<[f32; 2]> = points.iter().map(|&[x, y, _]| [x, y]).collect();
        let (right, left) = (frame::mean(&flat, &RIGHT_EYE), frame::mean(&flat, &LEFT_EYE));
        let unit = (left[0] - right[0]).hypot(left[1] - right[1]).max(1.0);
        let [x0, y0, x1, y1] = bounds(&flat, REACH * unit);
        let (width, height) = (picture.width(), picture.height());
        let origin = [index(x0).min(width - 1), index(y0).min(height - 1)];
        let size = [index(x1).min(width - 1) + 1 - origin[0], index(y1).min(height - 1) + 1 - origin[1]];
        let texture = Texture::crop(&picture, mask, origin, size);
        let shares = shape::shares(&points, unit);
        let covered = occlusion::covered(&points);
        Self { picture, texture, origin, points, unit, shares, covered }
    }

    /// The distance between the centres of the eyes, in the template's pixels. A photo need not be larger
    /// than this asks for.
    pub(crate) fn eye_distance(&self) -> f32 {
        self.unit
    }

    /// How far a photo's head is turned from the template's, in degrees.
    pub(crate) fn turn_from(&self, mesh: &Mesh) -> f32 {
        shape::turn_degrees(&mesh.points()[..SURFACE_POINTS], &self.points)
    }
}

/// The template with the photo's face on it.
///
/// `photo` is an upright crop around the face and `mesh` its points in the crop's pixels.
pub(crate) fn compose(photo: &RgbImage, mesh: &Mesh, template: &PreparedTemplate) -> RgbImage {
    compose_observed(photo, mesh, template, &mut |_, _| {})
}

/// As [`compose`]; shows each stage's planes to `look`, so that the golden pictures can tell which one changed.
fn compose_observed(
    photo: &RgbImage,
    mesh: &Mesh,
    template: &PreparedTemplate,
    look: &mut dyn FnMut(&'static str, &[&Plane]),
) -> RgbImage {
    let geometry = Geometry::new(&mesh.points()[..SURFACE_POINTS], template);
    let Geometry { grid, frame, target, rim, .. } = &geometry;
    let features = Features::new(target, frame, rim);
    let texture = Texture::crop(photo, None, [0, 0], [photo.width(), photo.height()]);
    let in_photo = inside(&geometry.place, &texture);
    let measurable = rim.clone().zip(&features.any, |d, any| if d > 0.02 { 1.0 - any } else { 0.0 });

    look("distance from the rim", &[rim]);
    look("occlusion", &[&geometry.occlusion]);
    look("features", &[&features.soft, &features.lips, &features.core]);

    let mut below = warp::sample_template(&template.texture, template.origin, &geometry.shift, grid);
    let [red, green, blue, front] = &below;
    // What the operator wants in front of the face is neither its skin nor painted over.
    let free = front.reduced(grid.step).map(|front| 1.0 - front.clamp(0.0, 1.0));
    let behind = |mask: &Plane| mask.clone().zip(&free, |mask, free| mask * free);
    let coarse = |planes: [&Plane; 3]| planes.map(|plane| plane.reduced(grid.step));
    let skin = behind(&features.skin);
    let mut template_face =
        Surface::read(coarse([red, green, blue]), &skin, &behind(&measurable), frame.unit);
    let plate = behind(&plate::share(target, frame, rim, &template_face));
    let painted = features.soft.clone().zip(&plate, f32::max);
    let grain = Grain::measure(&[red, green, blue], &skin, &painted, grid);
    look("warped template", &[red, green, blue]);
    look("template's skin", &[&template_face.skin]);
    look("template's shading", &template_face.low.each_ref());
    look("clean plate", &[&plate]);
    plate::paint(&mut below, &plate, &template_face.low, grid);
    let on_plate = render::touched_columns(&plate, grid);
    grain.add(&mut below[..3], grain.deviation, Some(&plate), grid, &on_plate);
    template_face.skin = template_face.skin.zip(&plate, f32::max);

    let (mut face, photo_face) = photo_face(&texture, &geometry, &features, &measurable, &in_photo);
    look("warped photo", &face.each_ref());
    look("photo's skin", &[&photo_face.skin]);
    look("photo's shading", &photo_face.low.each_ref());
    let alpha = alpha::alpha(&Evidence {
        points: target,
        frame,
        rim,
        features: &features,
        photo_skin: &photo_face.skin,
        template_skin: &template_face.skin,
        in_photo: &in_photo,
        occlusion: &geometry.occlusion,
        filled: geometry.mirrored_place.is_some(),
    });
    let tone = tone::tone(&photo_face, &template_face, &features, frame);
    look("alpha", &[&alpha]);
    look("contrast", &tone.contrast.each_ref());
    look("gain", &[&tone.luma_gain]);
    let spans = render::touched_columns(&alpha, grid);
    render::relight(&mut face, &tone, grid, &spans);
    look("relit face", &face.each_ref());
    let patch = features.skin.clone().zip(&photo_face.weight, f32::min);
    let missing = grain.missing(&face, &patch, grid);
    grain.add(&mut face, missing, None, grid, &spans);
    look("grain", &face.each_ref());
    let mut work = template.picture.clone();
    render::blend(&mut work, &face, &below, &alpha, grid);
    work
}

/// The photo in the template's place: its pixels on the fine raster and its surface on the coarse one.
/// What the photo's camera did not see is filled from the other half of the face.
fn photo_face(
    photo: &Texture,
    geometry: &Geometry,
    features: &Features,
    measurable: &Plane,
    in_photo: &Plane,
) -> ([Plane; 3], Surface) {
    let Geometry { grid, frame, rim, occlusion, .. } = geometry;
    let coarse = |planes: &[Plane; 3]| planes.each_ref().map(|plane| plane.reduced(grid.step));
    let on_face = render::touched_columns(rim, grid);
    let mut fine = warp::sample_photo(photo, &geometry.place, grid, &on_face);
    let seen = |mask: &Plane| mask.clone().zip(occlusion, |m, o| if o < 0.3 { m } else { 0.0 });
    let weight = measurable.clone().zip(in_photo, |m, i| m * i).zip(occlusion, |m, o| m * (1.0 - o));
    let mut surface = Surface::read(coarse(&fine), &seen(&features.skin), &weight, frame.unit);
    if let Some(place) = &geometry.mirrored_place {
        let hidden = occlusion.clone().zip(rim, |o, d| if d > 0.0 { o } else { 0.0 });
        let hidden_skin = features.skin.clone().zip(occlusion, |m, o| if o > 0.3 { m } else { 0.0 });
        let enough = hidden_skin.data().iter().sum::<f32>() > HIDDEN_SKIN_MIN * frame.unit * frame.unit;
        let patch = if enough { &hidden_skin } else { &features.skin };
        let mirrored = warp::sample_photo(photo, place, grid, &on_face);
        let other = Surface::read(coarse(&mirrored), patch, measurable, frame.unit);
        let relight: [Plane; 3] =
            std::array::from_fn(|c| surface.low[c].clone().zip(&other.low[c], |own, other| own - other));
        let spans = render::touched_columns(&hidden, grid);
        occlusion::fill(&mut fine, &mirrored, &hidden, &relight, grid.step, &spans);
        surface.fill(&other, &hidden);
    }
    surface.skin = surface.skin.zip(in_photo, |k, i| k * i);
    (fine, surface)
}

/// 1 where the photo has pixels for a sample, 0 where its face is cut off.
fn inside(place: &[Plane; 2], photo: &Texture) -> Plane {
    let (right, bottom) = ((photo.width() - 1) as f32, (photo.height() - 1) as f32);
    place[0].clone().zip(&place[1], |x, y| {
        if (0.0..=right).contains(&x) && (0.0..=bottom).contains(&y) { 1.0 } else { 0.0 }
    })
}
