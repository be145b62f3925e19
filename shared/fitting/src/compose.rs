//! Fits a face onto a template without any generative network: geometry, shading and one blend.
//!
//! The recipe, one file a stage: [`pose`] and [`shape`] say where the face's points go, [`raster`] and
//! [`warp`] carry photo and template there, [`features`] and [`skin`] tell face from hair, [`alpha`] says
//! how much of the photo shows, [`shading`] and [`tone`] exchange the light, [`render`] computes the pixels.
//! Only the face's surroundings are touched, and what varies slowly is computed on a coarse raster
//! ([`grid`]). The same bytes in give the same bytes out: one thread, no clock, no random state.

mod alpha;
mod blur;
mod features;
mod frame;
mod grid;
mod morphology;
mod plane;
mod polygon;
mod pose;
mod raster;
mod render;
mod shading;
mod shape;
mod skin;
mod texture;
mod tone;
mod warp;

use self::alpha::Evidence;
use self::features::Features;
use self::frame::Frame;
use self::grid::{Grid, index};
use self::plane::Plane;
use self::raster::Coverage;
use self::skin::{SkinFeatures, SkinModel};
use self::texture::Texture;
use self::tone::Face;
use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};
use crate::topology::{LEFT_EYE, RIGHT_EYE, SURFACE_POINTS};

/// How far from the template's points the fit may look, in eye distances: the largest shift of a point
/// and the falloff around the face.
const REACH: f32 = 0.75;

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
        Self { picture, texture, origin, points, unit, shares }
    }

    /// The distance between the centres of the eyes, in the template's pixels. A photo need not be larger
    /// than this asks for.
    pub(crate) fn eye_distance(&self) -> f32 {
        self.unit
    }
}

/// The template with the photo's face on it.
///
/// `photo` is an upright crop around the face and `mesh` its points in the crop's pixels.
pub(crate) fn compose(photo: &RgbImage, mesh: &Mesh, template: &PreparedTemplate) -> RgbImage {
    let source = &mesh.points()[..SURFACE_POINTS];
    let (target, _turn) = shape::target(source, &template.points, &template.shares, template.unit);
    let size = [template.picture.width(), template.picture.height()];
    let grid = Grid::over(bounds(&target, (warp::FALLOFF + 0.02) * template.unit), template.unit, size);
    let target: Vec<[f32; 2]> = target.into_iter().map(|p| grid.coarse(p)).collect();
    let origin: Vec<[f32; 2]> = template.points.iter().map(|&[x, y, _]| grid.coarse([x, y])).collect();
    let flat: Vec<[f32; 2]> = source.iter().map(|&[x, y, _]| [x, y]).collect();
    let depth: Vec<f32> = template.points.iter().map(|&[_, _, z]| z).collect();

    let frame = Frame::new(&target, template.unit / grid.step as f32);
    let rim = frame::rim_distance(&target, frame.unit, grid.width, grid.height);
    let coverage = Coverage::new(&target, &depth, grid.width, grid.height);
    let shift = warp::template_shift(&target, &origin, &coverage, &rim, &frame, grid.step);
    let place = coverage.interpolate(&target, &flat);

    let texture = Texture::crop(photo, None, [0, 0], [photo.width(), photo.height()]);
    let on_face = render::touched_columns(&rim, &grid);
    let [red, green, blue, _] = warp::sample_photo(&texture, &place, &grid, &on_face);
    let mut face = [red, green, blue];
    let below = warp::sample_template(&template.texture, template.origin, &shift, &grid);

    let photo_logs = shading::logarithms(face.each_ref().map(|plane| plane.reduced(grid.step)));
    let template_logs =
        shading::logarithms([&below[0], &below[1], &below[2]].map(|plane| plane.reduced(grid.step)));
    let features = Features::new(&target, &frame, &rim);
    let in_photo = inside(&place, &texture);
    let photo_features = SkinFeatures::new(&photo_logs, frame.unit);
    let photo_model = SkinModel::measure(&photo_features, &features.skin);
    let photo_skin = photo_features.likeness(&photo_model).zip(&in_photo, |k, inside| k * inside);
    let template_features = SkinFeatures::new(&template_logs, frame.unit);
    let template_skin = template_features.likeness(&SkinModel::measure(&template_features, &features.skin));

    let alpha = alpha::alpha(&Evidence {
        points: &target,
        frame: &frame,
        rim: &rim,
        features: &features,
        photo_skin: &photo_skin,
        template_skin: &template_skin,
        in_photo: &in_photo,
    });
    let weight = |skin: &Plane| {
        let on_face = skin.clone().zip(&features.any, |k, any| k * (1.0 - any));
        on_face.zip(&rim, |k, d| if d > 0.02 { k } else { 0.0 })
    };
    let (photo_weight, template_weight) = (weight(&photo_skin), weight(&template_skin));
    let photo_low = shading::low_frequencies(&photo_logs, &photo_weight, frame.unit);
    let template_low = shading::low_frequencies(&template_logs, &template_weight, frame.unit);
    let tone = tone::tone(
        Face { logs: &photo_logs, low: photo_low, weight: &photo_weight },
        &Face { logs: &template_logs, low: template_low, weight: &template_weight },
        &features,
        &photo_features,
        &photo_model,
        frame.unit,
    );
    render::relight(&mut face, &tone, &grid, &render::touched_columns(&alpha, &grid));
    let mut work = template.picture.clone();
    render::blend(&mut work, &face, &below, &alpha, &grid);
    work
}

/// The box around points, grown by `margin`: left, top, right, bottom.
fn bounds(points: &[[f32; 2]], margin: f32) -> [f32; 4] {
    let low = |axis: usize| points.iter().map(|p| p[axis]).fold(f32::INFINITY, f32::min) - margin;
    let high = |axis: usize| points.iter().map(|p| p[axis]).fold(f32::NEG_INFINITY, f32::max) + margin;
    [low(0), low(1), high(0), high(1)]
}

/// 1 where the photo has pixels for a sample, 0 where its face is cut off.
fn inside(place: &[Plane; 2], photo: &Texture) -> Plane {
    let (right, bottom) = ((photo.width() - 1) as f32, (photo.height() - 1) as f32);
    place[0].clone().zip(&place[1], |x, y| {
        if (0.0..=right).contains(&x) && (0.0..=bottom).contains(&y) { 1.0 } else { 0.0 }
    })
}
