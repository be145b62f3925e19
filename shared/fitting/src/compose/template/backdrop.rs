//! The template's face on the coarse raster. It is measured once from the template itself, then warped to wherever a
//! fit moves the template.

use crate::compose::face::features::Features;
use crate::compose::face::shading::luma;
use crate::compose::face::surface::Surface;
use crate::compose::geometry::face_frame::{self, FaceFrame};
use crate::compose::geometry::warp;
use crate::compose::raster::grid::Grid;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::bounds;
use crate::compose::template::grain::Grain;
use crate::compose::template::plate;
use crate::pixels::{GreyImage, RgbImage};
use crate::region::Region;
use crate::resize::block_means;

/// How far from the template's points a fit may read, in eye distances: the largest shift of a point plus the falloff
/// around the face.
const REACH: f32 = 0.75;

/// Coarse planes of the template's face.
pub(crate) struct Backdrop {
    /// Likeness to its skin, 0..1; painted samples count as skin.
    pub(crate) skin: Plane,
    /// The weight of a sample in its shading.
    pub(crate) weight: Plane,
    /// Its shading.
    pub(crate) low: [Plane; 3],
    /// The part of its luma that is finer than the shading.
    pub(crate) detail: Plane,
    /// The share of painted skin, and the colour of the paint as logarithms.
    pub(crate) plate: Plane,
    pub(crate) paint: [Plane; 3],
    /// Where its texture is nothing but grain, 0..1.
    pub(crate) grain_only: Plane,
    /// The dark of its eyes, as luma detail.
    pub(crate) black: f32,
    /// Its lips' hue, see [`Surface::lip_hue`].
    pub(crate) lip_hue: [f32; 2],
}

impl Backdrop {
    /// Reads the face with these points (pixels of `picture`) and this distance between the eyes. Also returns the
    /// grid of its planes, and its grain. What the `mask` keeps in front of the face is neither taken for its skin
    /// nor painted over.
    pub(crate) fn read(
        picture: &RgbImage,
        mask: Option<&GreyImage>,
        points: &[[f32; 3]],
        unit: f32,
    ) -> (Grid, Self, Grain) {
        let flat: Vec<[f32; 2]> = points.iter().map(|&[x, y, _]| [x, y]).collect();
        let grid = Grid::over(bounds(&flat, REACH * unit), unit, [picture.width(), picture.height()]);
        let points: Vec<_> = flat.into_iter().map(|p| grid.coarse(p)).collect();
        let frame = FaceFrame::new(&points, unit / grid.step as f32);
        let rim = face_frame::rim_distance(&points, frame.unit, grid.width, grid.height);
        let features = Features::new(&points, &frame, &rim);
        let free = mask.map(|mask| free(mask, &grid));
        let behind = |plane: Plane| match &free {
            Some(free) => plane.zip(free, |v, free| v * free),
            None => plane,
        };
        let (patch, measurable) = (behind(features.skin.clone()), behind(features.measurable(&rim)));
        let surface = Surface::read(colours(picture, &grid), &patch, &measurable, frame.unit);
        let plate = behind(plate::share(&points, &frame, &rim, &surface));
        let painted = features.soft.clone().zip(&plate, f32::max);
        let (grain, grain_only) = Grain::measure(picture, &patch, &painted, &grid);
        let paint = plate::paint(&surface, &plate, frame.unit);
        let (detail, black) = (luma(&surface.detail()), surface.black(&features));
        let lip_hue = surface.lip_hue(&features);
        let Surface { skin, weight, low, .. } = surface;
        let skin = skin.zip(&plate, f32::max);
        (grid, Self { skin, weight, low, detail, plate, paint, grain_only, black, lip_hue }, grain)
    }

    /// Warps the planes to the `grid` of a fit that moves the template by `shift` (template pixels); `own` is the
    /// grid they were read on. In the `features` of the fit no texture counts as grain, because the template's lips
    /// may be stretched over an open mouth.
    pub(crate) fn warped(&self, own: &Grid, shift: &[Plane; 2], grid: &Grid, features: &Plane) -> Self {
        let (low, paint) = (self.low.each_ref(), self.paint.each_ref());
        let single = [&self.skin, &self.weight, &self.detail, &self.plate, &self.grain_only];
        let [skin, weight, detail, plate, grain_only] = warp::warped(single, own, shift, grid);
        let [low, paint] = [low, paint].map(|planes| warp::warped(planes, own, shift, grid));
        let grain_only = grain_only.zip(features, |grain_only, feature| grain_only * (1.0 - feature));
        let (black, lip_hue) = (self.black, self.lip_hue);
        Self { skin, weight, low, detail, plate, paint, grain_only, black, lip_hue }
    }
}

/// Returns the means of the grid's blocks in red, green and blue, as 8-bit levels.
fn colours(picture: &RgbImage, grid: &Grid) -> [Plane; 3] {
    let width = grid.fine_width().min(picture.width() - grid.left);
    let height = grid.fine_height().min(picture.height() - grid.top);
    let means = block_means(picture, Region { left: grid.left, top: grid.top, width, height }, grid.step);
    [0, 1, 2].map(|c| Plane::from_fn(grid.width, grid.height, |x, y| f32::from(means.pixel(x, y)[c])))
}

/// Returns the share of each of the grid's blocks that the mask leaves free. Beyond the picture the last pixel is
/// repeated.
fn free(mask: &GreyImage, grid: &Grid) -> Plane {
    let (right, bottom) = (mask.width() - 1, mask.height() - 1);
    let kept = |x: usize, y: usize| {
        mask.data()[(grid.top + y).min(bottom) * mask.width() + (grid.left + x).min(right)]
    };
    Plane::from_fn(grid.fine_width(), grid.fine_height(), |x, y| 1.0 - f32::from(kept(x, y)) / 255.0)
        .reduced(grid.step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::golden::mesh;
    use crate::compose::raster::grid::index;
    use crate::compose::raster::logarithm::LOG_OFFSET;
    use crate::mesh::eye_distance;
    use crate::topology::{LEFT_EYE, RIGHT_EYE, SURFACE_POINTS};

    const SIZE: usize = 512;
    const SKIN: [u8; 3] = [200, 150, 120];

    /// Reads a face of even skin whose left half has the colour `other` and is masked. Returns its backdrop, and
    /// where the right and the left eye lie in it.
    fn read(other: [u8; 3]) -> (Backdrop, [[usize; 2]; 2]) {
        let mesh = mesh("astronaut.png");
        let points = &mesh.points()[..SURFACE_POINTS];
        let flat: Vec<[f32; 2]> = points.iter().map(|&[x, y, _]| [x, y]).collect();
        let eyes = [face_frame::mean(&flat, &RIGHT_EYE), face_frame::mean(&flat, &LEFT_EYE)];
        let middle = index(f32::midpoint(eyes[0][0], eyes[1][0]));
        let mut picture = RgbImage::new(SIZE, SIZE);
        for (x, y) in (0..SIZE).flat_map(|y| (0..SIZE).map(move |x| (x, y))) {
            picture.set_pixel(x, y, if x < middle { SKIN } else { other });
        }
        let mask = (0..SIZE * SIZE).map(|i| if i % SIZE < middle { 0 } else { 255 }).collect();
        let mask = GreyImage::from_raw(SIZE, SIZE, mask).unwrap();
        let (grid, backdrop, _) = Backdrop::read(&picture, Some(&mask), points, eye_distance(points));
        let eyes = eyes.map(|eye| grid.coarse(eye).map(index));
        (backdrop, eyes)
    }

    #[test]
    fn masked_pixels_are_not_painted_over() {
        let (backdrop, eyes) = read(SKIN);
        let [free, kept] = eyes.map(|[x, y]| backdrop.plate.row(y)[x]);
        assert!(free > 0.5 && kept == 0.0, "{free} {kept}");
    }

    #[test]
    fn masked_pixels_are_not_taken_for_skin() {
        let (backdrop, [_, [x, y]]) = read([20, 60, 230]);
        for (plane, skin) in backdrop.low.iter().zip(SKIN) {
            let expected = (f32::from(skin) + LOG_OFFSET).ln();
            let low = plane.row(y)[x];
            assert!((low - expected).abs() < 0.02, "{low} instead of {expected}");
        }
    }
}
