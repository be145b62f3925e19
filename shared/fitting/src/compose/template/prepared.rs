//! A prepared template: its picture and everything computed from it before a photo arrives.

use crate::compose::face::exposure;
use crate::compose::geometry::{occlusion, shape};
use crate::compose::raster::grid::Grid;
use crate::compose::raster::points::Wiped;
use crate::compose::template::backdrop::Backdrop;
use crate::compose::template::grain::Grain;
use crate::mesh::Mesh;
use crate::mesh::eye_distance;
use crate::pixels::{GreyImage, RgbImage};
use crate::topology::SURFACE_POINTS;

/// A template's picture with everything that depends on it alone.
pub(crate) struct PreparedTemplate {
    pub(crate) picture: RgbImage,
    pub(crate) mask: Option<GreyImage>,
    /// The mesh's surface, in the picture's pixels.
    pub(crate) points: Vec<[f32; 3]>,
    /// The distance between the centres of the eyes, in pixels.
    pub(crate) unit: f32,
    /// The weight of the photo's shape at each point, see [`shape::shares`].
    pub(crate) shares: Vec<f32>,
    /// How much of each point the template hides behind its own nose.
    pub(crate) covered: Wiped<f32>,
    /// The linear light of its skin.
    pub(crate) skin_light: [f32; 3],
    /// What lies behind the fitted face, and the grid on which it was read.
    pub(crate) grid: Grid,
    pub(crate) backdrop: Backdrop,
    pub(crate) grain: Grain,
}

impl PreparedTemplate {
    /// Prepares `picture`. `mesh` is the face to be replaced; `mask` says what stays in front of it (255 stays) and
    /// must have the picture's size.
    pub(crate) fn new(picture: RgbImage, mesh: &Mesh, mask: Option<GreyImage>) -> Self {
        let points = mesh.points()[..SURFACE_POINTS].to_vec();
        let unit = eye_distance(&points).max(1.0);
        let (grid, backdrop, grain) = Backdrop::read(&picture, mask.as_ref(), &points, unit);
        let shares = shape::shares(&points, unit);
        let covered = occlusion::covered(&points);
        let skin_light = exposure::skin_light(&picture, &points);
        Self { picture, mask, points, unit, shares, covered, skin_light, grid, backdrop, grain }
    }

    /// Returns the distance between the centres of the eyes, in the template's pixels. A photo whose eyes are this
    /// far apart is large enough.
    pub(crate) fn eye_distance(&self) -> f32 {
        self.unit
    }

    /// Returns how far a photo's head is turned from the template's, in degrees.
    pub(crate) fn turn_from(&self, mesh: &Mesh) -> f32 {
        shape::turn_degrees(&mesh.points()[..SURFACE_POINTS], &self.points)
    }
}
