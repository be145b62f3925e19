//! Transfer functions: convert stored samples to 8-bit samples with sRGB's curve.
//!
//! A table converts each channel. So samples of 16 bits, linear samples and samples of high dynamic range keep their
//! shades in the 8 bits of a raster. Only the primaries remain to be converted.

/// Transfer functions of ITU-T H.273: the light that a sample stands for. Light is relative: 1 is the white of a
/// page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transfer {
    Srgb,
    Linear,
    /// A power of the sample.
    Gamma(f64),
    /// The inverse of the camera curve of BT.709, BT.601 and BT.2020.
    Bt709,
    /// SMPTE ST 2084, absolute light, mapped to standard range by [`standard_range`].
    Pq,
    /// BT.2100's hybrid log-gamma as displayed at 1,000 cd/m², channel by channel, mapped to standard range in the
    /// same way.
    Hlg,
}

/// The light of a page's white in pictures of high dynamic range, and the brightest light, which is mapped to white.
/// Both in cd/m²: BT.2408's reference white, and BT.2100's nominal peak.
const WHITE: f64 = 203.0;
const PEAK: f64 = 1000.0;

/// The most light that PQ can express, in cd/m².
const PQ_PEAK: f64 = 10_000.0;

impl Transfer {
    /// The transfer function with a number in ITU-T H.273.
    pub(crate) fn from_h273(number: u8) -> Option<Self> {
        match number {
            1 | 6 | 14 | 15 => Some(Self::Bt709),
            4 => Some(Self::Gamma(2.2)),
            5 => Some(Self::Gamma(2.8)),
            8 => Some(Self::Linear),
            13 => Some(Self::Srgb),
            16 => Some(Self::Pq),
            18 => Some(Self::Hlg),
            _ => None,
        }
    }

    /// The light of a sample, both 0 to 1.
    pub(crate) fn light(self, sample: f64) -> f64 {
        match self {
            Self::Srgb if sample <= 0.04045 => sample / 12.92,
            Self::Srgb => ((sample + 0.055) / 1.055).powf(2.4),
            Self::Linear => sample,
            Self::Gamma(exponent) => sample.powf(exponent),
            Self::Bt709 if sample < 0.081 => sample / 4.5,
            Self::Bt709 => ((sample + 0.099) / 1.099).powf(1.0 / 0.45),
            Self::Pq => standard_range(sample),
            Self::Hlg => standard_range(pq_sample(hlg_scene_light(sample).powf(1.2) * PEAK)),
        }
    }
}

/// The scene light of a hybrid log-gamma sample, 0 to 1 (BT.2100, table 5).
fn hlg_scene_light(sample: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    const C: f64 = 0.559_910_73;
    if sample <= 0.5 { sample * sample / 3.0 } else { (((sample - C) / A).exp() + B) / 12.0 }
}

/// The light of a PQ sample after the tone mapping of BT.2390 (its EETF, without a raised black). Up to 87 cd/m²
/// light stays as it is. Above, it is compressed so that [`PEAK`] becomes [`WHITE`].
fn standard_range(sample: f64) -> f64 {
    let peak = pq_sample(PEAK);
    let white = pq_sample(WHITE) / peak;
    let knee = 1.5 * white - 0.5;
    let sample = (sample / peak).min(1.0);
    let mapped = if sample < knee {
        sample
    } else {
        let t = (sample - knee) / (1.0 - knee);
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * knee
            + (t3 - 2.0 * t2 + t) * (1.0 - knee)
            + (3.0 * t2 - 2.0 * t3) * white
    };
    (pq_light(mapped * peak) / WHITE).clamp(0.0, 1.0)
}

const M1: f64 = 1305.0 / 8192.0;
const M2: f64 = 2523.0 / 32.0;
const C1: f64 = 107.0 / 128.0;
const C2: f64 = 2413.0 / 128.0;
const C3: f64 = 2392.0 / 128.0;

/// Converts a PQ sample to cd/m².
fn pq_light(sample: f64) -> f64 {
    let power = sample.powf(1.0 / M2);
    PQ_PEAK * ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1)
}

/// Converts cd/m² to a PQ sample.
fn pq_sample(light: f64) -> f64 {
    let power = (light / PQ_PEAK).powf(M1);
    ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
}

/// sRGB's sample for light, 0 to 255.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to a byte's range"
)]
fn srgb_byte(light: f64) -> u8 {
    let sample = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (sample * 255.0).round().clamp(0.0, 255.0) as u8
}

/// Tables that map each stored sample to an 8-bit sample with sRGB's curve.
pub(crate) struct Levels {
    /// One table for all channels, or one for each of three channels.
    channels: Vec<Vec<u8>>,
    opacity: Vec<u8>,
}

impl Levels {
    /// Tables for 16-bit samples that have sRGB's curve, or any other curve for which 8 bits are enough.
    pub(crate) fn rounded() -> Self {
        Self { channels: vec![linear(1 << 16)], opacity: linear(1 << 16) }
    }

    /// Tables for `count` sample values. Each curve maps a sample (0 to 1) to its light.
    #[expect(clippy::cast_precision_loss, reason = "samples have 16 bits at most")]
    pub(crate) fn new(count: usize, curves: &[&dyn Fn(f64) -> f64]) -> Self {
        let most = count.saturating_sub(1).max(1) as f64;
        let table = |light: &&dyn Fn(f64) -> f64| {
            (0..count).map(|sample| srgb_byte(light(sample as f64 / most))).collect()
        };
        Self { channels: curves.iter().map(table).collect(), opacity: linear(count) }
    }

    /// Applies the tables to RGB samples of 8 bits.
    pub(crate) fn of_bytes(&self, rgb: &[u8]) -> Vec<u8> {
        rgb.iter().enumerate().map(|(n, &sample)| self.of_channel(n % 3)[usize::from(sample)]).collect()
    }

    /// The table of a channel.
    pub(crate) fn of_channel(&self, channel: usize) -> &[u8] {
        &self.channels[channel % self.channels.len()]
    }

    /// The table of opacity. Opacity is not light, so its table is linear.
    pub(crate) fn of_opacity(&self) -> &[u8] {
        &self.opacity
    }
}

/// Scales `count` sample values to 0..=255.
fn linear(count: usize) -> Vec<u8> {
    let most = count.saturating_sub(1).max(1);
    (0..count).map(|sample| u8::try_from((sample * 255 + most / 2) / most).unwrap_or(u8::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_dynamic_range_keeps_skin_and_compresses_highlights() {
        // Light in cd/m², and the expected 8-bit sample. Up to 87 cd/m² it is sRGB's sample for that share of 203
        // cd/m²; 1,000 and more become white.
        for (light, byte) in [(0.0, 0), (10.0, 63), (50.0, 136), (85.0, 173), (1000.0, 255), (10_000.0, 255)]
        {
            assert_eq!(srgb_byte(Transfer::Pq.light(pq_sample(light))), byte, "{light} cd/m²");
        }
        let page = srgb_byte(Transfer::Pq.light(pq_sample(WHITE)));
        assert!(
            (227..=231).contains(&page),
            "the white of a page is converted to {page}, expected 227 to 231"
        );
        let samples = (0..=1000).map(|n| Transfer::Pq.light(f64::from(n) / 1000.0));
        assert!(samples.is_sorted(), "a larger sample is converted to less light");
    }

    #[test]
    fn hybrid_log_gamma_has_reference_white_at_75_percent() {
        // BT.2408: 75 % of hybrid log-gamma and 58 % of PQ are the same white.
        let (hlg, pq) = (Transfer::Hlg.light(0.75), Transfer::Pq.light(0.58));
        assert!((hlg - pq).abs() < 0.01, "{hlg} and {pq}");
        assert_eq!(srgb_byte(Transfer::Hlg.light(1.0)), 255);
        assert_eq!(srgb_byte(Transfer::Hlg.light(0.0)), 0);
    }

    #[test]
    fn sixteen_bits_are_rounded_to_the_nearest_level() {
        let levels = Levels::rounded();
        let table = levels.of_channel(2);
        assert_eq!((table[0], table[128], table[129], table[65_535]), (0, 0, 1, 255));
        let srgb = Levels::new(65_536, &[&|v| Transfer::Srgb.light(v)]);
        assert_eq!(srgb.of_channel(0), table, "converting from and to sRGB's curve changes samples");
    }
}
