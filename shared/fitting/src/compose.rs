//! Fits a face onto a template without any generative network: geometry, shading and one blend.
//!
//! The modules build on each other in this order. [`raster`] stores values on a grid. [`geometry`] computes where the
//! face's points go, and warps photo and template to them. [`face`] corrects uncommon light in the photo and tells
//! skin, features and hair apart. [`template`] holds what depends on the template alone; it is computed when the
//! template is prepared. [`blend`] decides how much of the photo shows (`alpha`), exchanges the light (`tone`), and
//! falls back to safe colours where the result is broken (`calm`). [`fine`] computes the pixels, row by row. Only the
//! face's surroundings are changed, and what varies slowly is computed on a coarse raster. The same bytes in give the
//! same bytes out: one thread, no clock, no random state.
//!
//! Terms, used in all modules:
//!
//! - *plane*: one `f32` value for each sample of a raster ([`Plane`]);
//! - *fine*: the raster of template pixels; *coarse*: the raster of blocks of them (see `raster::grid`);
//! - *face frame*: the face's own axes and unit of length on the coarse raster;
//! - *eye distance*, *unit*: the distance between the centres of the eyes, the unit of most lengths;
//! - *rim*: the outline of the face mesh;
//! - *shading*, in names `low`: the low frequencies of the logarithmic colour; *detail*: what is finer;
//! - *share*: a fraction of 0..1;
//! - *target*: the points of the fitted face, in the template;
//! - *field*: the part of the template that moves with the face; it is larger than the face itself;
//! - *template*: the picture that faces go onto; *picture*: its pixels. Any other pixels are an *image*.
//!
//! A Python prototype on full-size planes came first. Before anything was improved, the stages agreed with it as
//! follows on the twelve pairs of the four portraits (mean absolute difference in the face, median of the pairs,
//! without grain): occlusion .010, photo's skin .030, template's skin .006, alpha .020, warped photo 1.1 and warped
//! template 1.0 levels, fitted colour 2.5 and result 2.4 levels. Photos twice as large as the template differ more,
//! because the caller reduces them. These parts are newer than the prototype:
//!
//! - the template's own features and glasses are painted over (`plate`);
//! - the shadow of a fringe is removed (`tone`);
//! - the template's own texture serves as grain (`grain`);
//! - turned faces keep whole brows (`features`);
//! - what a turned nose hides is taken from the other half of the face (`occlusion`);
//! - the outline of a turned nose is softened (`warp`);
//! - teeth follow large gains (`tone`);
//! - the face takes on the template's own skin and texture at its edge (`edge`).
//!
//! By the scores of `cargo xtask quality` (medians over all pairs; the JPEG coding can move the seam by .05) a fit
//! has identity .386, seam .21 dE, tone 3.3 dE and fringe .59 dE. The prototype has .395, .25, 4.5 and .61 with
//! exactly the points that the scores are computed with, and a seam of .32 with the points found here.

mod blend;
mod face;
mod fine;
mod geometry;
#[cfg(test)]
mod golden;
mod raster;
mod template;

use self::blend::alpha::{self, AlphaInputs};
use self::blend::edge;
use self::blend::fallback::{self, FitContext};
use self::blend::placement::Geometry;
use self::face::exposure;
use self::face::features::Features;
use self::face::surface::Surface;
use self::fine::face_rows::FaceRows;
use self::fine::render::Renderer;
use self::geometry::occlusion::{Filling, HIDDEN};
use self::geometry::warp;
use self::raster::grid;
use self::raster::plane::Plane;
use self::raster::texture::Texture;
use self::template::grain;
pub(crate) use self::template::prepared::PreparedTemplate;
use crate::mesh::{Mesh, eye_distance};
use crate::pixels::RgbImage;
use crate::resize::{BLOCK_MAX, block_means};
use crate::topology::SURFACE_POINTS;

/// The least hidden skin, in squared eye distances, from which the colour of the mirrored half is learned.
const HIDDEN_SKIN_MIN: f32 = 0.02;

/// Returns the template with the photo's face on it.
///
/// `photo` is an upright crop around the face and `mesh` its points in the crop's pixels.
pub(crate) fn compose(photo: &RgbImage, mesh: &Mesh, template: &PreparedTemplate) -> RgbImage {
    compose_observed(photo, mesh, template, &mut |_, _| {})
}

/// Receives the name and the planes of each stage, so that the golden pictures can tell which stage changed.
type Observer<'a> = &'a mut dyn FnMut(&'static str, &[&Plane]);

/// As [`compose`]; passes the coarse planes of each stage to `observe`.
fn compose_observed(
    photo: &RgbImage,
    mesh: &Mesh,
    template: &PreparedTemplate,
    observe: Observer<'_>,
) -> RgbImage {
    let points = &mesh.points()[..SURFACE_POINTS];
    let balanced = exposure::balance(photo, points, eye_distance(points), template.skin_light);
    let colour = exposure::colour(photo, points);
    let photo = balanced.as_ref().unwrap_or(photo);
    let geometry = Geometry::new(points, template);
    let Geometry { grid, field, frame, target, rim, .. } = &geometry;
    let [left, top] = field.offset_of(grid);
    let moved = geometry.shift.each_ref().map(|plane| plane.part(left, top, grid.width, grid.height));
    let features = Features::new(target, frame, rim);
    observe("distance from the rim", &[rim]);
    observe("occlusion", &[&geometry.occlusion]);
    observe("features", &[&features.soft, &features.lips, &features.core]);
    observe("template's shift", &moved.each_ref());

    let mut backdrop = template.backdrop.warped(&template.grid, &moved, grid, &features.soft);
    observe("template's skin", &[&backdrop.skin]);
    observe("template's shading", &backdrop.low.each_ref());
    observe("clean plate", &[&backdrop.plate]);
    observe("grain only", &[&backdrop.grain_only]);

    let in_photo = inside(&geometry.photo_coords, photo);
    let (mut face, filling) = photo_face(photo, eye_distance(points), &geometry, &features, &in_photo);
    observe("warped photo", &face.logs.each_ref());
    observe("photo's skin", &[&face.skin]);
    observe("photo's shading", &face.low.each_ref());
    let mut alpha = alpha::alpha(&AlphaInputs {
        points: target,
        frame,
        rim,
        features: &features,
        photo_skin: &face.skin,
        template_skin: &backdrop.skin,
        in_photo: &in_photo,
        occlusion: &geometry.occlusion,
        filled: filling.is_some(),
    });
    observe("alpha", &[&alpha]);
    let edge = edge::share(&alpha, &features, frame);
    edge::match_shading(&mut face, &mut backdrop, &edge, frame);
    observe("edge", &[&edge]);
    let patch = features.skin.clone().zip(&face.weight, f32::min);
    let context = FitContext {
        backdrop: &backdrop,
        features: &features,
        rim,
        frame,
        points: target,
        in_photo: &in_photo,
        occlusion: &geometry.occlusion,
    };
    let tone = fallback::finish(&mut face, &mut alpha, &context, colour, observe);
    tone.show(observe);
    let mut rows = FaceRows::new(Texture::of(photo), &geometry.photo_coords, filling.as_ref(), &tone, grid);
    let own = grain::own_deviation(&patch, grid, |y, span, out| rows.luma(y, span, out));
    let renderer = Renderer {
        picture: &template.picture,
        mask: template.mask.as_ref(),
        field,
        shift: &geometry.shift,
        grid,
        backdrop: &backdrop,
        alpha: &alpha,
        grain: &template.grain,
        missing: template.grain.missing(own),
    };
    renderer.render(rows)
}

/// Reads the photo's surface at the target. What the photo's camera did not see is filled from the other half of the
/// face; that filling is returned as well. `eye_distance` is the photo's, in its pixels.
fn photo_face(
    photo: &RgbImage,
    eye_distance: f32,
    geometry: &Geometry,
    features: &Features,
    in_photo: &Plane,
) -> (Surface, Option<Filling>) {
    let Geometry { frame, rim, occlusion, photo_coords, .. } = geometry;
    let block = grid::index((eye_distance / frame.unit).round()).clamp(1, BLOCK_MAX);
    let means = block_means(photo, photo.whole(), block);
    let coarse = |photo_coords: &[Plane; 2]| warp::sample_means(&means, block, photo_coords, rim);
    let measurable = features.measurable(rim);
    let seen = |mask: &Plane| mask.clone().zip(occlusion, |m, o| if o < HIDDEN { m } else { 0.0 });
    let weight = measurable.clone().zip(in_photo, |m, i| m * i).zip(occlusion, |m, o| m * (1.0 - o));
    let mut surface = Surface::read(coarse(photo_coords), &seen(&features.skin), &weight, frame.unit);
    let filling = geometry.mirrored_photo_coords.as_ref().map(|photo_coords| {
        let hidden = occlusion.clone().zip(rim, |o, d| if d > 0.0 { o } else { 0.0 });
        let hidden_skin = features.skin.clone().zip(occlusion, |m, o| if o >= HIDDEN { m } else { 0.0 });
        let enough = hidden_skin.data().iter().sum::<f32>() > HIDDEN_SKIN_MIN * frame.unit * frame.unit;
        let patch = if enough { &hidden_skin } else { &features.skin };
        let other = Surface::read(coarse(photo_coords), patch, &measurable, frame.unit);
        let relight: [Plane; 3] =
            std::array::from_fn(|c| surface.low[c].clone().zip(&other.low[c], |own, other| own - other));
        surface.fill_hidden(&other, &hidden);
        Filling { photo_coords: photo_coords.clone(), share: hidden, relight }
    });
    surface.skin = surface.skin.zip(in_photo, |k, i| k * i);
    (surface, filling)
}

/// Returns 1 where the photo has pixels for a sample, 0 outside the photo.
fn inside(photo_coords: &[Plane; 2], photo: &RgbImage) -> Plane {
    let (right, bottom) = ((photo.width() - 1) as f32, (photo.height() - 1) as f32);
    photo_coords[0].clone().zip(&photo_coords[1], |x, y| {
        if (0.0..=right).contains(&x) && (0.0..=bottom).contains(&y) { 1.0 } else { 0.0 }
    })
}
