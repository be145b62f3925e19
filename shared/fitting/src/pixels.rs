//! The two rasters everything here works on: 8-bit sRGB and 8-bit grey, row by row, top row first.
//!
//! Integer coordinates are pixel centres: (0, 0) is the centre of the top left pixel. A raster may hold
//! a user's face, so it is wiped on drop and its `Debug` prints the size alone. Decoding and encoding
//! live in [`crate::decode`] and [`crate::encode`].

use std::fmt;

use zeroize::Zeroize;

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

    /// All samples, to be written.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
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
}

impl Clone for RgbImage {
    fn clone(&self) -> Self {
        Self { width: self.width, height: self.height, data: self.data.clone() }
    }
}

impl Drop for RgbImage {
    fn drop(&mut self) {
        self.data.zeroize();
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
}

impl Drop for GreyImage {
    fn drop(&mut self) {
        self.data.zeroize();
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
    fn a_raster_of_the_wrong_length_is_not_made() {
        assert!(RgbImage::from_raw(2, 2, vec![0; 11]).is_none());
        assert!(GreyImage::from_raw(2, 2, vec![0; 5]).is_none());
    }

    #[test]
    fn debug_prints_no_sample() {
        let image = RgbImage::from_raw(1, 1, vec![201, 202, 203]).unwrap();
        assert_eq!(format!("{image:?}"), "RgbImage(1×1)");
    }
}
