//! One row of the work: the template in its new place, skin painted over its features, and the face upon it.
//!
//! Where the face covers the template fully, the template is not sampled at all.

use std::ops::Range;

use crate::compose::fine::face_rows::FaceRows;
use crate::compose::fine::levels::write_row;
use crate::compose::fine::render::Drawing;
use crate::compose::raster::plane::{Plane, Upsampler};
use crate::compose::raster::texture::Texture;
use crate::compose::template::plate::paint_row;
use crate::pixels::GreyImage;

/// Two maps, alpha, the painted share, where texture is plain, grain, paint, three colours.
const ROWS: usize = 10;

/// So many neighbouring pixels of the template are sampled or left out together.
const CHUNK: usize = 16;

/// The work space of one row. Rows and columns are those of the field's fine raster.
pub(crate) struct Brush<'a> {
    drawing: &'a Drawing<'a>,
    template: Texture<'a>,
    /// Where the face's raster begins.
    offset: [usize; 2],
    field: Upsampler,
    face: Upsampler,
    rows: Plane,
}

impl<'a> Brush<'a> {
    pub(crate) fn new(drawing: &'a Drawing<'a>) -> Self {
        let Drawing { field, grid, .. } = *drawing;
        Self {
            drawing,
            template: Texture::of(drawing.picture),
            offset: [grid.left - field.left, grid.top - field.top],
            field: Upsampler::new(field.step, field.width),
            face: Upsampler::new(grid.step, grid.width),
            rows: Plane::new(field.fine_width(), ROWS),
        }
    }

    /// Draws row `y` into `out`: the template is to be moved in the columns `moved`; in `shown`, by rows and
    /// columns of the face's raster, the face is to be seen or something painted.
    pub(crate) fn draw_row(
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
        self.place_template(y, &all);
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

    /// Finds where the columns `all` of the row lie in the template.
    fn place_template(&mut self, y: usize, all: &Range<usize>) {
        let Drawing { field, shift, .. } = *self.drawing;
        let [xs, ys, ..] = self.rows.split::<ROWS>();
        self.field.row(&shift[0], y, all.clone(), xs);
        self.field.row(&shift[1], y, all.clone(), ys);
        for ((x, u), v) in all.clone().zip(&mut xs[all.clone()]).zip(&mut ys[all.clone()]) {
            *u += (field.left + x) as f32;
            *v += (field.top + y) as f32;
        }
    }

    /// Finds how far the face covers the row, and samples the template where it does not do so fully.
    fn cover(&mut self, y: usize, all: &Range<usize>, shown: &Range<usize>) {
        let Self { drawing, template, offset: [dx, dy], face, rows, .. } = self;
        let [xs, ys, alpha, .., red, green, blue] = rows.split::<ROWS>();
        let own = *dx..*dx + drawing.grid.fine_width();
        face.row(drawing.alpha, y - *dy, shown.clone(), &mut alpha[own]);
        alpha[all.start..shown.start + *dx].fill(0.0);
        alpha[shown.end + *dx..all.end].fill(0.0);
        if let Some(mask) = drawing.mask {
            hold_back(mask, [&xs[all.clone()], &ys[all.clone()]], &mut alpha[all.clone()]);
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
        let Self { drawing, offset: [dx, _], face, rows, .. } = self;
        let grid = drawing.grid;
        let [xs, ys, _, plate, plain, grain, paint, colours @ ..] = rows.split::<ROWS>();
        let own = *dx..*dx + grid.fine_width();
        let mut upsample =
            |plane: &Plane, row: &mut [f32]| face.row(plane, face_y, shown.clone(), &mut row[own.clone()]);
        upsample(&drawing.backdrop.plate, plate);
        let in_field = shown.start + *dx..shown.end + *dx;
        let is_painted = |x: &usize| plate[*x] > 0.0;
        let painted = match (in_field.clone().find(is_painted), in_field.clone().rfind(is_painted)) {
            (Some(first), Some(last)) => first..last + 1,
            _ => 0..0,
        };
        let grainy = if drawing.missing > 0.0 { in_field } else { painted.clone() };
        if grainy.is_empty() {
            return;
        }
        upsample(&drawing.backdrop.plain, plain);
        let [xs, ys, plain] = [xs, ys, plain].map(|row| &row[grainy.clone()]);
        let first = [grid.left + grainy.start - *dx, grid.top + face_y];
        drawing.grain.row(&mut grain[grainy], plain, [xs, ys], first);
        for (colour, plane) in colours.into_iter().zip(&drawing.backdrop.paint) {
            upsample(plane, paint);
            let [plate, paint, grain] = [&*plate, &*paint, &*grain].map(|row| &row[painted.clone()]);
            paint_row(&mut colour[painted.clone()], plate, paint, grain, drawing.grain.deviation);
        }
    }

    /// Blends the face's row over the template's and writes both.
    fn blend(
        &mut self,
        face: [&mut [f32]; 3],
        all: &Range<usize>,
        shown: &Range<usize>,
        out: &mut [[u8; 3]],
    ) {
        let missing = self.drawing.missing;
        let [_, _, alpha, _, _, grain, _, colours @ ..] = self.rows.split::<ROWS>();
        let in_field = shown.start + self.offset[0]..shown.end + self.offset[0];
        let (alpha, grain) = (&alpha[in_field.clone()], &grain[in_field.clone()]);
        let mut colours = colours;
        for (colour, face) in colours.iter_mut().zip(face) {
            if missing > 0.0 {
                face.iter_mut().zip(grain).for_each(|(v, grain)| *v += missing * grain);
            }
            for ((v, &f), &share) in colour[in_field.clone()].iter_mut().zip(&*face).zip(alpha) {
                // In this form nothing of a template that was not sampled remains where the share is 1.
                *v = f * share + *v * (1.0 - share);
            }
        }
        write_row(out, colours.map(|row| &row[all.clone()]));
    }
}

/// Lowers `alpha` where the mask says that the template stays in front.
fn hold_back(mask: &GreyImage, [xs, ys]: [&[f32]; 2], alpha: &mut [f32]) {
    for ((share, &x), &y) in alpha.iter_mut().zip(xs).zip(ys) {
        if *share > 0.0 {
            *share *= 1.0 - mask.sample(x, y) / 255.0;
        }
    }
}
