//! What a PNG's samples mean: the first chunk in the specification's order that can be applied.
//!
//! The PNG specification's third edition puts `cICP` before `iCCP` before `sRGB` before `gAMA` and `cHRM`
//! (section 4.3). Without any of them the samples are sRGB.

use png::{CodingIndependentCodePoints, ColorType, Info, SourceChromaticities};

use crate::colour::{Colours, Levels, Primaries, ProfileFault, Samples, Transfer};

/// What is done to each sample when it is read, and to pixels afterwards.
pub(super) type Meaning = (Option<Levels>, Colours);

/// `gAMA` of this says sRGB's curve, give or take 5 %: the specification has writers of sRGB add it for old readers, and
/// libpng and the browsers that use it see no difference within this bound.
const SRGB_GAMMA: f64 = 0.454_55;
const GAMMA_TOLERANCE: f64 = 0.05;

/// sRGB's chromaticities: white, red, green, blue; and how far rounding may lie from them.
const SRGB_POINTS: [[f32; 2]; 4] = [[0.3127, 0.3290], [0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];
const POINT_TOLERANCE: f32 = 0.001;

/// Of a file with so many different samples, by its chunks before the pixels. `has_profile` tells a profile that is not
/// there from one that could not be unpacked.
pub(super) fn meaning(info: &Info<'_>, has_profile: bool, count: usize) -> Meaning {
    let is_grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    let samples = if is_grey { Samples::Grey } else { Samples::Rgb };
    let chunks: [&dyn Fn() -> Option<Result<Meaning, ProfileFault>>; 4] = [
        &|| Some(by_code_points(info.coding_independent_code_points?, samples, count)),
        &|| match &info.icc_profile {
            Some(profile) => Some(Colours::of_deep_icc(profile, samples, count)),
            None => has_profile.then_some(Err(ProfileFault::Damaged)),
        },
        &|| info.srgb.map(|_| Ok(Meaning::default())),
        &|| by_gamma_and_points(info, samples, count),
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

/// Of `cICP`: a transfer function and primaries by number.
fn by_code_points(
    points: CodingIndependentCodePoints,
    samples: Samples,
    count: usize,
) -> Result<Meaning, ProfileFault> {
    let transfer = Transfer::from_h273(points.transfer_function).ok_or(ProfileFault::Unsupported)?;
    // A PNG has RGB or grey; whoever names another matrix, or a range with footroom, means something else.
    if points.matrix_coefficients != 0 || !points.is_video_full_range_image {
        return Err(ProfileFault::Unsupported);
    }
    Colours::of_space(transfer, of_samples(samples, Primaries::H273(points.color_primaries)), count)
}

/// Of `gAMA` and `cHRM`; sRGB's stand for what is missing.
fn by_gamma_and_points(
    info: &Info<'_>,
    samples: Samples,
    count: usize,
) -> Option<Result<Meaning, ProfileFault>> {
    if info.gama_chunk.is_none() && info.chrm_chunk.is_none() {
        return None;
    }
    let transfer = info.gama_chunk.map_or(Some(Transfer::Srgb), |gamma| by_gamma(gamma.into_value().into()));
    let Some(transfer) = transfer else { return Some(Err(ProfileFault::Damaged)) };
    let primaries = info.chrm_chunk.map_or(Primaries::Srgb, by_points);
    Some(Colours::of_space(transfer, of_samples(samples, primaries), count))
}

fn by_gamma(gamma: f64) -> Option<Transfer> {
    if gamma <= 0.0 {
        return None;
    }
    let is_srgb = (gamma / SRGB_GAMMA - 1.0).abs() < GAMMA_TOLERANCE;
    Some(if is_srgb { Transfer::Srgb } else { Transfer::Gamma(1.0 / gamma) })
}

fn by_points(chromaticities: SourceChromaticities) -> Primaries {
    let SourceChromaticities { white, red, green, blue } = chromaticities;
    let points = [white, red, green, blue].map(|(x, y)| [x.into_value(), y.into_value()]);
    let is_near = |(a, b): (&[f32; 2], &[f32; 2])| (0..2).all(|k| (a[k] - b[k]).abs() <= POINT_TOLERANCE);
    if points.iter().zip(&SRGB_POINTS).all(is_near) {
        Primaries::Srgb
    } else {
        Primaries::Chromaticities(points)
    }
}

/// A grey is as grey in any primaries.
fn of_samples(samples: Samples, primaries: Primaries) -> Primaries {
    if samples == Samples::Grey { Primaries::Srgb } else { primaries }
}
