//! Orientations: how stored pixels are turned upright, and further turns on top of that.

use crate::pixels::RgbImage;
use crate::region::Region;

/// The turn that makes stored pixels upright: the eight EXIF orientations as one transposition and two flips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Whether rows are stored as columns.
    pub(super) transposed: bool,
    /// Whether the order of stored columns is reversed.
    pub(super) columns_flipped: bool,
    /// Whether the order of stored rows is reversed.
    pub(super) rows_flipped: bool,
}

impl Orientation {
    /// The orientation with a value of EXIF tag 0x0112, 1 to 8.
    pub(crate) fn from_exif(value: u32) -> Option<Self> {
        let (transposed, columns_flipped, rows_flipped) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self { transposed, columns_flipped, rows_flipped })
    }

    /// Combines this orientation with a further one of the upright picture.
    pub(super) fn then(self, next: Self) -> Self {
        let (next_columns, next_rows) = if self.transposed {
            (next.rows_flipped, next.columns_flipped)
        } else {
            (next.columns_flipped, next.rows_flipped)
        };
        Self {
            transposed: self.transposed != next.transposed,
            columns_flipped: self.columns_flipped != next_columns,
            rows_flipped: self.rows_flipped != next_rows,
        }
    }

    /// Converts a region of the upright picture to stored pixels of `width` × `height`.
    pub(super) fn stored_region(self, upright: Region, width: usize, height: usize) -> Region {
        let mut region = upright;
        if self.transposed {
            region =
                Region { left: region.top, top: region.left, width: region.height, height: region.width };
        }
        if self.columns_flipped {
            region.left = width - region.left - region.width;
        }
        if self.rows_flipped {
            region.top = height - region.top - region.height;
        }
        region
    }

    /// Converts a point of the upright picture to stored pixels of `width` × `height`.
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    pub(super) fn stored_point(self, x: f32, y: f32, width: usize, height: usize) -> (f32, f32) {
        let (column, row) = if self.transposed { (y, x) } else { (x, y) };
        (
            if self.columns_flipped { (width - 1) as f32 - column } else { column },
            if self.rows_flipped { (height - 1) as f32 - row } else { row },
        )
    }

    /// Returns a region of stored pixels, turned upright.
    pub(crate) fn upright(self, stored: &RgbImage, region: Region) -> RgbImage {
        stored.turned(region, self.transposed, self.columns_flipped, self.rows_flipped)
    }
}

/// A clockwise turn of a picture by a quarter, a half or three quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuarterTurn {
    Right,
    Half,
    Left,
}

impl QuarterTurn {
    /// The turn that undoes this one.
    pub(crate) fn back(self) -> Self {
        match self {
            Self::Right => Self::Left,
            Self::Left => Self::Right,
            same => same,
        }
    }

    pub(super) fn orientation(self) -> Orientation {
        let exif = match self {
            Self::Half => 3,
            Self::Right => 6,
            Self::Left => 8,
        };
        Orientation::from_exif(exif).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three pixels, all different.
    fn stored() -> RgbImage {
        RgbImage::from_raw(3, 2, (0..18).collect()).unwrap()
    }

    fn first_channel(image: &RgbImage) -> Vec<Vec<u8>> {
        image.data().chunks(image.width() * 3).map(|row| row.iter().step_by(3).copied().collect()).collect()
    }

    #[test]
    fn the_eight_orientations_match_exif() {
        let expected: [&[&[u8]]; 8] = [
            &[&[0, 3, 6], &[9, 12, 15]],
            &[&[6, 3, 0], &[15, 12, 9]],
            &[&[15, 12, 9], &[6, 3, 0]],
            &[&[9, 12, 15], &[0, 3, 6]],
            &[&[0, 9], &[3, 12], &[6, 15]],
            &[&[9, 0], &[12, 3], &[15, 6]],
            &[&[15, 6], &[12, 3], &[9, 0]],
            &[&[6, 15], &[3, 12], &[0, 9]],
        ];
        for (value, expected) in (1..=8).zip(expected) {
            let orientation = Orientation::from_exif(value).unwrap();
            assert_eq!(
                first_channel(&orientation.upright(&stored(), stored().whole())),
                expected,
                "orientation {value}"
            );
        }
    }
}
