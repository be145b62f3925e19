//! How far two pictures are apart.

use std::fmt;

use anyhow::{Context as _, ensure};

/// The networks and the solvers add up in another order on another machine, so that a value may be rounded to the next
/// level. More than that would show.
const MEAN_MAX: f64 = 0.02;
const LARGEST_MAX: u8 = 4;

/// The distance of two pictures of the same size, in levels of 255.
pub(super) struct Difference {
    mean: f64,
    largest: u8,
    /// The share of values that differ at all.
    share: f64,
}

impl Difference {
    /// Of two PNG files.
    ///
    /// # Errors
    /// When one cannot be read, or they are not of one size.
    pub(super) fn of(one: &[u8], other: &[u8]) -> anyhow::Result<Self> {
        let (one, other) = (values(one)?, values(other)?);
        ensure!(one.len() == other.len() && !one.is_empty(), "the pictures are not of one size");
        let distances: Vec<u8> = one.iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).collect();
        let count = distances.len() as f64;
        Ok(Self {
            mean: distances.iter().map(|distance| f64::from(*distance)).sum::<f64>() / count,
            largest: distances.iter().copied().max().unwrap_or(0),
            share: distances.iter().filter(|distance| **distance > 0).count() as f64 / count,
        })
    }

    pub(super) fn is_within_tolerance(&self) -> bool {
        self.mean <= MEAN_MAX && self.largest <= LARGEST_MAX
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, largest, share } = self;
        let share = share * 100.0;
        write!(
            formatter,
            "{mean:.4} levels apart in the mean (at most {MEAN_MAX}), {largest} at most ({LARGEST_MAX}); {share:.2} % differ"
        )
    }
}

/// The values of a PNG of 8 bits.
fn values(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info()?;
    let mut values = vec![0; reader.output_buffer_size().context("the picture is too large")?];
    reader.next_frame(&mut values)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let width = u32::try_from(values.len()).expect("small");
        let mut encoder = png::Encoder::new(&mut file, width, 1);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(values).expect("pixels");
        drop(writer);
        file
    }

    #[test]
    fn a_level_here_and_there_is_tolerated_and_a_spot_is_not() {
        let plain = picture(&[100; 200]);
        let mut values = [100; 200];
        values[7] = 101;
        let rounded = Difference::of(&plain, &picture(&values)).expect("one size");
        assert!(rounded.is_within_tolerance(), "{rounded}");
        values[7] = 110;
        let spot = Difference::of(&plain, &picture(&values)).expect("one size");
        assert!(!spot.is_within_tolerance(), "{spot}");
        let shifted = Difference::of(&plain, &picture(&[101; 200])).expect("one size");
        assert!(!shifted.is_within_tolerance(), "{shifted}");
        assert!(Difference::of(&plain, &picture(&[100; 199])).is_err());
    }
}
