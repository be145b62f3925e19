//! Measures how much two pictures differ.

use std::fmt;

use anyhow::ensure;

/// The largest tolerated mean difference, in levels. Networks and solvers add numbers in another order on another
/// machine, so that some values round to the next level: a mean of 0.0001 levels was measured.
const MEAN_MAX: f64 = 0.001;

/// A rounding that crosses a threshold changes single pixels by more (22 levels were measured), but too few to be
/// visible. 6 of a million values were measured to differ by more than `FAR`; `FAR_SHARE_MAX` of all values may.
const FAR: u8 = 4;
const FAR_SHARE_MAX: f64 = 20e-6;

/// The difference between two pictures of the same size, in levels of 0 to 255.
pub(super) struct Difference {
    mean: f64,
    largest: u8,
    /// The share of values that differ by more than `FAR`.
    far: f64,
}

impl Difference {
    /// Compares two PNG files.
    ///
    /// # Errors
    /// When a file cannot be read, or the sizes differ.
    pub(super) fn of(one: &[u8], other: &[u8]) -> anyhow::Result<Self> {
        let (one, other) = (values(one)?, values(other)?);
        ensure!(one.len() == other.len() && !one.is_empty(), "the pictures differ in size");
        let distances: Vec<u8> = one.iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).collect();
        let count = distances.len() as f64;
        Ok(Self {
            mean: distances.iter().map(|distance| f64::from(*distance)).sum::<f64>() / count,
            largest: distances.iter().copied().max().unwrap_or(0),
            far: distances.iter().filter(|distance| **distance > FAR).count() as f64 / count,
        })
    }

    pub(super) fn is_within_tolerance(&self) -> bool {
        self.mean <= MEAN_MAX && self.far <= FAR_SHARE_MAX
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, largest, far } = self;
        let (far, far_max) = (far * 1e6, FAR_SHARE_MAX * 1e6);
        write!(
            formatter,
            "mean difference {mean:.5} levels (at most {MEAN_MAX}), largest {largest}; {far:.1} of a million values \
             differ by more than {FAR} (at most {far_max:.0})"
        )
    }
}

/// Decodes a PNG with 8 bits per sample into its values.
fn values(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(image::load_from_memory_with_format(file, image::ImageFormat::Png)?.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn picture(values: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let width = u32::try_from(values.len()).expect("small");
        let picture = image::GrayImage::from_raw(width, 1, values.to_vec()).expect("one row");
        picture.write_to(&mut Cursor::new(&mut file), image::ImageFormat::Png).expect("pixels");
        file
    }

    /// Compares a picture of 100,000 values of 100 with one in which every `each`th value is one level higher and the
    /// first `far` values are 22 levels higher.
    fn difference_from_plain(each: usize, far: usize) -> Difference {
        let value = |at| if at < far { 122 } else { 100 + u8::from(at % each == 0) };
        let values: Vec<u8> = (0..100_000).map(value).collect();
        Difference::of(&picture(&[100; 100_000]), &picture(&values)).expect("one size")
    }

    #[test]
    fn scattered_single_levels_are_tolerated_and_a_spot_is_not() {
        for (each, far, is_tolerated) in
            [(100_000, 0, true), (2_000, 0, true), (500, 0, false), (100_000, 2, true), (100_000, 3, false)]
        {
            let difference = difference_from_plain(each, far);
            assert_eq!(difference.is_within_tolerance(), is_tolerated, "{each}, {far}: {difference}");
        }
        assert!(Difference::of(&picture(&[100; 200]), &picture(&[100; 199])).is_err());
    }
}
