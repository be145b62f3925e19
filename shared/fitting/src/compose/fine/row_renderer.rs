//! Renders one row of the work: the moved template, skin painted over its features, and the face on top.
//!
//! Where the face covers the template fully, the template is not sampled.

use std::ops::Range;

use crate::compose::fine::face_rows::FaceRows;
use crate::compose::fine::levels::write_row;
use crate::compose::fine::render::Renderer;
use crate::compose::raster::plane::{Plane, Upsampler};
use crate::compose::raster::texture::Texture;
use crate::compose::template::plate::paint_row;
use crate::pixels::GreyImage;

/// Scratch rows: two coordinates, alpha, the painted share, the share of grain only, grain, paint, three colours.
const ROWS: usize = 10;

/// The number of neighbouring template pixels that are sampled or skipped together.
const CHUNK: usize = 16;

/// The scratch rows for rendering one row. Rows and columns count in the field's fine raster.
pub(crate) struct RowRenderer<'a> {
    renderer: &'a Renderer<'a>,
    template: Texture<'a>,
    /// Where the face's raster begins in the field's.
    offset: [usize; 2],
    field: Upsampler,
    face: Upsampler,
    rows: Plane,
}

impl<'a> RowRenderer<'a> {
    pub(crate) fn new(renderer: &'a Renderer<'a>) -> Self {
        let Renderer { field, grid, .. } = *renderer;
        Self {
            renderer,
            template: Texture::of(renderer.picture),
            offset: [grid.left - field.left, grid.top - field.top],
            field: Upsampler::new(field.step, field.width),
            face: Upsampler::new(grid.step, grid.width),
            rows: Plane::new(field.fine_width(), ROWS),
        }
    }

    /// Renders row `y` into `out`. `moved` are the columns in which the template moves. `shown` are the columns in
    /// which the face or something painted is visible, for each row of the face's raster and in its columns.
    pub(crate) fn render_row(
        &mut self,
        y: usize,
        moved: Range<usize>,
        shown: &[Range<usize>],
        face: &mut FaceRows<'_>,
        out: &mut [[u8; 3]],
    ) {
        let face_y = y.wrapping_sub(self.offset[1]);
        let shown = shown.get(face_y).cloned().unwrap_or_default();
        let shown = shown.start..shown.end.min(out.len().saturating_sub(self.offset[0]));
        let all = if shown.is_empty() {
            moved
        } else {
            let (first, end) = (shown.start + self.offset[0], shown.end + self.offset[0]);
            if moved.is_empty() { first..end } else { moved.start.min(first)..moved.end.max(end) }
        };
        if all.is_empty() {
            return;
        }
        self.locate_in_template(y, &all);
        if shown.is_empty() {
            let [xs, ys, .., red, green, blue] = self.rows.split::<ROWS>().map(|row| &mut row[all.clone()]);
            self.template.sample_row(xs, ys, [&mut *red, &mut *green, &mut *blue]);
            write_row(&mut out[all], [red, green, blue].map(|row| &*row));
        } else {
            self.cover(y, &all, &shown);
            self.paint(face_y, &shown);
            self.blend(face.row(face_y, &shown), &all, &shown, &mut out[all.clone()]);
        }
    }

    /// Computes where the columns `all` of the row lie in the template.
    fn locate_in_template(&mut self, y: usize, all: &Range<usize>) {
        let Renderer { field, shift, .. } = *self.renderer;
        let [xs, ys, ..] = self.rows.split::<ROWS>();
        self.field.row(&shift[0], y, all.clone(), xs);
        self.field.row(&shift[1], y, all.clone(), ys);
        for ((x, u), v) in all.clone().zip(&mut xs[all.clone()]).zip(&mut ys[all.clone()]) {
            *u += (field.left + x) as f32;
            *v += (field.top + y) as f32;
        }
    }

    /// Computes how far the face covers the row, and samples the template where it is not covered fully.
    fn cover(&mut self, y: usize, all: &Range<usize>, shown: &Range<usize>) {
        let Self { renderer, template, offset: [dx, dy], face, rows, .. } = self;
        let [xs, ys, alpha, .., red, green, blue] = rows.split::<ROWS>();
        let own = *dx..*dx + renderer.grid.fine_width();
        face.row(renderer.alpha, y - *dy, shown.clone(), &mut alpha[own]);
        alpha[all.start..shown.start + *dx].fill(0.0);
        alpha[shown.end + *dx..all.end].fill(0.0);
        if let Some(mask) = renderer.mask {
            apply_mask(mask, [&xs[all.clone()], &ys[all.clone()]], &mut alpha[all.clone()]);
        }
        for start in all.clone().step_by(CHUNK) {
            let chunk = start..(start + CHUNK).min(all.end);
            if alpha[chunk.clone()].iter().any(|&share| share < 1.0) {
                let colours = [&mut *red, &mut *green, &mut *blue].map(|row| &mut row[chunk.clone()]);
                template.sample_row(&xs[chunk.clone()], &ys[chunk.clone()], colours);
            }
        }
    }

    /// Paints skin over the template's features, and prepares the grain for the row.
    fn paint(&mut self, face_y: usize, shown: &Range<usize>) {
        let Self { renderer, offset: [dx, _], face, rows, .. } = self;
        let grid = renderer.grid;
        let [xs, ys, _, plate, grain_only, grain, paint, colours @ ..] = rows.split::<ROWS>();
        let own = *dx..*dx + grid.fine_width();
        let mut upsample =
            |plane: &Plane, row: &mut [f32]| face.row(plane, face_y, shown.clone(), &mut row[own.clone()]);
        upsample(&renderer.backdrop.plate, plate);
        let in_field = shown.start + *dx..shown.end + *dx;
        let is_painted = |x: &usize| plate[*x] > 0.0;
        let painted = match (in_field.clone().find(is_painted), in_field.clone().rfind(is_painted)) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..0,
        };
        let grainy = if renderer.missing > 0.0 { in_field } else { painted.clone() };
        if grainy.is_empty() {
            return;
        }
        upsample(&renderer.backdrop.grain_only, grain_only);
        let [xs, ys, grain_only] = [xs, ys, grain_only].map(|row| &row[grainy.clone()]);
        let first = [grid.left + grainy.start - *dx, grid.top + face_y];
        renderer.grain.row(&mut grain[grainy], grain_only, [xs, ys], first);
        for (colour, plane) in colours.into_iter().zip(&renderer.backdrop.paint) {
            upsample(plane, paint);
            let [plate, paint, grain] = [&*plate, &*paint, &*grain].map(|row| &row[painted.clone()]);
            paint_row(&mut colour[painted.clone()], plate, paint, grain, renderer.grain.deviation);
        }
    }

    /// Blends the face's row over the template's and writes the result.
    fn blend(
        &mut self,
        face: [&mut [f32]; 3],
        all: &Range<usize>,
        shown: &Range<usize>,
        out: &mut [[u8; 3]],
    ) {
        let missing = self.renderer.missing;
        let [_, _, alpha, _, _, grain, _, colours @ ..] = self.rows.split::<ROWS>();
        let in_field = shown.start + self.offset[0]..shown.end + self.offset[0];
        let (alpha, grain) = (&alpha[in_field.clone()], &grain[in_field.clone()]);
        let mut colours = colours;
        for (colour, face) in colours.iter_mut().zip(face) {
            if missing > 0.0 {
                face.iter_mut().zip(grain).for_each(|(v, grain)| *v += missing * grain);
            }
            for ((v, &f), &share) in colour[in_field.clone()].iter_mut().zip(&*face).zip(alpha) {
                // In this form, a template that was not sampled leaves nothing where the share is 1.
                *v = f * share + *v * (1.0 - share);
            }
        }
        write_row(out, colours.map(|row| &row[all.clone()]));
    }
}

/// Lowers `alpha` where the mask keeps the template in front.
fn apply_mask(mask: &GreyImage, [xs, ys]: [&[f32]; 2], alpha: &mut [f32]) {
    for ((share, &x), &y) in alpha.iter_mut().zip(xs).zip(ys) {
        if *share > 0.0 {
            *share *= 1.0 - mask.sample(x, y) / 255.0;
        }
    }
}
