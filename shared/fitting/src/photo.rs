//! A decoded photo, and upright sRGB views of its parts.
//!
//! A JPEG's stored pixels are never turned or converted as a whole. A view is cropped and reduced from the stored
//! pixels; only this small result is turned upright and converted to sRGB. Not all pixels need to be in memory
//! either: a photo of which only a part was decoded keeps the whole photo's coordinates. One conversion applies to
//! all pixels when a file is read: CMYK, grey and transparency become three channels, since all rasters here have
//! three.

pub(crate) use self::orientation::{Orientation, QuarterTurn};
use crate::colour::{Colours, ProfileFault};
use crate::pixels::RgbImage;
use crate::region::Region;
use crate::resize::resized;

mod orientation;

/// A photo as stored, and how it is to be displayed.
pub struct Photo {
    stored: Stored,
    orientation: Orientation,
    colours: Colours,
}

/// The pixels of a file, or a part of them, at one scale.
pub(crate) struct Stored {
    pub(crate) pixels: RgbImage,
    /// Position of the pixels in the whole picture (first column and first row).
    pub(crate) left: usize,
    pub(crate) top: usize,
    /// Width and height of the whole picture at this scale.
    pub(crate) size: (usize, usize),
    /// Pixels of the file per stored pixel, across and down.
    pub(crate) reduction: usize,
    /// Width and height of the whole picture in pixels of the file. The last stored row or column may cover fewer of
    /// them.
    pub(crate) full: (usize, usize),
}

impl Stored {
    /// All pixels of a file.
    pub(crate) fn whole(pixels: RgbImage) -> Self {
        let size = (pixels.width(), pixels.height());
        Self { pixels, left: 0, top: 0, size, reduction: 1, full: size }
    }

    /// Converts a region of the whole picture to coordinates of this part, which contains it.
    fn within(&self, region: Region) -> Region {
        Region { left: region.left - self.left, top: region.top - self.top, ..region }
    }

    fn contains(&self, region: Region) -> bool {
        let inside = |first: usize, length: usize, start: usize, size: usize| {
            first >= start && first + length <= start + size
        };
        inside(region.left, region.width, self.left, self.pixels.width())
            && inside(region.top, region.height, self.top, self.pixels.height())
    }
}

impl Photo {
    pub(crate) fn new(stored: Stored, orientation: Orientation, colours: Colours) -> Self {
        Self { stored, orientation, colours }
    }

    /// Why the photo's colour description was ignored, if it was.
    #[must_use]
    pub fn ignored_profile(&self) -> Option<ProfileFault> {
        self.colours.fault()
    }

    /// The same photo with other pixels of its file in memory.
    pub(crate) fn showing(&self, stored: Stored) -> Self {
        Self { stored, orientation: self.orientation, colours: self.colours.clone() }
    }

    /// Pixels of the file per pixel of this photo: above 1 if it was decoded at a reduced scale.
    pub(crate) fn reduction(&self) -> usize {
        self.stored.reduction
    }

    /// Width and height of the stored picture in pixels of the file.
    pub(crate) fn full_size(&self) -> (usize, usize) {
        self.stored.full
    }

    /// How many times as large `other` is. Both must come from the same file.
    #[expect(clippy::cast_precision_loss, reason = "reductions are small")]
    pub(crate) fn scale_to(&self, other: &Self) -> f32 {
        self.reduction() as f32 / other.reduction() as f32
    }

    /// Maps a point to `other`, which must come from the same file and be turned the same way. In a reduced picture,
    /// the last stored row or column may cover only part of a block. So if stored rows or columns are flipped, the
    /// upright pictures' first pixels do not start at the same position.
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    pub(crate) fn point_in(&self, other: &Self, [x, y]: [f32; 2]) -> [f32; 2] {
        let scale = self.scale_to(other);
        let flipped = |is_flipped: bool, from: usize, to: usize| {
            if is_flipped { to as f32 - scale * from as f32 } else { 0.0 }
        };
        let Orientation { transposed, columns_flipped, rows_flipped } = self.orientation;
        let across = flipped(columns_flipped, self.stored.size.0, other.stored.size.0);
        let down = flipped(rows_flipped, self.stored.size.1, other.stored.size.1);
        let (right, below) = if transposed { (down, across) } else { (across, down) };
        [(x + 0.5) * scale - 0.5 + right, (y + 0.5) * scale - 0.5 + below]
    }

    /// Left, top, right and bottom of a region of the upright photo, without the area that a reduced photo's
    /// outermost pixels have beyond the file's pixels. So a photo is cropped alike, whichever corner its pixels are
    /// stored from.
    #[expect(clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
    pub(crate) fn extent(&self, region: Region) -> [f32; 4] {
        let Stored { size, reduction, full, .. } = self.stored;
        let beyond = [(size.0, full.0), (size.1, full.1)]
            .map(|(size, full)| size as f32 - full as f32 / reduction as f32);
        let Orientation { transposed, columns_flipped, rows_flipped } = self.orientation;
        let [mut across, mut down] = [(beyond[0], columns_flipped), (beyond[1], rows_flipped)];
        if transposed {
            (across, down) = (down, across);
        }
        let span = |first: usize, length: usize, size: usize, (beyond, is_flipped): (f32, bool)| {
            let (low, high) = if is_flipped { (beyond, 0.0) } else { (0.0, beyond) };
            ((first as f32).max(low), ((first + length) as f32).min(size as f32 - high))
        };
        let (left, right) = span(region.left, region.width, self.width(), across);
        let (top, bottom) = span(region.top, region.height, self.height(), down);
        [left, top, right, bottom]
    }

    /// Whether a region of the upright photo is in memory, at this reduction or a smaller one.
    pub(crate) fn shows(&self, region: Region, reduction: usize) -> bool {
        self.stored.reduction <= reduction && self.stored.contains(self.stored_region(region))
    }

    /// Converts a region of the upright photo to stored pixels.
    pub(crate) fn stored_region(&self, region: Region) -> Region {
        let (width, height) = self.stored.size;
        self.orientation.stored_region(region, width, height)
    }

    /// Width of the upright photo in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.orientation.transposed { self.stored.size.1 } else { self.stored.size.0 }
    }

    /// Height of the upright photo in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        if self.orientation.transposed { self.stored.size.0 } else { self.stored.size.1 }
    }

    /// The region that covers the whole upright photo.
    pub(crate) fn whole(&self) -> Region {
        Region { left: 0, top: 0, width: self.width(), height: self.height() }
    }

    /// The pixels of the upright photo that a box (left, top, right, bottom) touches; at least one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "coordinates are clamped to the photo before they become pixel counts"
    )]
    pub fn region(&self, [left, top, right, bottom]: [f32; 4]) -> Region {
        let span = |low: f32, high: f32, size: usize| {
            let first = (low.max(0.0) as usize).min(size - 1);
            (first, (high.ceil().max(0.0) as usize).clamp(first + 1, size) - first)
        };
        let ((left, width), (top, height)) =
            (span(left, right, self.width()), span(top, bottom, self.height()));
        Region { left, top, width, height }
    }

    /// Turns the photo; from then on all coordinates refer to the turned photo.
    pub(crate) fn turn(&mut self, turn: QuarterTurn) {
        self.orientation = self.orientation.then(turn.orientation());
    }

    /// Samples the photo's own colours at a point of the upright photo: bilinear, or the mean of a square of `reach`
    /// × `reach` pixels if `reach` is above 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "coordinates are clamped to the raster first"
    )]
    pub(crate) fn sample(&self, x: f32, y: f32, reach: usize) -> [f32; 3] {
        let (width, height) = self.stored.size;
        let (x, y) = self.orientation.stored_point(x, y, width, height);
        let Stored { pixels, left, top, .. } = &self.stored;
        let (x, y) = (x - *left as f32, y - *top as f32);
        if reach <= 1 {
            return pixels.sample(x, y);
        }
        let (width, height) = (pixels.width(), pixels.height());
        let first = |v: f32, size: usize| {
            let low = v - (reach - 1) as f32 / 2.0;
            (low.round().max(0.0) as usize).min(size.saturating_sub(reach))
        };
        let (left, top) = (first(x, width), first(y, height));
        let mut sum = [0; 3];
        for row in top..(top + reach).min(height) {
            for column in left..(left + reach).min(width) {
                let pixel = pixels.pixel(column, row);
                sum = std::array::from_fn(|k| sum[k] + u32::from(pixel[k]));
            }
        }
        sum.map(|sum| sum as f32 / (reach.min(width) * reach.min(height)) as f32)
    }

    /// Returns the whole photo, upright and in sRGB.
    #[must_use]
    pub fn upright(&self) -> RgbImage {
        self.view(self.whole(), self.width(), self.height())
    }

    /// Returns a region of the upright photo in sRGB, reduced to `width` × `height` pixels. The region must be in
    /// memory.
    pub(crate) fn view(&self, region: Region, width: usize, height: usize) -> RgbImage {
        let stored = self.stored.within(self.stored_region(region));
        let (width, height) = if self.orientation.transposed { (height, width) } else { (width, height) };
        let mut upright = if self.orientation == Orientation::default() {
            resized(&self.stored.pixels, stored, width, height)
        } else if (width, height) == (stored.width, stored.height) {
            self.orientation.upright(&self.stored.pixels, stored)
        } else {
            let reduced = resized(&self.stored.pixels, stored, width, height);
            self.orientation.upright(&reduced, reduced.whole())
        };
        self.colours.apply(upright.data_mut());
        upright
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of three pixels, all different.
    fn stored() -> RgbImage {
        RgbImage::from_raw(3, 2, (0..18).collect()).unwrap()
    }

    #[test]
    fn a_view_of_a_region_equals_that_region_of_the_whole_photo() {
        for value in 1..=8 {
            for turn in [QuarterTurn::Right, QuarterTurn::Half, QuarterTurn::Left] {
                let mut photo = Photo::new(
                    Stored::whole(stored()),
                    Orientation::from_exif(value).unwrap(),
                    Colours::default(),
                );
                let before = photo.upright();
                photo.turn(turn);
                let whole = photo.upright();
                assert_eq!(
                    whole.data(),
                    turn.orientation().upright(&before, before.whole()).data(),
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

    #[test]
    fn a_partly_decoded_photo_has_the_same_pixels_as_the_whole() {
        let window = Region { left: 1, top: 0, width: 2, height: 2 };
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).unwrap();
            let whole = Photo::new(Stored::whole(stored()), orientation, Colours::default());
            let pixels = stored().part(window);
            let part = whole.showing(Stored { left: 1, size: (3, 2), full: (3, 2), ..Stored::whole(pixels) });
            assert_eq!((part.width(), part.height()), (whole.width(), whole.height()));
            let (width, height) = (whole.width(), whole.height());
            let pixel = |left, top| Region { left, top, width: 1, height: 1 };
            let shown: Vec<_> = (0..width * height)
                .map(|n| pixel(n % width, n / width))
                .filter(|&region| part.shows(region, 1))
                .collect();
            assert_eq!(shown.len(), 4, "orientation {value}");
            for region in shown {
                let (x, y) = (region.left as f32, region.top as f32);
                assert_eq!(part.sample(x, y, 1), whole.sample(x, y, 1), "orientation {value}");
                assert_eq!(
                    part.view(region, 1, 1).data(),
                    whole.view(region, 1, 1).data(),
                    "orientation {value}"
                );
            }
        }
    }

    #[test]
    fn a_point_is_mapped_to_another_scale_in_every_orientation() {
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).unwrap();
            // Five by six pixels of a file, and the two by two pixels that they become at a quarter.
            let full = Photo::new(Stored::whole(RgbImage::new(5, 6)), orientation, Colours::default());
            let quarter = Stored { reduction: 4, full: (5, 6), ..Stored::whole(RgbImage::new(2, 2)) };
            let quarter = full.showing(quarter);
            for (column, row) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)] {
                let at = |photo: &Photo, column: f32, row: f32| {
                    let (width, height) = photo.stored.size;
                    let upright = |x: f32, y: f32| orientation.stored_point(x, y, width, height);
                    // Inverts `stored_point` by trying all half-pixel positions.
                    let near = |a: f32, b: f32| (a - b).abs() < 0.01;
                    let points =
                        (0..60 * 60).map(|n| ((n % 60) as f32 / 2.0 - 3.0, (n / 60) as f32 / 2.0 - 3.0));
                    let same =
                        |&(x, y): &(f32, f32)| near(upright(x, y).0, column) && near(upright(x, y).1, row);
                    points.into_iter().find(same).map(|(x, y)| [x, y]).unwrap()
                };
                let coarse = at(&quarter, column, row);
                let fine = at(&full, (column + 0.5) * 4.0 - 0.5, (row + 0.5) * 4.0 - 0.5);
                assert_eq!(quarter.point_in(&full, coarse), fine, "orientation {value}");
            }
        }
    }

    #[test]
    fn a_reduced_photo_has_the_extent_of_the_files_pixels() {
        for value in 1..=8 {
            let orientation = Orientation::from_exif(value).unwrap();
            let stored = Stored { reduction: 4, full: (5, 6), ..Stored::whole(RgbImage::new(2, 2)) };
            let photo = Photo::new(stored, orientation, Colours::default());
            let [left, top, right, bottom] = photo.extent(photo.whole());
            let sides = if orientation.transposed { [1.5, 1.25] } else { [1.25, 1.5] };
            assert_eq!([right - left, bottom - top], sides, "orientation {value}");
            // The first corner must be the one that a photo at full scale has.
            let full = photo.showing(Stored::whole(RgbImage::new(5, 6)));
            let corner = photo.point_in(&full, [left - 0.5, top - 0.5]);
            assert_eq!(corner, [-0.5, -0.5], "orientation {value}");
            let inner = Region { left: 1, top: 1, width: 1, height: 1 };
            let [left, top, ..] = photo.extent(inner);
            assert_eq!([left, top], [1.0, 1.0], "orientation {value}");
        }
    }

    #[test]
    fn a_rescaled_region_contains_every_pixel_that_the_region_touches() {
        let region = Region { left: 3, top: 0, width: 2, height: 5 };
        let finer = region.rescaled(8, 2, (17, 19));
        assert_eq!(finer, Region { left: 12, top: 0, width: 5, height: 19 });
        let coarser = region.rescaled(1, 2, (3, 3));
        assert_eq!(coarser, Region { left: 1, top: 0, width: 2, height: 3 });
    }
}
