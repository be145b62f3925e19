//! Colour descriptions: what a photo's samples mean, and how they become sRGB.
//!
//! A description that is damaged, is about other samples than the photo has, or cannot be applied is ignored, as
//! viewers do: the user then sees the colours that every other app shows. It is never ignored silently: the photo
//! keeps a [`ProfileFault`], which the caller logs.

use std::sync::Arc;

use moxcms::{
    Chromaticity, CicpColorPrimaries, ColorPrimaries, ColorProfile, DataColorSpace, Layout, ProfileClass,
    RenderingIntent, ToneReprCurve, TransferCharacteristics, Transform8BitExecutor, TransformOptions,
};
use zeroize::Zeroizing;

pub(crate) use self::levels::{Levels, Transfer};

mod levels;
#[cfg(test)]
mod tests;

/// Why a photo's colour description was ignored. The photo was then taken for sRGB, or CMYK by the plain formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileFault {
    /// It cannot be read.
    Damaged,
    /// It is about other samples than the photo has: a grey profile in an RGB photo, for instance.
    OtherSamples,
    /// It is of a kind that no conversion is there for.
    Unsupported,
}

impl ProfileFault {
    /// A stable code for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::OtherSamples => "other_samples",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The kinds of samples that files store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Samples {
    Grey,
    Rgb,
    Cmyk,
}

/// How a photo's 8-bit samples become sRGB.
#[derive(Clone, Default)]
pub(crate) struct Colours {
    conversion: Option<Arc<Conversion>>,
    fault: Option<ProfileFault>,
}

impl Colours {
    /// As an embedded ICC profile says, if there is one that can be applied to the samples.
    pub(crate) fn of_icc(icc: Option<&[u8]>, samples: Samples) -> Self {
        let Some(icc) = icc else { return Self::default() };
        match profile_for(icc, samples).and_then(Conversion::new) {
            Ok(conversion) => Self { conversion: Some(Arc::new(conversion)), fault: None },
            Err(fault) => Self::ignored(fault),
        }
    }

    /// As [`Self::of_icc`], for RGB or grey samples of which there are `count` different ones. Where the profile has
    /// curves, they are left to the levels, so that nothing is lost by 8 bits.
    pub(crate) fn of_deep_icc(
        icc: &[u8],
        samples: Samples,
        count: usize,
    ) -> Result<(Option<Levels>, Self), ProfileFault> {
        let profile = profile_for(icc, samples)?;
        let levels = if count > 256 { levels_of(&profile, count) } else { None };
        let Some(levels) = levels else { return Ok((None, Self::of_profile(profile)?)) };
        let colours = match samples {
            Samples::Grey => Self::default(),
            _ => Self::of_profile(with_srgb_curve(profile))?,
        };
        Ok((Some(levels), colours))
    }

    /// As transfer function and primaries say, for samples of which there are `count` different ones.
    pub(crate) fn of_space(
        transfer: Transfer,
        primaries: Primaries,
        count: usize,
    ) -> Result<(Option<Levels>, Self), ProfileFault> {
        let levels = (transfer != Transfer::Srgb).then(|| Levels::new(count, &[&|v| transfer.light(v)]));
        let colours = match primaries.profile()? {
            Some(profile) => Self::of_profile(profile)?,
            None => Self::default(),
        };
        Ok((levels, colours))
    }

    fn of_profile(profile: ColorProfile) -> Result<Self, ProfileFault> {
        Ok(Self { conversion: Some(Arc::new(Conversion::new(profile)?)), fault: None })
    }

    /// sRGB, since the description is of no use.
    pub(crate) fn ignored(fault: ProfileFault) -> Self {
        Self { conversion: None, fault: Some(fault) }
    }

    /// The same, with the first of two faults.
    pub(crate) fn after(self, fault: Option<ProfileFault>) -> Self {
        Self { fault: fault.or(self.fault), ..self }
    }

    /// Why a description was ignored.
    pub(crate) fn fault(&self) -> Option<ProfileFault> {
        self.fault
    }

    /// Turns interleaved RGB samples into sRGB, in place. A grey photo's samples are three equal channels.
    pub(crate) fn apply(&self, samples: &mut [u8]) {
        let Some(conversion) = &self.conversion else { return };
        let source: Zeroizing<Vec<u8>> = match conversion.layout {
            Layout::Gray => samples.iter().step_by(3).copied().collect::<Vec<_>>().into(),
            _ => samples.to_vec().into(),
        };
        conversion.run(&source, samples);
    }

    /// Turns amounts of ink (cyan, magenta, yellow, black) into sRGB: by their profile, or else by the plain formula.
    pub(crate) fn rgb_from_cmyk(&self, inks: &[u8]) -> Vec<u8> {
        let mut rgb = vec![0; inks.len() / 4 * 3];
        if let Some(conversion) = &self.conversion {
            conversion.run(inks, &mut rgb);
            return rgb;
        }
        for (out, &[c, m, y, k]) in rgb.as_chunks_mut().0.iter_mut().zip(inks.as_chunks().0) {
            *out = [c, m, y].map(|ink| scaled(255 - ink, 255 - k));
        }
        rgb
    }
}

/// What light the channels of RGB are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Primaries {
    Srgb,
    /// By their number in ITU-T H.273.
    H273(u8),
    /// By their chromaticities x and y: white, red, green, blue.
    Chromaticities([[f32; 2]; 4]),
}

impl Primaries {
    /// The profile with these primaries and sRGB's curve; none for sRGB's own.
    fn profile(self) -> Result<Option<ColorProfile>, ProfileFault> {
        let mut profile = ColorProfile::new_srgb();
        match self {
            Self::Srgb | Self::H273(1) => return Ok(None),
            Self::H273(number) => {
                let primaries = CicpColorPrimaries::try_from(number).and_then(ColorPrimaries::try_from);
                let [x, y] = white_of_h273(number).ok_or(ProfileFault::Unsupported)?;
                profile.update_rgb_colorimetry(
                    Chromaticity::new(x, y).to_xyyb(),
                    primaries.or(Err(ProfileFault::Unsupported))?,
                );
            }
            Self::Chromaticities(points) => {
                if !is_triangle_around_white(points) {
                    return Err(ProfileFault::Damaged);
                }
                let [white, red, green, blue] = points.map(|[x, y]| Chromaticity::new(x, y));
                profile.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
            }
        }
        Ok(Some(with_srgb_curve(profile)))
    }
}

/// Whether three primaries with sane numbers mix to their white. Others have no matrix, or one beyond all measure.
fn is_triangle_around_white(points: [[f32; 2]; 4]) -> bool {
    let [white, red, green, blue] = points;
    let twice_area =
        |a: [f32; 2], b: [f32; 2], c: [f32; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    let parts = [twice_area(white, red, green), twice_area(white, green, blue), twice_area(white, blue, red)];
    let is_around = parts.iter().all(|part| *part > 1e-3) || parts.iter().all(|part| *part < -1e-3);
    is_around && points.iter().flatten().all(|v| (0.0..=2.0).contains(v)) && white[1] > 0.05
}

/// The white of primaries by their number in ITU-T H.273, table 2.
fn white_of_h273(number: u8) -> Option<[f32; 2]> {
    match number {
        1 | 5 | 6 | 7 | 9 | 12 | 22 => Some([0.3127, 0.3290]),
        4 | 8 => Some([0.310, 0.316]),
        11 => Some([0.314, 0.351]),
        _ => None,
    }
}

/// The same primaries with sRGB's curve.
fn with_srgb_curve(mut profile: ColorProfile) -> ColorProfile {
    let ColorProfile { red_trc, green_trc, blue_trc, .. } = ColorProfile::new_srgb();
    profile.cicp = None;
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (red_trc, green_trc, blue_trc);
    profile
}

/// A profile's way to sRGB.
struct Conversion {
    /// The samples that it takes; CMYK has RGBA's layout.
    layout: Layout,
    /// What is done to each sample before.
    levels: Option<Levels>,
    transform: Arc<Transform8BitExecutor>,
}

impl Conversion {
    /// By the profile's table if it has one, otherwise by its curves and matrix.
    fn new(mut profile: ColorProfile) -> Result<Self, ProfileFault> {
        let levels = if is_high_range(&profile) { levels_of(&profile, 256) } else { None };
        if levels.is_some() {
            profile = with_srgb_curve(profile);
        }
        let layout = match profile.color_space {
            DataColorSpace::Gray => Layout::Gray,
            DataColorSpace::Cmyk => Layout::Rgba,
            _ => Layout::Rgb,
        };
        let options = TransformOptions {
            rendering_intent: intent(&profile),
            // Curves of high range are handled above, and the others are in the profile's own tags.
            allow_use_cicp_transfer: false,
            ..TransformOptions::default()
        };
        let transform = profile
            .create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options)
            .or(Err(ProfileFault::Unsupported))?;
        transform.transform(&vec![0; layout.channels()], &mut [0; 3]).or(Err(ProfileFault::Unsupported))?;
        Ok(Self { layout, levels, transform })
    }

    #[expect(
        clippy::expect_used,
        reason = "it was tried on one pixel, and fails otherwise only if source and target differ in length"
    )]
    fn run(&self, source: &[u8], target: &mut [u8]) {
        let levelled = self.levels.as_ref().map(|levels| Zeroizing::new(levels.of_bytes(source)));
        let source = levelled.as_ref().map_or(source, |levelled| levelled);
        self.transform.transform(source, target).expect("source and target have the same number of pixels");
    }
}

/// The intent whose table the profile has: the perceptual one, which other readers take too, or else the nearest.
fn intent(profile: &ColorProfile) -> RenderingIntent {
    if profile.lut_a_to_b_perceptual.is_none() && profile.lut_a_to_b_colorimetric.is_some() {
        RenderingIntent::RelativeColorimetric
    } else if profile.lut_a_to_b_perceptual.is_none() && profile.lut_a_to_b_saturation.is_some() {
        RenderingIntent::Saturation
    } else {
        RenderingIntent::Perceptual
    }
}

/// Whether a profile names a transfer function of high dynamic range, and has no table that maps it to standard range.
fn is_high_range(profile: &ColorProfile) -> bool {
    let transfer = profile.cicp.map(|cicp| cicp.transfer_characteristics);
    matches!(transfer, Some(TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg))
}

/// The curves of a profile for `count` different samples; `None` when it has a table, or no curves.
fn levels_of(profile: &ColorProfile, count: usize) -> Option<Levels> {
    let tables =
        [&profile.lut_a_to_b_perceptual, &profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_saturation];
    if tables.iter().any(|table| table.is_some()) {
        return None;
    }
    if is_high_range(profile) {
        let transfer = Transfer::from_h273(profile.cicp?.transfer_characteristics as u8)?;
        return Some(Levels::new(count, &[&|v| transfer.light(v)]));
    }
    let curves: &[&Option<ToneReprCurve>] = match profile.color_space {
        DataColorSpace::Gray if profile.pcs == DataColorSpace::Xyz => &[&profile.gray_trc],
        DataColorSpace::Rgb => &[&profile.red_trc, &profile.green_trc, &profile.blue_trc],
        _ => return None,
    };
    let curves: Option<Vec<_>> =
        curves.iter().map(|curve| curve.as_ref()?.make_linear_evaluator().ok()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a sample's share needs no more digits")]
    let lights: Vec<_> =
        curves?.into_iter().map(|curve| move |v: f64| f64::from(curve.evaluate_value(v as f32))).collect();
    let lights: Vec<&dyn Fn(f64) -> f64> = lights.iter().map(|light| light as _).collect();
    Some(Levels::new(count, &lights))
}

/// Reads an ICC profile that says what samples of a kind look like.
fn profile_for(icc: &[u8], samples: Samples) -> Result<ColorProfile, ProfileFault> {
    let profile = ColorProfile::new_from_slice(icc).or(Err(ProfileFault::Damaged))?;
    let expected = match samples {
        Samples::Grey => DataColorSpace::Gray,
        Samples::Rgb => DataColorSpace::Rgb,
        Samples::Cmyk => DataColorSpace::Cmyk,
    };
    if profile.color_space != expected {
        return Err(ProfileFault::OtherSamples);
    }
    match profile.profile_class {
        ProfileClass::InputDevice
        | ProfileClass::DisplayDevice
        | ProfileClass::OutputDevice
        | ProfileClass::ColorSpace => Ok(profile),
        _ => Err(ProfileFault::Unsupported),
    }
}

/// `value · scale / 255`, rounded.
fn scaled(value: u8, scale: u8) -> u8 {
    u8::try_from((u16::from(value) * u16::from(scale) + 127) / 255).unwrap_or(u8::MAX)
}
