//! Colour descriptions: what a photo's samples mean, and how they are converted to sRGB.
//!
//! A description is ignored if it is damaged, describes another kind of samples than the photo has, or cannot be
//! applied. Viewers do the same, so the user sees the colours that every other app shows. It is never ignored
//! silently: the photo keeps a [`ProfileFault`], which the caller logs.

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

/// Why a photo's colour description was ignored. RGB and grey samples are then read as sRGB; CMYK samples are
/// converted by the plain formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileFault {
    /// The description cannot be parsed.
    Damaged,
    /// It describes another kind of samples than the photo has: a grey profile in an RGB photo, for instance.
    OtherSamples,
    /// No conversion exists for this kind of description.
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

/// The kinds of samples that files contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Samples {
    Grey,
    Rgb,
    Cmyk,
}

/// Converts a photo's 8-bit samples to sRGB.
#[derive(Clone, Default)]
pub(crate) struct Colours {
    conversion: Option<Arc<Conversion>>,
    fault: Option<ProfileFault>,
}

impl Colours {
    /// Builds the conversion from an embedded ICC profile, if there is one and it can be applied to the samples.
    pub(crate) fn of_icc(icc: Option<&[u8]>, samples: Samples) -> Self {
        let Some(icc) = icc else { return Self::default() };
        match profile_for(icc, samples).and_then(Conversion::new) {
            Ok(conversion) => Self { conversion: Some(Arc::new(conversion)), fault: None },
            Err(fault) => Self::ignored(fault),
        }
    }

    /// Like [`Self::of_icc`], for RGB or grey samples with `count` possible values. If the profile has curves, the
    /// returned level tables apply them, so that no precision is lost by rounding to 8 bits first.
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

    /// Builds the conversion from a transfer function and primaries, for samples with `count` possible values.
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

    /// Treats samples as sRGB because the description cannot be used.
    pub(crate) fn ignored(fault: ProfileFault) -> Self {
        Self { conversion: None, fault: Some(fault) }
    }

    /// Returns the same conversion. `fault`, which occurred earlier, takes precedence over its own.
    pub(crate) fn after(self, fault: Option<ProfileFault>) -> Self {
        Self { fault: fault.or(self.fault), ..self }
    }

    /// Why the description was ignored, if it was.
    pub(crate) fn fault(&self) -> Option<ProfileFault> {
        self.fault
    }

    /// Converts interleaved RGB samples to sRGB, in place. A grey photo's samples are three equal channels.
    pub(crate) fn apply(&self, samples: &mut [u8]) {
        let Some(conversion) = &self.conversion else { return };
        let source: Zeroizing<Vec<u8>> = match conversion.layout {
            Layout::Gray => samples.iter().step_by(3).copied().collect::<Vec<_>>().into(),
            _ => samples.to_vec().into(),
        };
        conversion.run(&source, samples);
    }

    /// Converts CMYK samples (255 is full ink) to sRGB: by their profile, or else by the plain formula.
    pub(crate) fn rgb_from_cmyk(&self, cmyk: &[u8]) -> Vec<u8> {
        let mut rgb = vec![0; cmyk.len() / 4 * 3];
        if let Some(conversion) = &self.conversion {
            conversion.run(cmyk, &mut rgb);
            return rgb;
        }
        for (out, &[c, m, y, k]) in rgb.as_chunks_mut().0.iter_mut().zip(cmyk.as_chunks().0) {
            *out = [c, m, y].map(|ink| scaled(255 - ink, 255 - k));
        }
        rgb
    }
}

/// The primaries of RGB samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Primaries {
    Srgb,
    /// Primaries with a number in ITU-T H.273.
    H273(u8),
    /// Primaries with chromaticities x and y: white, red, green, blue.
    Chromaticities([[f32; 2]; 4]),
}

impl Primaries {
    /// The profile with these primaries and sRGB's curve; `None` for sRGB's own primaries.
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

/// Whether three primaries with plausible values can be mixed to their white. Otherwise there is no conversion
/// matrix, or its values are far too large.
fn is_triangle_around_white(points: [[f32; 2]; 4]) -> bool {
    let [white, red, green, blue] = points;
    let twice_area =
        |a: [f32; 2], b: [f32; 2], c: [f32; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    let areas = [twice_area(white, red, green), twice_area(white, green, blue), twice_area(white, blue, red)];
    let is_around = areas.iter().all(|area| *area > 1e-3) || areas.iter().all(|area| *area < -1e-3);
    is_around && points.iter().flatten().all(|v| (0.0..=2.0).contains(v)) && white[1] > 0.05
}

/// The white point of the primaries with a number in ITU-T H.273, table 2.
fn white_of_h273(number: u8) -> Option<[f32; 2]> {
    match number {
        1 | 5 | 6 | 7 | 9 | 12 | 22 => Some([0.3127, 0.3290]),
        4 | 8 => Some([0.310, 0.316]),
        11 => Some([0.314, 0.351]),
        _ => None,
    }
}

/// Replaces the profile's curves by sRGB's; the primaries stay.
fn with_srgb_curve(mut profile: ColorProfile) -> ColorProfile {
    let ColorProfile { red_trc, green_trc, blue_trc, .. } = ColorProfile::new_srgb();
    profile.cicp = None;
    (profile.red_trc, profile.green_trc, profile.blue_trc) = (red_trc, green_trc, blue_trc);
    profile
}

/// The conversion from a profile to sRGB.
struct Conversion {
    /// Layout of the input samples; CMYK uses the layout of RGBA.
    layout: Layout,
    /// Level tables that are applied to each sample before the transform.
    levels: Option<Levels>,
    transform: Arc<Transform8BitExecutor>,
}

impl Conversion {
    /// Builds the conversion from the profile's table if it has one, otherwise from its curves and matrix.
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
            // `levels` applies curves of high dynamic range; the others are in the profile's own tags.
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
        reason = "`new` has tried it on one pixel; later it fails only if source and target differ in length"
    )]
    fn run(&self, source: &[u8], target: &mut [u8]) {
        let levelled = self.levels.as_ref().map(|levels| Zeroizing::new(levels.of_bytes(source)));
        let source = levelled.as_ref().map_or(source, |levelled| levelled);
        self.transform.transform(source, target).expect("source and target have the same number of pixels");
    }
}

/// The rendering intent whose table the profile has: the perceptual one, which other readers use too, or else the
/// nearest.
fn intent(profile: &ColorProfile) -> RenderingIntent {
    if profile.lut_a_to_b_perceptual.is_none() && profile.lut_a_to_b_colorimetric.is_some() {
        RenderingIntent::RelativeColorimetric
    } else if profile.lut_a_to_b_perceptual.is_none() && profile.lut_a_to_b_saturation.is_some() {
        RenderingIntent::Saturation
    } else {
        RenderingIntent::Perceptual
    }
}

/// Whether a profile names a transfer function of high dynamic range.
fn is_high_range(profile: &ColorProfile) -> bool {
    let transfer = profile.cicp.map(|cicp| cicp.transfer_characteristics);
    matches!(transfer, Some(TransferCharacteristics::Smpte2084 | TransferCharacteristics::Hlg))
}

/// Builds level tables from a profile's curves for `count` sample values; `None` if it has a table or no curves.
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
    #[expect(clippy::cast_possible_truncation, reason = "`f32` is precise enough for 16-bit samples")]
    let lights: Vec<_> =
        curves?.into_iter().map(|curve| move |v: f64| f64::from(curve.evaluate_value(v as f32))).collect();
    let lights: Vec<&dyn Fn(f64) -> f64> = lights.iter().map(|light| light as _).collect();
    Some(Levels::new(count, &lights))
}

/// Parses an ICC profile and checks that it describes samples of this kind.
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
