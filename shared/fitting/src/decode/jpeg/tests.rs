//! The decoder beside the library, on everything an encoder can be asked for; and on damaged files.

#![expect(clippy::cast_precision_loss, reason = "sums over small pictures")]

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::*;
use crate::decode::Detail;

mod progressive;
mod reading_on;

/// Largest and mean difference from the library at full scale, in levels: both round the same values, the
/// library's transform in fixed point and its colours in other steps.
const DIFFERENCE_MAX: u8 = 3;
const DIFFERENCE_MEAN_MAX: f64 = 0.06;

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

/// A JPEG of the plain kind after its first pass at a scale.
fn opened(file: &[u8], detail: Detail) -> (Jpeg<'_>, Scaled) {
    let mut jpeg = Jpeg::open(file, &Limits::default()).unwrap();
    assert!(jpeg.header.frame.is_some(), "left to the library");
    let whole = jpeg.whole(detail).unwrap();
    (jpeg, whole)
}

fn ours(file: &[u8]) -> RgbImage {
    opened(file, Detail::Full).1.pixels
}

fn librarys(file: &[u8], size: (usize, usize)) -> RgbImage {
    library::decode(file, size, 1, Limits::default().pixels_max, None).unwrap().pixels
}

/// Largest and mean difference.
fn differences(a: &RgbImage, b: &RgbImage) -> (u8, f64) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let all = || a.data().iter().zip(b.data()).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = all().map(u64::from).sum();
    (all().max().unwrap(), sum as f64 / a.data().len() as f64)
}

fn assert_like_library(name: &str, file: &[u8], size: (usize, usize)) {
    let (max, mean) = differences(&ours(file), &librarys(file, size));
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
    let by_adobe = ours(&rgb_file(size, None));
    assert!(by_adobe.data() == ours(&named).data());
}

#[test]
fn optimised_tables_and_every_quality_are_read() {
    let size = (100, 75);
    for quality in [1, 30, 75, 100] {
        let file = encoded(&picture(size), size, ColorType::Rgb, |encoder| {
            encoder.set_quality(quality);
            encoder.set_optimized_huffman_tables(true);
        });
        let mut jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
        let (max, mean) = differences(&jpeg.whole(Detail::Full).unwrap().pixels, &librarys(&file, size));
        assert!(max <= DIFFERENCE_MAX && mean <= DIFFERENCE_MEAN_MAX, "quality {quality}: {max}, {mean:.3}");
    }
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
        let full = ours(&file);
        for reduction in [2, 4, 8] {
            let (_, small) = opened(&file, Detail::Side(320 / reduction));
            assert_eq!(small.reduction, reduction);
            let all = Region { left: 0, top: 0, width: 320, height: 240 };
            let mean = crate::resize::resized(&full, all, 320 / reduction, 240 / reduction);
            let (max, mean) = differences(&small.pixels, &mean);
            assert!(max <= 6 && mean <= 0.8, "{sampling:?} at 1/{reduction}: {max} at most, {mean:.3} mean");
        }
    }
}

#[test]
fn a_part_is_exactly_that_part_of_the_whole() {
    for sampling in SAMPLINGS {
        for (size, interval) in [((611, 83), 0), ((611, 83), 5), ((37, 300), 64)] {
            let file = subsampled(size, sampling, interval);
            let (jpeg, _) = opened(&file, Detail::Side(1));
            for reduction in [1, 2, 4, 8] {
                let (width, height) = jpeg.size(reduction);
                let all = Region { left: 0, top: 0, width, height };
                let whole = jpeg.part(reduction, all).unwrap().pixels;
                let same = opened(&file, Detail::Side(size.0.max(size.1) / reduction)).1.pixels;
                assert!(whole.data() == same.data(), "{sampling:?} at 1/{reduction}: the whole");
                for n in 0..24 {
                    let span = |size: usize, a: usize, b: usize| {
                        let first = (a * size / 7).min(size - 1);
                        (first, (1 + b * size / 11).min(size - first))
                    };
                    let ((left, width), (top, height)) =
                        (span(width, n % 7, n % 10), span(height, n % 5, n % 8));
                    let region = Region { left, top, width, height };
                    let part = jpeg.part(reduction, region).unwrap().pixels;
                    assert!(
                        part.data() == whole.part(region).data(),
                        "{sampling:?} at 1/{reduction}: {region:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_unusual_is_left_to_the_library() {
    let size = (60, 40);
    let pixels = picture(size);
    let inks: Vec<u8> = pixels.as_chunks::<3>().0.iter().flat_map(|&[c, m, y]| [c, m, y, 9]).collect();
    let files = [
        encoded(&pixels, size, ColorType::Rgb, |encoder| {
            encoder.set_sampling_factor(SamplingFactor::R_4_1_1);
        }),
        encoded(&inks, size, ColorType::Cmyk, |_| {}),
    ];
    for file in files {
        let mut jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
        assert!(jpeg.header.frame.is_none());
        let whole = jpeg.whole(Detail::Full).unwrap();
        let region = Region { left: 11, top: 7, width: 30, height: 20 };
        assert!(jpeg.part(1, region).unwrap().pixels.data() == whole.pixels.part(region).data());
        // Four times what is asked for is kept, since the next look costs as much as this one.
        assert_eq!(jpeg.whole(Detail::Side(7)).unwrap().pixels.width(), 8);
        assert_eq!(jpeg.pixels.as_ref().map(|(pixels, _)| pixels.width()), Some(30));
        let all = Region { left: 0, top: 0, width: 15, height: 10 };
        let part = jpeg.part(4, all).unwrap().pixels;
        let (pixels, _) = jpeg.pixels.as_ref().unwrap();
        assert!(part.data() == block_means(pixels, pixels.whole(), 2).data());
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
        assert!(jpeg.whole(Detail::Side(1)).is_err(), "{length} of {end} bytes");
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
            && jpeg.header.frame.is_some()
            && jpeg.whole(Detail::Side(9)).is_ok()
        {
            let (width, height) = jpeg.size(reduction);
            let region = Region { left: width / 3, top: height / 3, width: width.div_ceil(3), height: 1 };
            prop_assert!(jpeg.part(reduction, region).is_ok());
        }
    }
}
