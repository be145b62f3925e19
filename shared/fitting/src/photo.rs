//! A decoded photo, and upright sRGB views of its parts.
//!
//! The stored pixels are never turned or converted as a whole: a view is cut out and reduced where it lies,
//! and only that small result is turned upright and brought to sRGB.

use crate::colour::Profile;
use crate::pixels::RgbImage;
use crate::resize::resized;

/// A photo as it was stored, and how it is meant to be seen.
pub struct Photo {
    stored: RgbImage,
    /// Pixels of the file per stored pixel, along its width.
    reduction: f32,
    orientation: Orientation,
    profile: Option<Profile>,
}

/// A part of the upright photo, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Photo {
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    pub(crate) fn new(
        stored: RgbImage,
        full_size: (usize, usize),
        orientation: Orientation,
        icc: Option<&[u8]>,
    ) -> Self {
        let reduction = full_size.0 as f32 / stored.width() as f32;
        Self { stored, reduction, orientation, profile: icc.and_then(Profile::parse) }
    }

    /// Pixels of the file per pixel of this photo: above 1 when it was decoded at a reduced scale.
    pub(crate) fn reduction(&self) -> f32 {
        self.reduction
    }

    /// How the stored pixels are turned upright, turns included.
    pub(crate) fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Takes over the orientation of another decoding of the same file.
    pub(crate) fn set_orientation(&mut self, orientation: Orientation) {
        self.orientation = orientation;
    }

    /// Width of the upright photo in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.orientation.transposed { self.stored.height() } else { self.stored.width() }
    }

    /// Height of the upright photo in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        if self.orientation.transposed { self.stored.width() } else { self.stored.height() }
    }

    /// All of the upright photo.
    pub(crate) fn whole(&self) -> Region {
        Region { left: 0, top: 0, width: self.width(), height: self.height() }
    }

    /// Turns the photo; from now on everything is about the turned photo.
    pub(crate) fn turn(&mut self, turn: QuarterTurn) {
        self.orientation = self.orientation.then(turn.orientation());
    }

    /// The photo's own colours around a point of the upright photo: bilinear, or the mean of a square of
    /// `reach` × `reach` pixels where that is more than one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "coordinates are clamped to the raster first"
    )]
    pub(crate) fn sample(&self, x: f32, y: f32, reach: usize) -> [f32; 3] {
        let (width, height) = (self.stored.width(), self.stored.height());
        let (x, y) = self.orientation.stored_point(x, y, width, height);
        if reach <= 1 {
            return self.stored.sample(x, y);
        }
        let first = |v: f32, size: usize| {
            let low = v - (reach - 1) as f32 / 2.0;
            (low.round().max(0.0) as usize).min(size.saturating_sub(reach))
        };
        let (left, top) = (first(x, width), first(y, height));
        let mut sum = [0; 3];
        for row in top..(top + reach).min(height) {
            for column in left..(left + reach).min(width) {
                let pixel = self.stored.pixel(column, row);
                sum = std::array::from_fn(|k| sum[k] + u32::from(pixel[k]));
            }
        }
        sum.map(|sum| sum as f32 / (reach.min(width) * reach.min(height)) as f32)
    }

    /// The whole photo, upright and in sRGB.
    #[must_use]
    pub fn upright(&self) -> RgbImage {
        self.view(self.whole(), self.width(), self.height())
    }

    /// A region of the upright photo in sRGB, reduced to `width` × `height` pixels.
    pub(crate) fn view(&self, region: Region, width: usize, height: usize) -> RgbImage {
        let stored = self.orientation.stored_region(region, self.stored.width(), self.stored.height());
        let cut = if self.orientation.transposed {
            resized(&self.stored, stored, height, width)
        } else {
            resized(&self.stored, stored, width, height)
        };
        let mut upright = self.orientation.upright(cut);
        if let Some(profile) = &self.profile {
            profile.apply(upright.data_mut());
        }
        upright
    }
}

/// How stored pixels are turned upright: the eight EXIF orientations as one transposition and two flips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Upright columns are stored rows.
    transposed: bool,
    /// Stored columns run the other way.
    columns_flipped: bool,
    /// Stored rows run the other way.
    rows_flipped: bool,
}

impl Orientation {
    /// From the value of EXIF tag 0x0112, 1 to 8.
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

    /// This orientation followed by another one of the upright picture.
    fn then(self, next: Self) -> Self {
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

    /// Where a region of the upright picture lies among stored pixels of `width` × `height`.
    fn stored_region(self, upright: Region, width: usize, height: usize) -> Region {
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

    /// Where a point of the upright picture lies among stored pixels of `width` × `height`.
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    fn stored_point(self, x: f32, y: f32, width: usize, height: usize) -> (f32, f32) {
        let (column, row) = if self.transposed { (y, x) } else { (x, y) };
        (
            if self.columns_flipped { (width - 1) as f32 - column } else { column },
            if self.rows_flipped { (height - 1) as f32 - row } else { row },
        )
    }

    /// Turns stored pixels upright.
    pub(crate) fn upright(self, stored: RgbImage) -> RgbImage {
        if self == Self::default() {
            return stored;
        }
        stored.turned(self.transposed, self.columns_flipped, self.rows_flipped)
    }
}

/// A turn of a picture by a multiple of 90°, clockwise.
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

    fn orientation(self) -> Orientation {
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

    /// Two rows of three pixels, all different, as the letters of a picture would be.
    fn stored() -> RgbImage {
        RgbImage::from_raw(3, 2, (0..18).collect()).unwrap()
    }

    fn firsts(image: &RgbImage) -> Vec<Vec<u8>> {
        image.data().chunks(image.width() * 3).map(|row| row.iter().step_by(3).copied().collect()).collect()
    }

    #[test]
    fn the_eight_orientations_are_those_of_exif() {
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
            assert_eq!(firsts(&orientation.upright(stored())), expected, "orientation {value}");
        }
    }

    #[test]
    fn a_view_of_a_part_is_the_part_of_the_whole() {
        for value in 1..=8 {
            for turn in [QuarterTurn::Right, QuarterTurn::Half, QuarterTurn::Left] {
                let mut photo = Photo::new(stored(), (3, 2), Orientation::from_exif(value).unwrap(), None);
                let before = photo.upright();
                photo.turn(turn);
                let whole = photo.upright();
                assert_eq!(
                    whole.data(),
                    turn.orientation().upright(before).data(),
                    "orientation {value}, {turn:?}"
                );
                let region = Region { left: 1, top: 1, width: photo.width() - 1, height: photo.height() - 1 };
                let part = photo.view(region, region.width, region.height);
                assert_eq!(part.data(), whole.part(region).data(), "orientation {value}, {turn:?}");
                assert_eq!(
                    photo.sample(1.0, 1.0, 1),
                    whole.sample(1.0, 1.0),
                    "orientation {value}, {turn:?}"
                );
            }
        }
    }
}
