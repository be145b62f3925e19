//! The fine pass: computes every pixel of the work from the template, the paint over it, and the fitted face.
//!
//! It works row by row and holds only the current row. Pixels that the fit neither moves nor covers stay the
//! template's own.

use crate::compose::fine::face_rows::FaceRows;
use crate::compose::fine::row_renderer::RowRenderer;
use crate::compose::raster::grid::Grid;
use crate::compose::raster::plane::Plane;
use crate::compose::raster::spans::touched_columns;
use crate::compose::template::backdrop::Backdrop;
use crate::compose::template::grain::Grain;
use crate::pixels::{GreyImage, RgbImage};

/// The inputs of the fine pass.
pub(crate) struct Renderer<'a> {
    pub(crate) picture: &'a RgbImage,
    /// What stays in front of the face (255 stays).
    pub(crate) mask: Option<&'a GreyImage>,
    /// The grid of the template's shift, and the offset from each of its samples to the origin, in template pixels.
    pub(crate) field: &'a Grid,
    pub(crate) shift: &'a [Plane; 2],
    /// The grid of the face, within the field's, and its planes.
    pub(crate) grid: &'a Grid,
    pub(crate) backdrop: &'a Backdrop,
    pub(crate) alpha: &'a Plane,
    pub(crate) grain: &'a Grain,
    /// The deviation of the grain that the face lacks, in levels.
    pub(crate) missing: f32,
}

impl Renderer<'_> {
    /// Renders the work: the template's picture with everything drawn into it.
    pub(crate) fn render(&self, mut face: FaceRows<'_>) -> RgbImage {
        let mut work = self.picture.clone();
        let moved = self.shift[0].clone().zip(&self.shift[1], |x, y| x.abs() + y.abs());
        let moved = touched_columns(&moved, self.field);
        let shown = touched_columns(&self.alpha.clone().zip(&self.backdrop.plate, f32::max), self.grid);
        let columns = self.field.fine_width().min(work.width() - self.field.left);
        let stride = work.width() * 3;
        let mut row_renderer = RowRenderer::new(self);
        let rows = work.data_mut().chunks_exact_mut(stride).skip(self.field.top);
        for ((y, moved), row) in moved.into_iter().enumerate().zip(rows) {
            let out = row[self.field.left * 3..][..columns * 3].as_chunks_mut::<3>().0;
            row_renderer.render_row(y, moved.start..moved.end.min(columns), &shown, &mut face, out);
        }
        work
    }
}
