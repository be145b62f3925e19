//! Reduces a region of a raster to a smaller size without aliasing.
//!
//! Reductions by a whole number are means of blocks, which is exact and cheapest. All others use `fast_image_resize`
//! with a Catmull-Rom filter, widened to the factor. Pixel centres keep their positions in the region.

use std::error::Error;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use zeroize::Zeroizing;

use crate::pixels::RgbImage;
use crate::region::Region;

/// The longest side of a block: sums of this many bytes fit into 16 bits.
pub(crate) const BLOCK_MAX: usize = 256;

/// Returns a region of `image` at `width` × `height` pixels. The region must lie inside the image.
pub(crate) fn resized(image: &RgbImage, region: Region, width: usize, height: usize) -> RgbImage {
    if (region.width, region.height) == (width, height) {
        return image.part(region);
    }
    let block = region.width / width;
    if (width * block, height * block) == (region.width, region.height) && block <= BLOCK_MAX {
        return block_means(image, region, block);
    }
    let mut result = RgbImage::new(width, height);
    #[expect(
        clippy::expect_used,
        reason = "a raster's length matches its sides, and the region lies inside"
    )]
    convolved(image, region, &mut result).expect("the rasters and the region have valid sides");
    result
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "sides are below 2¹⁶")]
fn convolved(image: &RgbImage, region: Region, result: &mut RgbImage) -> Result<(), Box<dyn Error>> {
    let [left, top, across, down] =
        [region.left, region.top, region.width, region.height].map(|side| side as f64);
    let options = ResizeOptions::new()
        .crop(left, top, across, down)
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .use_alpha(false);
    let (width, height) = (result.width() as u32, result.height() as u32);
    let from = ImageRef::new(image.width() as u32, image.height() as u32, image.data(), PixelType::U8x3)?;
    let mut to = Image::from_slice_u8(width, height, result.data_mut(), PixelType::U8x3)?;
    Ok(Resizer::new().resize(&from, &mut to, &options)?)
}

/// Returns the means of blocks of `block` × `block` pixels (at most [`BLOCK_MAX`] a side) of a region, which must lie
/// inside `image`. Blocks that cross the region's right or lower edge are cut there.
pub(crate) fn block_means(image: &RgbImage, region: Region, block: usize) -> RgbImage {
    let (width, height) = (region.width.div_ceil(block), region.height.div_ceil(block));
    let mut means = RgbImage::new(width, height);
    let mut sums = Zeroizing::new(vec![0_u16; region.width * 3]);
    let stride = image.width() * 3;
    let region_rows = image.data()[region.top * stride..].chunks_exact(stride).take(region.height);
    let mut rows = region_rows.map(|row| &row[region.left * 3..][..region.width * 3]);
    for to in means.data_mut().chunks_exact_mut(width * 3) {
        sums.fill(0);
        let mut count = 0;
        for row in rows.by_ref().take(block) {
            // Never wraps, see `BLOCK_MAX`. Written as a wrapping sum, so that no overflow check prevents
            // vectorisation.
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum = sum.wrapping_add(u16::from(value)));
            count += 1;
        }
        let pixels = to.as_chunks_mut::<3>().0.iter_mut();
        for (mean, together) in pixels.zip(sums.as_chunks::<3>().0.chunks(block)) {
            *mean = rounded_mean(together, count);
        }
    }
    means
}

/// The rounded mean of column sums, each over `rows` pixels.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a mean of bytes is a byte")]
fn rounded_mean(sums: &[[u16; 3]], rows: u32) -> [u8; 3] {
    let mut total = [0; 3];
    for sum in sums {
        total.iter_mut().zip(sum).for_each(|(total, &sum)| *total += u32::from(sum));
    }
    let count = sums.len() as u32 * rows;
    total.map(|total| ((total + count / 2) / count) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A raster whose brightness rises by two per pixel from left to right.
    fn ramp(width: usize, height: usize) -> RgbImage {
        let row: Vec<u8> = (0..width).flat_map(|x| [u8::try_from(x * 2).unwrap(); 3]).collect();
        RgbImage::from_raw(width, height, row.repeat(height)).unwrap()
    }

    #[test]
    fn a_reduced_ramp_keeps_its_position() {
        let image = ramp(120, 60);
        for (width, height) in [(60, 30), (40, 20), (37, 19), (110, 55), (17, 9)] {
            let small = resized(&image, image.whole(), width, height);
            let step = 120.0 / width as f32;
            for x in 2..width - 2 {
                let expected = 2.0 * ((x as f32 + 0.5) * step - 0.5);
                let got = f32::from(small.pixel(x, height / 2)[0]);
                assert!((got - expected).abs() <= 1.5, "{width}: column {x} is {got}, not {expected}");
            }
        }
    }

    #[test]
    fn a_fine_pattern_is_averaged() {
        let data = (0..64 * 64).flat_map(|n| [if (n + n / 64) % 2 == 0 { 0 } else { 200 }; 3]).collect();
        let image = RgbImage::from_raw(64, 64, data).unwrap();
        let small = resized(&image, image.whole(), 13, 13);
        assert!(small.data().iter().all(|&v| v.abs_diff(100) <= 4));
    }
}
