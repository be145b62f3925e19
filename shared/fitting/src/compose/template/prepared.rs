//! A template with everything that depends on it alone, computed once.

use crate::compose::face::exposure;
use crate::compose::geometry::points::{Wiped, eye_distance};
use crate::compose::geometry::{occlusion, shape};
use crate::compose::raster::grid::Grid;
use crate::compose::template::backdrop::Backdrop;
use crate::compose::template::grain::Grain;
use crate::mesh::Mesh;
use crate::pixels::{GreyImage, RgbImage};
use crate::topology::SURFACE_POINTS;

/// A template with everything that depends on it alone.
pub(crate) struct PreparedTemplate {
    pub(crate) picture: RgbImage,
    pub(crate) mask: Option<GreyImage>,
    /// The mesh's surface, in the picture's pixels.
    pub(crate) points: Vec<[f32; 3]>,
    /// The distance between the centres of the eyes, in pixels.
    pub(crate) unit: f32,
    pub(crate) shares: Vec<f32>,
    /// How much of each point the template hides behind its own nose.
    pub(crate) covered: Wiped<f32>,
    /// The light of its skin, linear.
    pub(crate) skin_light: [f32; 3],
    /// What lies behind the fitted face, and the grid on which it was read.
    pub(crate) grid: Grid,
    pub(crate) backdrop: Backdrop,
    pub(crate) grain: Grain,
}

impl PreparedTemplate {
    /// Prepares `picture` with the mesh of the face to be replaced and the mask of what stays in front of
    /// it (255 stays). The mask must have the picture's size.
    pub(crate) fn new(picture: RgbImage, mesh: &Mesh, mask: Option<GreyImage>) -> Self {
        let points = mesh.points()[..SURFACE_POINTS].to_vec();
        let unit = eye_distance(&points).max(1.0);
        let (grid, backdrop, grain) = Backdrop::read(&picture, mask.as_ref(), &points, unit);
        let shares = shape::shares(&points, unit);
        let covered = occlusion::covered(&points);
        let skin_light = exposure::skin_light(&picture, &points);
        Self { picture, mask, points, unit, shares, covered, skin_light, grid, backdrop, grain }
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
