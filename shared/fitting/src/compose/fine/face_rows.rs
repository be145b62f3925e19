//! The fitted face row by row: the photo's warped pixels, the hidden ones filled, all re-lit.
//!
//! A row is computed when it is asked for; no fine plane of the face is ever held.

use std::ops::Range;

use crate::compose::blend::relight::{PLANES, relight_row};
use crate::compose::blend::tone::Tone;
use crate::compose::geometry::occlusion::{FILLING_ROWS, Filling, fill_row};
use crate::compose::raster::grid::Grid;
use crate::compose::raster::plane::{Plane, Upsampler};
use crate::compose::raster::texture::Texture;

/// Scratch rows: those of a filling (its first two hold the photo's own coordinates before that), three colours, and
/// the planes of the tone.
const ROWS: usize = FILLING_ROWS + 3 + PLANES;

/// Computes rows of the fitted face.
pub(crate) struct FaceRows<'a> {
    photo: Texture<'a>,
    photo_coords: &'a [Plane; 2],
    filling: Option<&'a Filling>,
    tone: [&'a Plane; PLANES],
    deepening: f32,
    colour: f32,
    upsampler: Upsampler,
    rows: Plane,
}

impl<'a> FaceRows<'a> {
    /// `photo_coords` says for each coarse sample where it lies in the photo, in photo pixels.
    pub(crate) fn new(
        photo: Texture<'a>,
        photo_coords: &'a [Plane; 2],
        filling: Option<&'a Filling>,
        tone: &'a Tone,
        grid: &Grid,
    ) -> Self {
        Self {
            photo,
            photo_coords,
            filling,
            tone: tone.planes(),
            deepening: tone.deepening,
            colour: tone.colour,
            upsampler: Upsampler::new(grid.step, grid.width),
            rows: Plane::new(grid.fine_width(), ROWS),
        }
    }

    /// Returns red, green and blue (8-bit levels) of the columns `span` of a fine row.
    pub(crate) fn row(&mut self, y: usize, span: &Range<usize>) -> [&mut [f32]; 3] {
        let [xs, ys, s0, s1, s2, s3, s4, s5, s6, red, green, blue, mut tone @ ..] = self.rows.split::<ROWS>();
        let upsampler = &mut self.upsampler;
        upsampler.row(&self.photo_coords[0], y, span.clone(), xs);
        upsampler.row(&self.photo_coords[1], y, span.clone(), ys);
        let mut colours = [red, green, blue].map(|row| &mut row[span.clone()]);
        let each = colours.each_mut().map(|row| &mut **row);
        self.photo.sample_row(&xs[span.clone()], &ys[span.clone()], each);
        if let Some(filling) = self.filling {
            let scratch = [xs, ys, s0, s1, s2, s3, s4, s5, s6];
            fill_row(filling, &self.photo, upsampler, y, span, scratch, &mut colours);
        }
        for (row, plane) in tone.iter_mut().zip(self.tone) {
            upsampler.row(plane, y, span.clone(), row);
        }
        let planes = tone.map(|row| &row[span.clone()]);
        let [red, green, blue] = colours;
        relight_row(red, green, blue, &planes, self.deepening, self.colour);
        [red, green, blue]
    }

    /// Writes the mean of the three colours in each of the columns.
    pub(crate) fn luma(&mut self, y: usize, span: &Range<usize>, out: &mut [f32]) {
        let [red, green, blue] = self.row(y, span);
        for (((v, r), g), b) in out.iter_mut().zip(red).zip(green).zip(blue) {
            *v = (*r + *g + *b) / 3.0;
        }
    }
}
