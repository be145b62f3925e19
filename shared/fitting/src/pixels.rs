//! The two raster types of this crate: 8-bit sRGB and 8-bit grey, row by row, top row first.
//!
//! Integer coordinates are pixel centres: (0, 0) is the centre of the top left pixel. A raster may hold a user's
//! face, so it is wiped on drop and its `Debug` prints only the size. Decoding and encoding are in [`crate::decode`]
//! and [`crate::encode`].

use std::fmt;

use zeroize::Zeroize;

use crate::region::Region;

/// How many rows are transposed together.
const TILE: usize = 16;

/// An upright 8-bit sRGB raster, three bytes a pixel, rows without padding.
pub struct RgbImage {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl RgbImage {
    /// A black raster of `width` × `height` pixels.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: vec![0; width * height * 3] }
    }

    /// Takes over `data`, which must hold exactly `width * height * 3` bytes; `None` otherwise.
    #[must_use]
    pub fn from_raw(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        (data.len() == width * height * 3).then_some(Self { width, height, data })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, red first, row by row.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All samples, mutable.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The region that covers the whole raster.
    pub(crate) fn whole(&self) -> Region {
        Region { left: 0, top: 0, width: self.width, height: self.height }
    }

    /// The pixel at column `x` of row `y`; panics outside the raster, as slices do.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        [self.data[at], self.data[at + 1], self.data[at + 2]]
    }

    /// Sets the pixel at column `x` of row `y`.
    pub fn set_pixel(&mut self, x: usize, y: usize, rgb: [u8; 3]) {
        let at = (y * self.width + x) * 3;
        self.data[at..at + 3].copy_from_slice(&rgb);
    }

    /// Returns a copy of one region, which must lie inside the raster.
    pub(crate) fn part(&self, region: Region) -> Self {
        let mut part = Self::new(region.width, region.height);
        let rows = self.data.chunks_exact(self.width * 3).skip(region.top);
        for (to, from) in part.data.chunks_exact_mut(region.width * 3).zip(rows) {
            to.copy_from_slice(&from[region.left * 3..(region.left + region.width) * 3]);
        }
        part
    }

    /// Returns a copy of one region, which must lie inside the raster, with columns or rows in reverse order, and
    /// transposed if `transposed`.
    pub(crate) fn turned(
        &self,
        region: Region,
        transposed: bool,
        columns_flipped: bool,
        rows_flipped: bool,
    ) -> Self {
        let Region { left, top, .. } = region;
        let (width, height) =
            if transposed { (region.height, region.width) } else { (region.width, region.height) };
        let mut turned = Self::new(width, height);
        let rows = self.data.chunks_exact(self.width * 3).skip(top).take(region.height);
        let rows = rows.map(|row| &row.as_chunks::<3>().0[left..left + region.width]);
        let mut rows: Vec<&[[u8; 3]]> = rows.collect();
        if rows_flipped {
            rows.reverse();
        }
        let pixels = turned.data.as_chunks_mut::<3>().0;
        if !transposed {
            for (to, row) in pixels.chunks_exact_mut(width).zip(rows) {
                to.copy_from_slice(row);
                if columns_flipped {
                    to.reverse();
                }
            }
            return turned;
        }
        // A few rows at a time, so that both reads and writes stay local in memory.
        for (tile, first) in rows.chunks(TILE).zip((0..).step_by(TILE)) {
            for (y, to) in pixels.chunks_exact_mut(width).enumerate() {
                let column = if columns_flipped { height - 1 - y } else { y };
                to[first..].iter_mut().zip(tile).for_each(|(to, row)| *to = row[column]);
            }
        }
        turned
    }

    /// The bilinear sample at a point, 0 to 255 a channel; outside, the nearest edge pixel.
    pub(crate) fn sample(&self, x: f32, y: f32) -> [f32; 3] {
        let (left, right, across) = neighbours(x, self.width);
        let (top, bottom, down) = neighbours(y, self.height);
        let pixel = |x: usize, y: usize| self.pixel(x, y).map(f32::from);
        let (a, b) = (pixel(left, top), pixel(right, top));
        let (c, d) = (pixel(left, bottom), pixel(right, bottom));
        std::array::from_fn(|k| {
            let upper = a[k] + (b[k] - a[k]) * across;
            let lower = c[k] + (d[k] - c[k]) * across;
            upper + (lower - upper) * down
        })
    }
}

impl Clone for RgbImage {
    fn clone(&self) -> Self {
        Self { width: self.width, height: self.height, data: self.data.clone() }
    }
}

impl Drop for RgbImage {
    fn drop(&mut self) {
        // Wiped as a slice: a vector would be wiped byte by byte, which is slow.
        self.data.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RgbImage({}×{})", self.width, self.height)
    }
}

/// An 8-bit single-channel raster, used for masks: 0 is outside, 255 inside.
#[derive(Clone)]
pub struct GreyImage {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl GreyImage {
    /// Takes over `data`, which must hold exactly `width * height` bytes; `None` otherwise.
    #[must_use]
    pub fn from_raw(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        (data.len() == width * height).then_some(Self { width, height, data })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, row by row.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bilinear sample at a point, 0 to 255; outside, the nearest edge pixel.
    pub(crate) fn sample(&self, x: f32, y: f32) -> f32 {
        let (left, right, across) = neighbours(x, self.width);
        let (top, bottom, down) = neighbours(y, self.height);
        let pixel = |x: usize, y: usize| f32::from(self.data[y * self.width + x]);
        let upper = pixel(left, top) + (pixel(right, top) - pixel(left, top)) * across;
        let lower = pixel(left, bottom) + (pixel(right, bottom) - pixel(left, bottom)) * across;
        upper + (lower - upper) * down
    }
}

/// The pixels on both sides of a coordinate, and its distance from the first of them. Both pixels are clamped to the
/// raster.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "coordinates are clamped to the raster first"
)]
fn neighbours(coordinate: f32, size: usize) -> (usize, usize, f32) {
    let coordinate = coordinate.clamp(0.0, (size - 1) as f32);
    let low = coordinate as usize;
    (low, (low + 1).min(size - 1), coordinate - low as f32)
}

impl Drop for GreyImage {
    fn drop(&mut self) {
        // Wiped as a slice: a vector would be wiped byte by byte, which is slow.
        self.data.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for GreyImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GreyImage({}×{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_the_wrong_length_makes_no_raster() {
        assert!(RgbImage::from_raw(2, 2, vec![0; 11]).is_none());
        assert!(GreyImage::from_raw(2, 2, vec![0; 5]).is_none());
    }

    #[test]
    fn debug_prints_no_sample() {
        let image = RgbImage::from_raw(1, 1, vec![201, 202, 203]).unwrap();
        assert_eq!(format!("{image:?}"), "RgbImage(1×1)");
    }
}
