//! Colour profiles: whatever a photo's samples mean, to sRGB.
//!
//! A profile that cannot be understood is ignored, as viewers do; a photo is not refused for it.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use zeroize::Zeroizing;

/// The profile of a photo's stored RGB samples, when it says something else than sRGB.
pub(crate) struct Profile {
    profile: ColorProfile,
}

impl Profile {
    /// Reads an ICC profile; `None` when it is damaged or not about RGB or grey.
    pub(crate) fn parse(icc: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        matches!(profile.color_space, DataColorSpace::Rgb | DataColorSpace::Gray).then_some(Self { profile })
    }

    /// Turns interleaved RGB samples into sRGB, in place.
    pub(crate) fn apply(&self, samples: &mut [u8]) {
        let grey = self.profile.color_space == DataColorSpace::Gray;
        let (layout, source): (_, Vec<u8>) = if grey {
            // A grey photo was spread over three equal channels when it was decoded.
            (Layout::Gray, samples.iter().step_by(3).copied().collect())
        } else {
            (Layout::Rgb, samples.to_vec())
        };
        convert(&self.profile, layout, &Zeroizing::new(source), samples);
    }
}

/// Amounts of ink (cyan, magenta, yellow, black) to RGB: by their profile when there is a usable one,
/// otherwise by the plain formula.
pub(crate) fn rgb_from_inks(inks: &[u8], icc: Option<&[u8]>) -> Vec<u8> {
    let mut rgb = vec![0; inks.len() / 4 * 3];
    let profile = icc.and_then(|icc| ColorProfile::new_from_slice(icc).ok());
    if let Some(profile) = profile.filter(|p| p.color_space == DataColorSpace::Cmyk)
        && convert(&profile, Layout::Rgba, inks, &mut rgb)
    {
        return rgb;
    }
    for (out, &[c, m, y, k]) in rgb.as_chunks_mut().0.iter_mut().zip(inks.as_chunks().0) {
        *out = [c, m, y].map(|ink| scaled(255 - ink, 255 - k));
    }
    rgb
}

/// `value · scale / 255`, rounded.
fn scaled(value: u8, scale: u8) -> u8 {
    u8::try_from((u16::from(value) * u16::from(scale) + 127) / 255).unwrap_or(u8::MAX)
}

/// Whether the conversion was possible; if not, `target` is as it was.
fn convert(profile: &ColorProfile, layout: Layout, source: &[u8], target: &mut [u8]) -> bool {
    let options = TransformOptions::default();
    profile
        .create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options)
        .is_ok_and(|transform| transform.transform(source, target).is_ok())
}
