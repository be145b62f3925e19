//! Reads a PNG's colour description: the first chunk in the specification's order that can be applied.
//!
//! The PNG specification's third edition gives `cICP` precedence over `iCCP`, `sRGB`, and `gAMA` with `cHRM`, in this
//! order (section 4.3). Without any of them the samples are sRGB.

use png::{CodingIndependentCodePoints, ColorType, Info, SourceChromaticities};

use crate::colour::{Colours, Levels, Primaries, ProfileFault, Samples, Transfer};

/// The level tables that are applied to each sample on reading, and the conversion that is applied to pixels
/// afterwards.
pub(super) type Conversion = (Option<Levels>, Colours);

/// A `gAMA` within 5 % of this value means sRGB's curve. The specification has writers of sRGB add it for old
/// readers, and libpng and the browsers that use it see no difference within this bound.
const SRGB_GAMMA: f64 = 0.454_55;
const GAMMA_TOLERANCE: f64 = 0.05;

/// sRGB's chromaticities (white, red, green, blue), and the largest difference that counts as rounding.
const SRGB_POINTS: [[f32; 2]; 4] = [[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];
const POINT_TOLERANCE: f32 = 0.001;

/// Reads the conversion from the chunks before the pixels, for a file with `count` sample values. `has_profile` tells
/// a missing profile from one that could not be decompressed.
pub(super) fn read_colours(info: &Info<'_>, has_profile: bool, count: usize) -> Conversion {
    let is_grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let samples = if is_grey { Samples::Grey } else { Samples::Rgb };
    let chunks: [&dyn Fn() -> Option<Result<Conversion, ProfileFault>>; 4] = [
        &|| Some(from_code_points(info.coding_independent_code_points?, samples, count)),
        &|| match &info.icc_profile {
            Some(profile) => Some(Colours::of_deep_icc(profile, samples, count)),
            None => has_profile.then_some(Err(ProfileFault::Damaged)),
        },
        &|| info.srgb.map(|_| Ok(Conversion::default())),
        &|| from_gamma_and_chromaticities(info, samples, count),
    ];
    let mut fault = None;
    for chunk in chunks {
        match chunk() {
            None => {}
            Some(Ok((levels, colours))) => return (levels, colours.after(fault)),
            Some(Err(ignored)) => fault = fault.or(Some(ignored)),
        }
    }
    (None, Colours::default().after(fault))
}

/// Reads `cICP`: a transfer function and primaries by number.
fn from_code_points(
    points: CodingIndependentCodePoints,
    samples: Samples,
    count: usize,
) -> Result<Conversion, ProfileFault> {
    let transfer = Transfer::from_h273(points.transfer_function).ok_or(ProfileFault::Unsupported)?;
    // A PNG has RGB or grey samples. A chunk that names another matrix, or a limited range, describes something else.
    if points.matrix_coefficients != 0 || !points.is_video_full_range_image {
        return Err(ProfileFault::Unsupported);
    }
    Colours::of_space(transfer, primaries_for(samples, Primaries::H273(points.color_primaries)), count)
}

/// Reads `gAMA` and `cHRM`. If one is missing, sRGB's values are used for it.
fn from_gamma_and_chromaticities(
    info: &Info<'_>,
    samples: Samples,
    count: usize,
) -> Option<Result<Conversion, ProfileFault>> {
    if info.gama_chunk.is_none() && info.chrm_chunk.is_none() {
        return None;
    }
    let transfer =
        info.gama_chunk.map_or(Some(Transfer::Srgb), |gamma| transfer_of_gamma(gamma.into_value().into()));
    let Some(transfer) = transfer else { return Some(Err(ProfileFault::Damaged)) };
    let primaries = info.chrm_chunk.map_or(Primaries::Srgb, primaries_of_chromaticities);
    Some(Colours::of_space(transfer, primaries_for(samples, primaries), count))
}

fn transfer_of_gamma(gamma: f64) -> Option<Transfer> {
    if gamma <= 0.0 {
        return None;
    }
    let is_srgb = (gamma / SRGB_GAMMA - 1.0).abs() < GAMMA_TOLERANCE;
    Some(if is_srgb { Transfer::Srgb } else { Transfer::Gamma(1.0 / gamma) })
}

fn primaries_of_chromaticities(chromaticities: SourceChromaticities) -> Primaries {
    let SourceChromaticities { white, red, green, blue } = chromaticities;
    let points = [white, red, green, blue].map(|(x, y)| [x.into_value(), y.into_value()]);
    let is_near = |(a, b): (&[f32; 2], &[f32; 2])| (0..2).all(|k| (a[k] - b[k]).abs() <= POINT_TOLERANCE);
    if points.iter().zip(&SRGB_POINTS).all(is_near) {
        Primaries::Srgb
    } else {
        Primaries::Chromaticities(points)
    }
}

/// Grey samples need no primaries: grey is the same in all of them.
fn primaries_for(samples: Samples, primaries: Primaries) -> Primaries {
    if samples == Samples::Grey { Primaries::Srgb } else { primaries }
}
