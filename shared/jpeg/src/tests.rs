//! Compares the decoder with `jpeg-decoder` on every kind of file that an encoder writes; and decodes damaged files.

#![expect(clippy::cast_precision_loss, reason = "sums over small pictures")]

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;

mod progressive;
mod reading_on;

/// Largest and mean difference from the library at full scale, in levels: both round the same values, the
/// library's transform in fixed point and its colours in other steps.
const DIFFERENCE_MAX: u8 = 3;
/// At quality 30 the mean is .065; without it .06 is enough.
const DIFFERENCE_MEAN_MAX: f64 = 0.08;

const SAMPLINGS: [SamplingFactor; 4] =
    [SamplingFactor::R_4_4_4, SamplingFactor::R_4_2_2, SamplingFactor::R_4_4_0, SamplingFactor::R_4_2_0];
const SIZES: [(usize, usize); 8] =
    [(1, 1), (2, 3), (7, 9), (16, 16), (17, 33), (100, 75), (131, 64), (300, 41)];

/// Soft colours that differ everywhere, some edges, and a little noise.
fn picture((width, height): (usize, usize)) -> Vec<u8> {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 28).unwrap()
    };
    let at = |x: usize, y: usize, noise: usize| {
        let edge = if (x / 23 + y / 17).is_multiple_of(2) { 60 } else { 0 };
        [(x * 2 + y) % 160 + edge + noise, (x + y * 3) % 140 + edge + noise, 200 - (x * y / 9) % 150 + noise]
    };
    let pixels = (0..width * height).flat_map(|n| at(n % width, n / width, noise()));
    pixels.map(|value| u8::try_from(value.min(255)).unwrap()).collect()
}

fn encoded(
    samples: &[u8],
    (width, height): (usize, usize),
    colours: ColorType,
    set_up: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    set_up(&mut encoder);
    let side = |side: usize| u16::try_from(side).unwrap();
    encoder.encode(samples, side(width), side(height), colours).unwrap();
    bytes
}

fn subsampled(size: (usize, usize), sampling: SamplingFactor, interval: u16) -> Vec<u8> {
    encoded(&picture(size), size, ColorType::Rgb, |encoder| {
        encoder.set_sampling_factor(sampling);
        encoder.set_restart_interval(interval);
    })
}

/// Where the header of the first scan begins.
fn scan_start(file: &[u8]) -> usize {
    let mut at = 2;
    loop {
        let (marker, content, next) = markers::segment(file, at).unwrap();
        if marker == markers::SCAN {
            return next - content.len() - 4;
        }
        at = next;
    }
}

/// A supported file after its first pass at a reduction.
fn opened(file: &[u8], reduction: usize) -> (Jpeg<'_>, Picture) {
    let mut jpeg = Jpeg::open(file, &Limits::default()).unwrap();
    assert_eq!(jpeg.coding(), Coding::Supported);
    let whole = jpeg.decode(reduction).unwrap();
    (jpeg, whole)
}

fn decoded(file: &[u8]) -> Picture {
    opened(file, 1).1
}

/// A copy of a region.
fn part(picture: &Picture, region: Region) -> Vec<u8> {
    let rows = picture.data().chunks_exact(picture.width() * 3).skip(region.top).take(region.height);
    rows.flat_map(|row| &row[region.left * 3..(region.left + region.width) * 3]).copied().collect()
}

/// The samples that the library decodes, three for each pixel.
fn decoded_by_library(file: &[u8]) -> Vec<u8> {
    let mut decoder = jpeg_decoder::Decoder::new(file);
    let samples = decoder.decode().unwrap();
    match decoder.info().unwrap().pixel_format {
        jpeg_decoder::PixelFormat::L8 => samples.iter().flat_map(|&sample| [sample; 3]).collect(),
        _ => samples,
    }
}

/// The means of blocks of `block` × `block` pixels, which divide the picture.
fn block_means(picture: &Picture, block: usize) -> Vec<u8> {
    let mut means = Vec::new();
    for top in (0..picture.height()).step_by(block) {
        for left in (0..picture.width()).step_by(block) {
            let pixels = part(picture, Region { left, top, width: block, height: block });
            for channel in 0..3 {
                let sum: usize =
                    pixels.iter().skip(channel).step_by(3).map(|&sample| usize::from(sample)).sum();
                means.push(u8::try_from((sum + block * block / 2) / (block * block)).unwrap());
            }
        }
    }
    means
}

/// Largest and mean difference.
fn differences(a: &[u8], b: &[u8]) -> (u8, f64) {
    assert_eq!(a.len(), b.len());
    let all = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = all().map(u64::from).sum();
    (all().max().unwrap(), sum as f64 / a.len() as f64)
}

fn assert_like_library(name: &str, file: &[u8], size: (usize, usize)) {
    let (max, mean) = differences(decoded(file).data(), &decoded_by_library(file));
    // A mean over a handful of samples says nothing.
    let is_like = max <= DIFFERENCE_MAX && (mean <= DIFFERENCE_MEAN_MAX || size.0 * size.1 < 500);
    assert!(is_like, "{name} {size:?}: {max} at most, {mean:.3} mean");
}

#[test]
fn every_sampling_size_and_restart_interval_gives_what_the_library_gives() {
    for sampling in SAMPLINGS {
        for interval in [0, 1, 3, 64] {
            for size in SIZES {
                let name = format!("{sampling:?}, restart interval {interval}");
                assert_like_library(&name, &subsampled(size, sampling, interval), size);
            }
        }
    }
}

#[test]
fn grey_gives_what_the_library_gives() {
    for size in SIZES {
        let grey: Vec<u8> = picture(size).iter().step_by(3).copied().collect();
        assert_like_library("grey", &encoded(&grey, size, ColorType::Luma, |_| {}), size);
    }
}

/// A JPEG of components that are no YCbCr, with an Adobe segment that says so or their names.
fn rgb_file(size: (usize, usize), names: Option<&[u8; 3]>) -> Vec<u8> {
    let mut file = encoded(&picture(size), size, ColorType::Ycbcr, |_| {});
    let start = |marker: u8| file.windows(2).position(|pair| pair == [0xFF, marker]).unwrap();
    let (frame, scan) = (start(0xC0), start(0xDA));
    for (n, &name) in names.into_iter().flatten().enumerate() {
        file[frame + 10 + 3 * n] = name;
        file[scan + 5 + 2 * n] = name;
    }
    // Instead of the JFIF segment of 18 bytes, which would say the contrary.
    let adobe = &b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0"[..];
    file.splice(2..20, if names.is_some() { &[] } else { adobe }.iter().copied());
    file
}

#[test]
fn rgb_is_not_converted() {
    let size = (100, 75);
    let named = rgb_file(size, Some(b"RGB"));
    assert_like_library("RGB by name", &named, size);
    let by_adobe = decoded(&rgb_file(size, None));
    assert!(by_adobe.data() == decoded(&named).data());
}

#[test]
fn every_quality_is_read() {
    let size = (100, 75);
    for quality in [1, 30, 75, 100] {
        let file = encoded(&picture(size), size, ColorType::Rgb, |encoder| encoder.set_quality(quality));
        let (max, mean) = differences(decoded(&file).data(), &decoded_by_library(&file));
        assert!(max <= DIFFERENCE_MAX && mean <= DIFFERENCE_MEAN_MAX, "quality {quality}: {max}, {mean:.3}");
    }
}

/// The encoder writes a file with optimised tables as progressive scans or as one sequential scan of each component.
#[test]
fn optimised_tables_are_read() {
    let size = (100, 75);
    let optimised = |is_progressive: bool| {
        encoded(&picture(size), size, ColorType::Rgb, |encoder| {
            encoder.set_optimized_huffman_tables(true);
            encoder.set_progressive(is_progressive);
        })
    };
    let file = optimised(true);
    let (max, mean) = differences(decoded(&file).data(), &decoded_by_library(&file));
    assert!(max <= DIFFERENCE_MAX && mean <= DIFFERENCE_MEAN_MAX, "{max}, {mean:.3}");
    let file = optimised(false);
    let coding = Jpeg::open(&file, &Limits::default()).unwrap().coding();
    assert_eq!(coding, Coding::Other { samples: 3 * 100 * 75, is_whole: true });
}

/// A region outside the picture and a reduction that the format does not have are refused.
#[test]
fn impossible_requests_are_refused() {
    let file = subsampled((30, 20), SamplingFactor::R_4_2_0, 0);
    let mut jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
    let all = Region { left: 0, top: 0, width: 30, height: 20 };
    assert_eq!(jpeg.decode_region(1, all).err(), Some(Error::Unsupported), "before the first pass");
    assert_eq!(jpeg.decode(3).err(), Some(Error::Unsupported));
    jpeg.decode(8).unwrap();
    assert!(jpeg.decode_region(1, all).is_ok());
    for region in [Region { left: 1, ..all }, Region { top: usize::MAX, ..all }, Region { height: 0, ..all }]
    {
        assert_eq!(jpeg.decode_region(1, region).err(), Some(Error::Unsupported), "{region:?}");
    }
}

/// Limits are checked on the headers.
#[test]
fn files_over_the_limits_are_refused() {
    let file = subsampled((30, 20), SamplingFactor::R_4_2_0, 0);
    let open = |limits: Limits| Jpeg::open(&file, &limits).err();
    let limits = Limits { pixels_max: 600, side_max: 30 };
    assert_eq!(open(limits), None);
    assert_eq!(open(Limits { side_max: 29, ..limits }), Some(Error::TooLarge { measured: 30, limit: 29 }));
    assert_eq!(
        open(Limits { pixels_max: 599, ..limits }),
        Some(Error::TooLarge { measured: 600, limit: 599 })
    );
}

#[test]
fn a_reduced_picture_is_the_mean_of_the_full_one() {
    // Without edges and noise, so that a mean is what a good reduction gives.
    let size = (320, 240);
    let smooth = (0..320 * 240).flat_map(|n| {
        let (x, y) = (n % 320, n / 320);
        [x * 200 / 320, 30 + y * 200 / 240, 128 + (x + y) * 100 / 560].map(|v| u8::try_from(v).unwrap())
    });
    let smooth: Vec<u8> = smooth.collect();
    for sampling in SAMPLINGS {
        let file = encoded(&smooth, size, ColorType::Rgb, |encoder| encoder.set_sampling_factor(sampling));
        let full = decoded(&file);
        for reduction in [2, 4, 8] {
            let (_, small) = opened(&file, reduction);
            assert_eq!((small.width(), small.height()), (320 / reduction, 240 / reduction));
            let (max, mean) = differences(small.data(), &block_means(&full, reduction));
            assert!(max <= 6 && mean <= 0.8, "{sampling:?} at 1/{reduction}: {max} at most, {mean:.3} mean");
        }
    }
}

#[test]
fn a_part_is_exactly_that_part_of_the_whole() {
    for sampling in SAMPLINGS {
        for (size, interval) in [((611, 83), 0), ((611, 83), 5), ((37, 300), 64)] {
            let file = subsampled(size, sampling, interval);
            let (jpeg, _) = opened(&file, 8);
            for reduction in [1, 2, 4, 8] {
                let (width, height) = jpeg.reduced_size(reduction);
                let all = Region { left: 0, top: 0, width, height };
                let whole = jpeg.decode_region(reduction, all).unwrap();
                let same = opened(&file, reduction).1;
                assert!(whole.data() == same.data(), "{sampling:?} at 1/{reduction}: the whole");
                for n in 0..24 {
                    let span = |size: usize, a: usize, b: usize| {
                        let first = (a * size / 7).min(size - 1);
                        (first, (1 + b * size / 11).min(size - first))
                    };
                    let ((left, width), (top, height)) =
                        (span(width, n % 7, n % 10), span(height, n % 5, n % 8));
                    let region = Region { left, top, width, height };
                    let decoded = jpeg.decode_region(reduction, region).unwrap();
                    assert!(
                        decoded.data() == part(&whole, region),
                        "{sampling:?} at 1/{reduction}: {region:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn data_that_ends_early_is_corrupt() {
    let file = subsampled((200, 150), SamplingFactor::R_4_2_0, 4);
    let end = file.len() - 2;
    let scan = scan_start(&file);
    for length in [scan + 20, (scan + end) / 2, end - 40] {
        let mut cut = file[..length].to_vec();
        cut.extend([0xFF, 0xD9]);
        let mut jpeg = Jpeg::open(&cut, &Limits::default()).unwrap();
        assert!(jpeg.decode(8).is_err(), "{length} of {end} bytes");
    }
}

proptest! {
    /// A damaged file is decoded or refused, and a part of it no differently from the whole.
    #[test]
    fn damage_never_panics(
        sampling in 0_usize..4,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        reduction in prop::sample::select(vec![1_usize, 2, 4]),
    ) {
        let mut file = subsampled((90, 70), SAMPLINGS[sampling], 3);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let limits = Limits { pixels_max: 100_000, ..Limits::default() };
        if let Ok(mut jpeg) = Jpeg::open(&file, &limits)
            && jpeg.coding() == Coding::Supported
            && jpeg.decode(8).is_ok()
        {
            let (width, height) = jpeg.reduced_size(reduction);
            let region = Region { left: width / 3, top: height / 3, width: width.div_ceil(3), height: 1 };
            prop_assert!(jpeg.decode_region(reduction, region).is_ok());
        }
    }
}

/// A file of many small segments costs no memory for each of them, and its first EXIF segments count.
#[test]
fn segments_beyond_the_first_are_dropped() {
    let file = subsampled((30, 20), SamplingFactor::R_4_2_0, 0);
    let exif: Vec<u8> = (0..200).flat_map(|n| [&b"\xFF\xE1\0\x09Exif\0\0"[..], &[n]].concat()).collect();
    let parts = b"\xFF\xE2\0\x10ICC_PROFILE\0\x01\x01".repeat(300);
    let file = [&file[..2], &exif, &parts, &file[2..]].concat();
    let jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
    assert!(jpeg.exif().iter().copied().eq((0..16).map(|n| &exif[11 * n + 10..11 * n + 11])));
    assert_eq!(jpeg.icc_profile(), Some(&[][..]), "doubled parts are damaged");
}
