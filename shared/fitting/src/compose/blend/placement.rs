//! The geometry of one fit: the target's points, the rasters, and the maps back to photo and template.

use zeroize::Zeroizing;

use crate::compose::PreparedTemplate;
use crate::compose::geometry::coverage::Coverage;
use crate::compose::geometry::face_frame::{self, FaceFrame};
use crate::compose::geometry::occlusion;
use crate::compose::geometry::shape;
use crate::compose::geometry::warp;
use crate::compose::raster::grid::Grid;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::points::{Wiped, bounds, flat};
use crate::mesh::eye_distance;

/// How far beyond the points the face's raster reaches, in eye distances: enough for the mesh's skirt and for soft
/// edges.
const MARGIN: f32 = 0.1;

/// The geometry of one fit. Planes lie on the coarse raster of the face unless said otherwise.
pub(crate) struct Geometry {
    /// `grid` covers the face, `field` covers the face and everything around it that moves with it.
    pub(crate) grid: Grid,
    pub(crate) field: Grid,
    pub(crate) frame: FaceFrame,
    /// The fitted face's points, in coarse coordinates.
    pub(crate) target: Wiped<[f32; 2]>,
    /// Distance from the rim of the face, in eye distances, positive inside.
    pub(crate) rim: Plane,
    /// The offset from a sample of the field to its origin in the template, in template pixels.
    pub(crate) shift: [Plane; 2],
    /// Where a sample lies in the photo, in photo pixels.
    pub(crate) photo_coords: [Plane; 2],
    /// How much of a sample the photo's camera did not see, 0..1.
    pub(crate) occlusion: Plane,
    /// Where a sample lies on the photo's other half, in photo pixels; only if something is hidden.
    pub(crate) mirrored_photo_coords: Option<[Plane; 2]>,
}

impl Geometry {
    /// Computes the geometry that puts a face with these points (photo pixels) onto the template.
    pub(crate) fn new(photo_points: &[[f32; 3]], template: &PreparedTemplate) -> Self {
        let target = shape::target(photo_points, &template.points, &template.shares, template.unit);
        let size = [template.picture.width(), template.picture.height()];
        let grid_of = |margin| Grid::over(bounds(&target, margin * template.unit), template.unit, size);
        let (field, grid) = (grid_of(warp::FALLOFF + 0.02), grid_of(MARGIN));
        let photo_flat = flat(photo_points);
        let depth: Vec<_> = template.points.iter().map(|&[_, _, z]| z).collect();
        let shift = Self::shift(&target, template, &depth, &field);

        let target: Wiped<_> = Zeroizing::new(target.iter().map(|&p| grid.coarse(p)).collect());
        let frame = FaceFrame::new(&target, template.unit / grid.step as f32);
        let rim = face_frame::rim_distance(&target, frame.unit, grid.width, grid.height);
        let coverage = Coverage::new(&target, &depth, grid.width, grid.height);
        let hidden = occlusion::at_points(photo_points, &template.points, &template.covered);
        let occlusion = occlusion::occlusion(&hidden, &target, &coverage, &frame);
        let scale = eye_distance(photo_points) / frame.unit;
        let map_to_photo =
            |points: &[[f32; 2]]| warp::soften_folds(coverage.interpolate(&target, points), &rim, scale);
        let mirrored_photo_coords =
            occlusion::needs_fill(&occlusion).then(|| map_to_photo(&occlusion::mirrored(&photo_flat)));
        let photo_coords = map_to_photo(&photo_flat);
        Self { shift, photo_coords, grid, field, frame, target, rim, occlusion, mirrored_photo_coords }
    }

    /// Computes how the template moves, on the field.
    fn shift(target: &[[f32; 2]], template: &PreparedTemplate, depth: &[f32], field: &Grid) -> [Plane; 2] {
        let origin: Vec<_> = template.points.iter().map(|&[x, y, _]| field.coarse([x, y])).collect();
        let target: Wiped<_> = Zeroizing::new(target.iter().map(|&p| field.coarse(p)).collect());
        let frame = FaceFrame::new(&target, template.unit / field.step as f32);
        let rim = face_frame::rim_distance(&target, frame.unit, field.width, field.height);
        let coverage = Coverage::new(&target, depth, field.width, field.height);
        warp::template_shift(&target, &origin, &coverage, &rim, &frame, field.step)
    }
}
