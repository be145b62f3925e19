//! A decoded photo, and upright sRGB views of its parts.
//!
//! The stored pixels are never turned or converted as a whole: a view is cut out and reduced where it lies,
//! and only that small result is turned upright and brought to sRGB.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::colour::Profile;
use crate::pixels::RgbImage;

/// A photo as it was stored, and how it is meant to be seen.
pub struct Photo {
    stored: RgbImage,
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
    pub(crate) fn new(stored: RgbImage, orientation: Orientation, icc: Option<&[u8]>) -> Self {
        Self { stored, orientation, profile: icc.and_then(Profile::parse) }
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

    /// Turns the photo; from now on everything is about the turned photo.
    pub(crate) fn turn(&mut self, turn: QuarterTurn) {
        self.orientation = self.orientation.then(turn.orientation());
    }

    /// The whole photo, upright and in sRGB.
    #[must_use]
    pub fn upright(&self) -> RgbImage {
        let (width, height) = (self.width(), self.height());
        self.view(Region { left: 0, top: 0, width, height }, width, height)
    }

    /// A region of the upright photo in sRGB, resized to `width` × `height` pixels. Reducing averages over
    /// all pixels that fall together (Catmull-Rom), so that nothing aliases.
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

/// A region of a raster at another size.
pub(crate) fn resized(image: &RgbImage, region: Region, width: usize, height: usize) -> RgbImage {
    if (region.width, region.height) == (width, height) {
        return cropped(image, region);
    }
    let mut result = RgbImage::new(width, height);
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let source = ImageRef::new(size(image.width()), size(image.height()), image.data(), PixelType::U8x3);
    let target = Image::from_slice_u8(size(width), size(height), result.data_mut(), PixelType::U8x3);
    if let (Ok(source), Ok(mut target)) = (source, target) {
        let [left, top, wide, high] =
            [region.left, region.top, region.width, region.height].map(|n| f64::from(size(n)));
        let options = ResizeOptions::new()
            .crop(left, top, wide, high)
            .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
            .use_alpha(false);
        let done = Resizer::new().resize(&source, &mut target, &options);
        debug_assert!(done.is_ok(), "the region lies inside the raster");
    }
    result
}

impl RgbImage {
    /// A copy of one region.
    pub(crate) fn part(&self, region: Region) -> Self {
        cropped(self, region)
    }
}

fn cropped(image: &RgbImage, region: Region) -> RgbImage {
    let mut result = RgbImage::new(region.width, region.height);
    let rows = image.data().chunks_exact(image.width() * 3).skip(region.top);
    for (to, from) in result.data_mut().chunks_exact_mut(region.width * 3).zip(rows) {
        to.copy_from_slice(&from[region.left * 3..(region.left + region.width) * 3]);
    }
    result
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

    /// Turns stored pixels upright.
    pub(crate) fn upright(self, stored: RgbImage) -> RgbImage {
        if self == Self::default() {
            return stored;
        }
        let (columns, rows) = (stored.width(), stored.height());
        let (width, height) = if self.transposed { (rows, columns) } else { (columns, rows) };
        let mut result = RgbImage::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let (column, row) = if self.transposed { (y, x) } else { (x, y) };
                let column = if self.columns_flipped { columns - 1 - column } else { column };
                let row = if self.rows_flipped { rows - 1 - row } else { row };
                result.set_pixel(x, y, stored.pixel(column, row));
            }
        }
        result
    }
}

/// A turn of a picture by a multiple of 90°, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuarterTurn {
    None,
    Right,
    Half,
    Left,
}

impl QuarterTurn {
    /// The turn that brings a line rolled clockwise by `roll` radians nearest to level.
    pub(crate) fn levelling(roll: f32) -> Self {
        use std::f32::consts::FRAC_PI_4;
        match roll {
            r if r.abs() <= FRAC_PI_4 => Self::None,
            r if r.abs() > 3.0 * FRAC_PI_4 => Self::Half,
            r if r > 0.0 => Self::Left,
            _ => Self::Right,
        }
    }

    /// A picture, turned.
    pub(crate) fn of(self, picture: &RgbImage) -> RgbImage {
        self.orientation().upright(picture.clone())
    }

    fn orientation(self) -> Orientation {
        let exif = match self {
            Self::None => 1,
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
            for turn in [QuarterTurn::None, QuarterTurn::Right, QuarterTurn::Half, QuarterTurn::Left] {
                let mut photo = Photo::new(stored(), Orientation::from_exif(value).unwrap(), None);
                let before = photo.upright();
                photo.turn(turn);
                let whole = photo.upright();
                assert_eq!(whole.data(), turn.of(&before).data(), "orientation {value}, {turn:?}");
                let region = Region { left: 1, top: 1, width: photo.width() - 1, height: photo.height() - 1 };
                let part = photo.view(region, region.width, region.height);
                assert_eq!(part.data(), whole.part(region).data(), "orientation {value}, {turn:?}");
            }
        }
    }

    #[test]
    fn a_turn_levels_the_line_it_is_chosen_for() {
        use std::f32::consts::{FRAC_PI_2, PI};
        assert_eq!(QuarterTurn::levelling(0.2), QuarterTurn::None);
        assert_eq!(QuarterTurn::levelling(FRAC_PI_2), QuarterTurn::Left);
        assert_eq!(QuarterTurn::levelling(-FRAC_PI_2), QuarterTurn::Right);
        assert_eq!(QuarterTurn::levelling(-PI + 0.1), QuarterTurn::Half);
    }
}
