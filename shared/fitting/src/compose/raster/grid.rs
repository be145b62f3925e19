//! The rectangle of the template that a fit changes, and the coarse raster laid over it.
//!
//! Everything outside the face's surroundings stays as it is, so only this rectangle is processed. Masks, skin
//! statistics and shading vary slowly. They are computed on a coarse raster on which the eyes are about
//! [`COARSE_UNIT`] samples apart, whatever the template's size.

/// The distance of the eyes on the coarse raster, in samples. The finest structure computed there is a mask's soft
/// edge of .03 eye distances, which is then about two samples wide.
const COARSE_UNIT: f32 = 60.0;

/// A rectangle of the template and the coarse raster over it.
///
/// Fine coordinates count template pixels from the rectangle's top left pixel. Coarse coordinates count blocks of
/// `step` × `step` of those pixels. Integer coordinates are sample centres in both. Blocks are counted from the
/// template's own top left pixel, so that all grids over one face share their coarse samples.
pub(crate) struct Grid {
    /// The rectangle's first column and row in the template.
    pub(crate) left: usize,
    pub(crate) top: usize,
    /// Template pixels per coarse sample.
    pub(crate) step: usize,
    /// The coarse raster's size.
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Grid {
    /// Returns the grid over `bounds` (left, top, right, bottom in template pixels), cut at the template's border.
    ///
    /// `unit` is the distance of the eyes in template pixels. The last column and row of blocks may reach beyond the
    /// template; values computed there are never written.
    pub(crate) fn over(bounds: [f32; 4], unit: f32, template_size: [usize; 2]) -> Self {
        let step = index((unit / COARSE_UNIT).round()).max(1);
        let [width, height] = template_size;
        let [left, top, right, bottom] = bounds;
        let aligned = |n: usize| n - n % step;
        let (left, top) = (aligned(index(left).min(width - 1)), aligned(index(top).min(height - 1)));
        let (right, bottom) =
            (index(right.ceil()).clamp(left, width - 1), index(bottom.ceil()).clamp(top, height - 1));
        Self {
            left,
            top,
            step,
            width: (right + 1 - left).div_ceil(step),
            height: (bottom + 1 - top).div_ceil(step),
        }
    }

    pub(crate) fn fine_width(&self) -> usize {
        self.width * self.step
    }

    pub(crate) fn fine_height(&self) -> usize {
        self.height * self.step
    }

    /// Returns where another grid over the same face begins in this one, in coarse samples.
    pub(crate) fn offset_of(&self, other: &Self) -> [usize; 2] {
        [(other.left - self.left) / self.step, (other.top - self.top) / self.step]
    }

    /// Converts template pixels to coarse coordinates.
    pub(crate) fn coarse(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let half = (self.step - 1) as f32 / 2.0;
        [(x - self.left as f32 - half) / self.step as f32, (y - self.top as f32 - half) / self.step as f32]
    }
}

/// Returns the whole part of a coordinate; negative values become 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates at 0 and at the maximum"
)]
pub(crate) fn index(coordinate: f32) -> usize {
    coordinate as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eyes_are_about_sixty_coarse_samples_apart_on_any_template() {
        for unit in [30.0, 60.0, 100.0, 150.0, 300.0, 700.0] {
            let grid = Grid::over([0.0, 0.0, 10.0, 10.0], unit, [4000, 4000]);
            let coarse_unit = unit / grid.step as f32;
            assert!(coarse_unit < 90.0 && (coarse_unit > 40.0 || grid.step == 1), "{unit}: {coarse_unit}");
        }
    }

    #[test]
    fn a_rectangle_beyond_the_template_is_cut() {
        let grid = Grid::over([-50.0, -9.0, 900.0, 700.0], 120.0, [512, 600]);
        assert_eq!((grid.left, grid.top), (0, 0));
        assert_eq!((grid.fine_width(), grid.fine_height()), (512, 600));
    }

    #[test]
    fn grids_over_one_face_share_their_samples() {
        let grid = |bounds| Grid::over(bounds, 200.0, [500, 500]);
        let (outer, inner) = (grid([3.0, 5.0, 400.0, 400.0]), grid([55.0, 61.0, 300.0, 300.0]));
        let [x, y] = outer.offset_of(&inner);
        let ([u, v], [ox, oy]) = (inner.coarse([100.0, 100.0]), outer.coarse([100.0, 100.0]));
        assert_eq!([u + x as f32, v + y as f32], [ox, oy]);
    }

    #[test]
    fn a_block_centre_has_whole_coarse_coordinates() {
        let grid = Grid::over([10.0, 20.0, 200.0, 200.0], 180.0, [400, 400]);
        assert_eq!(grid.step, 3);
        assert_eq!(grid.coarse([10.0 + 3.0 * 4.0, 19.0]), [4.0, 0.0]);
    }
}
