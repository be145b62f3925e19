//! Compares profile conversion with Little CMS; tests profiles for other samples and damaged profiles.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

struct Case {
    name: String,
    samples_are: Samples,
    icc: Vec<u8>,
    samples: Vec<u8>,
    pixels: Vec<u8>,
}

/// The cases that `tests/reference/colours.py` recorded.
fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/colours.json");
    let recorded: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let bytes = |value: &serde_json::Value| -> Vec<u8> {
        let pixels = value.as_array().unwrap().iter().flat_map(|pixel| pixel.as_array().unwrap());
        pixels.map(|v| u8::try_from(v.as_u64().unwrap()).unwrap()).collect()
    };
    let case = |(name, case): (&String, &serde_json::Value)| {
        let hex = case["icc"].as_str().unwrap();
        let icc = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        let samples_are = match case["samples"][0].as_array().unwrap().len() {
            1 => Samples::Grey,
            3 => Samples::Rgb,
            _ => Samples::Cmyk,
        };
        let (samples, pixels) = (bytes(&case["samples"]), bytes(&case["pixels"]));
        Case { name: name.clone(), samples_are, icc: icc.collect(), samples, pixels }
    };
    recorded.as_object().unwrap().iter().map(case).collect()
}

/// Converts samples to sRGB pixels.
fn converted(colours: &Colours, samples: &[u8], samples_are: Samples) -> Vec<u8> {
    let mut pixels = match samples_are {
        Samples::Cmyk => return colours.rgb_from_cmyk(samples),
        Samples::Grey => samples.iter().flat_map(|&v| [v; 3]).collect(),
        Samples::Rgb => samples.to_vec(),
    };
    colours.apply(&mut pixels);
    pixels
}

fn mean_and_most(a: &[u8], b: &[u8]) -> (f64, u8) {
    assert_eq!(a.len(), b.len());
    let differences = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let sum: u32 = differences().map(u32::from).sum();
    (f64::from(sum) / a.len() as f64, differences().max().unwrap())
}

#[test]
fn profiles_are_applied_as_little_cms_applies_them() {
    for Case { name, samples_are, icc, samples, pixels } in cases() {
        let colours = Colours::of_icc(Some(&icc), samples_are);
        assert_eq!(colours.fault(), None, "{name}");
        let (mean, most) = mean_and_most(&converted(&colours, &samples, samples_are), &pixels);
        // Little CMS interpolates these coarse tables, of five points a side, in another way. Measured mean and
        // maximum: 1.52 and 9; 0.78 and 8; 0.41 and 8; 0.91 and 9; 0 and 0.
        let (mean_max, most_max) = match name.as_str() {
            "CMYK, 8-bit table" => (1.6, 9),
            "CMYK, 16-bit table" => (0.85, 8),
            "RGB, 16-bit table" | "RGB, colorimetric table only" => (0.45, 8),
            "RGB, curves, table, curves and matrix" => (1.0, 9),
            "grey, curve" => (0.0, 0),
            _ => panic!("the test has no limits for {name}"),
        };
        assert!(
            mean <= mean_max && most <= most_max,
            "{name}: differs by {mean:.2} levels in the mean, {most} at most"
        );
        let (plain, _) = mean_and_most(&converted(&Colours::default(), &samples, samples_are), &pixels);
        assert!(
            plain >= 4.0,
            "{name}: differs by only {plain:.1} levels without its profile: the case tests nothing"
        );
    }
}

#[test]
fn a_profile_for_other_samples_is_ignored_and_reported() {
    for Case { name, samples_are, icc, .. } in cases() {
        for other in [Samples::Grey, Samples::Rgb, Samples::Cmyk] {
            if other == samples_are {
                continue;
            }
            let colours = Colours::of_icc(Some(&icc), other);
            assert_eq!(colours.fault(), Some(ProfileFault::OtherSamples), "{name} for {other:?}");
            let samples = [10, 200, 30, 40, 50, 60, 250, 80, 90, 100, 110, 120];
            let plain = converted(&Colours::default(), &samples, other);
            assert_eq!(converted(&colours, &samples, other), plain, "{name} for {other:?}");
        }
    }
}

#[test]
fn a_profile_that_cannot_be_applied_is_reported() {
    let fault = |icc: &[u8], samples| Colours::of_icc(Some(icc), samples).fault();
    assert_eq!(Colours::of_icc(None, Samples::Rgb).fault(), None);
    assert_eq!(fault(b"", Samples::Rgb), Some(ProfileFault::Damaged));
    for Case { name, samples_are, icc, .. } in cases() {
        assert_eq!(fault(&icc[..100], samples_are), Some(ProfileFault::Damaged), "{name}, cut short");
        // A device link maps to another device, not to visible colours.
        let mut link = icc.clone();
        link[12..16].copy_from_slice(b"link");
        assert_eq!(fault(&link, samples_are), Some(ProfileFault::Unsupported), "{name} as a device link");
        // The tag has another name, so the profile has neither table nor curve.
        let mut empty = icc.clone();
        for at in (132..icc.len() - 4).step_by(12) {
            if icc[at..].starts_with(b"A2B") || icc[at..].starts_with(b"kTRC") {
                empty[at..at + 4].copy_from_slice(b"none");
                break;
            }
        }
        assert_eq!(fault(&empty, samples_are), Some(ProfileFault::Unsupported), "{name} without a table");
    }
}

#[test]
fn high_range_profiles_keep_the_shades_below_page_white() {
    // BT.2100 PQ by its `cicp` tag: 50 cd/m² of 203 become sRGB's level 136.
    let icc = ColorProfile::new_bt2020_pq().encode().unwrap();
    let colours = Colours::of_icc(Some(&icc), Samples::Rgb);
    assert_eq!(colours.fault(), None);
    let mut samples = vec![112; 3];
    colours.apply(&mut samples);
    assert!(samples.iter().all(|&v| v.abs_diff(136) <= 2), "{samples:?}");
}

#[test]
fn sixteen_bits_keep_the_shades_of_linear_samples() {
    let mut linear = ColorProfile::new_display_p3();
    linear.cicp = None;
    let straight = Some(ToneReprCurve::Lut(vec![]));
    (linear.red_trc, linear.green_trc, linear.blue_trc) = (straight.clone(), straight.clone(), straight);
    let (levels, colours) =
        Colours::of_deep_icc(&linear.encode().unwrap(), Samples::Rgb, 1 << 16).unwrap_or_else(|_| panic!());
    let levels = levels.unwrap();
    // A dark grey of 0.2 % of the light is sRGB's level 7; 8 linear bits would make it 0 or 13.
    let stored = 131;
    let mut pixel: Vec<u8> = (0..3).map(|channel| levels.of_channel(channel)[stored]).collect();
    colours.apply(&mut pixel);
    assert_eq!(pixel, [7, 7, 7]);
}

#[test]
fn primaries_are_converted_to_srgb() {
    let p3 = [[0.3127, 0.3290], [0.680, 0.320], [0.265, 0.690], [0.150, 0.060]];
    let by_number = Colours::of_space(Transfer::Srgb, Primaries::H273(12), 256).unwrap().1;
    let by_points = Colours::of_space(Transfer::Srgb, Primaries::Chromaticities(p3), 256).unwrap().1;
    let by_profile = Colours::of_icc(Some(&ColorProfile::new_display_p3().encode().unwrap()), Samples::Rgb);
    let samples = [200, 120, 90, 128, 128, 128, 90, 130, 70];
    let pixels = [&by_number, &by_points, &by_profile].map(|c| converted(c, &samples, Samples::Rgb));
    assert!(mean_and_most(&pixels[0], &pixels[2]).1 <= 1 && mean_and_most(&pixels[1], &pixels[2]).1 <= 1);
    assert!(pixels[0][0] > 208, "a P3 red must become redder in sRGB: {:?}", pixels[0]);
    let (levels, colours) = Colours::of_space(Transfer::Srgb, Primaries::H273(1), 256).unwrap();
    assert!(levels.is_none() && colours.conversion.is_none());
    for primaries in [
        Primaries::H273(2),
        Primaries::H273(10),
        Primaries::H273(77),
        Primaries::Chromaticities([[0.3, 0.0]; 4]),
    ] {
        assert!(Colours::of_space(Transfer::Srgb, primaries, 256).is_err(), "{primaries:?}");
    }
    let one_line = [[0.31, 0.33], [0.6, 0.3], [0.4, 0.2], [0.2, 0.1]];
    assert!(Colours::of_space(Transfer::Srgb, Primaries::Chromaticities(one_line), 256).is_err());
}

proptest! {
    /// A damaged profile is applied or ignored; it never causes a panic.
    #[test]
    fn damaged_profiles_never_panic(
        number: prop::sample::Index,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let cases = cases();
        let Case { icc, samples, samples_are, .. } = number.get(&cases);
        let mut icc = icc.clone();
        for (at, byte) in damage {
            // Damage in the header, the tags and the sizes matters most, not in the tables' values.
            let most = icc.len().min(400);
            icc[at.index(most)] = byte;
        }
        if let Some(cut) = cut {
            icc.truncate(cut.index(icc.len()));
        }
        let colours = Colours::of_icc(Some(&icc), *samples_are);
        let pixels = converted(&colours, samples, *samples_are);
        prop_assert_eq!(pixels.len() % 3, 0);
    }
}
