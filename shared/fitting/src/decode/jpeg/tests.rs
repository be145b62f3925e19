//! Tests of the files that the library decodes: CMYK and 4:1:1.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::*;

const SIZE: (usize, usize) = (200, 150);

/// Soft colours that differ everywhere.
fn picture((width, height): (usize, usize)) -> Vec<u8> {
    let at = |x: usize, y: usize| [(x * 2 + y) % 250, (x + y * 3) % 250, 200 - (x * y / 9) % 150];
    let pixels = (0..width * height).flat_map(|n| at(n % width, n / width));
    pixels.map(|value| u8::try_from(value).unwrap()).collect()
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

/// A file with 4:1:1 subsampling, which the crate `jpeg` leaves to the library.
fn subsampled(size: (usize, usize), restart_interval: u16) -> Vec<u8> {
    encoded(&picture(size), size, ColorType::Rgb, |encoder| {
        encoder.set_sampling_factor(SamplingFactor::R_4_1_1);
        encoder.set_restart_interval(restart_interval);
    })
}

/// Where the header of the first scan begins.
fn scan_start(file: &[u8]) -> usize {
    file.windows(2).position(|pair| pair == [0xFF, 0xDA]).unwrap()
}

/// The file with other bytes in a place.
fn spliced(file: &[u8], place: std::ops::Range<usize>, bytes: &[u8]) -> Vec<u8> {
    [&file[..place.start], bytes, &file[place.end..]].concat()
}

fn pixels(file: &[u8]) -> Result<RgbImage, ReasonCode> {
    let whole = |mut jpeg: Jpeg<'_>| jpeg.whole(Detail::Full).map(|scaled| scaled.pixels);
    Jpeg::open(file, &Limits::default()).and_then(whole).map_err(|refusal| refusal.reason)
}

#[test]
fn the_library_decodes_unusual_subsampling_and_cmyk() {
    let size = (60, 40);
    let pixels = picture(size);
    let cmyk: Vec<u8> = pixels.as_chunks::<3>().0.iter().flat_map(|&[c, m, y]| [c, m, y, 9]).collect();
    let files = [subsampled(size, 0), encoded(&cmyk, size, ColorType::Cmyk, |_| {})];
    for file in files {
        let mut jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
        assert!(jpeg.is_decoded_by_library());
        let whole = jpeg.whole(Detail::Full).unwrap();
        let region = Region { left: 11, top: 7, width: 30, height: 20 };
        assert!(jpeg.part(1, region).unwrap().pixels.data() == whole.pixels.part(region).data());
        // Pixels four times as fine as asked for are kept, because decoding again would cost as much.
        assert_eq!(jpeg.whole(Detail::Side(7)).unwrap().pixels.width(), 8);
        assert_eq!(jpeg.pixels.as_ref().map(|(pixels, _)| pixels.width()), Some(30));
        let all = Region { left: 0, top: 0, width: 15, height: 10 };
        let part = jpeg.part(4, all).unwrap().pixels;
        let (pixels, _) = jpeg.pixels.as_ref().unwrap();
        assert!(part.data() == block_means(pixels, pixels.whole(), 2).data());
    }
}

#[test]
fn pictures_decoded_by_the_library_have_the_size_of_every_scale() {
    for size in [(4, 29), (1, 40), (40, 3), (5, 9), (33, 47)] {
        let file = subsampled(size, 0);
        for side in [1, 4, 12, 1_000] {
            let mut jpeg = Jpeg::open(&file, &Limits::default()).unwrap();
            assert!(jpeg.is_decoded_by_library());
            let whole = jpeg.whole(Detail::Side(side));
            let whole = whole.unwrap_or_else(|refusal| panic!("{size:?}, at least {side}: {refusal:?}"));
            let found = (whole.pixels.width(), whole.pixels.height());
            assert_eq!(found, jpeg.size(whole.reduction), "{size:?}, at least {side}");
        }
    }
}

/// The library refuses a file in which a restart marker is missing or has another number.
#[test]
fn the_library_requires_every_restart_marker() {
    let file = subsampled(SIZE, 2);
    assert!(pixels(&file).is_ok());
    let mark = file.windows(2).position(|pair| pair == [0xFF, 0xD3]).unwrap();
    let mut other = file.clone();
    other[mark + 1] = 0xD5;
    for file in [spliced(&file, mark..mark + 2, &[]), other] {
        assert_eq!(pixels(&file).err(), Some(ReasonCode::CorruptImage));
    }
}

#[test]
fn files_that_the_library_decodes_must_be_whole() {
    let colours = picture(SIZE);
    let cmyk: Vec<u8> = colours.as_chunks::<3>().0.iter().flat_map(|&[c, m, y]| [c, m, y, 9]).collect();
    let files = [("CMYK", encoded(&cmyk, SIZE, ColorType::Cmyk, |_| {})), ("4:1:1", subsampled(SIZE, 0))];
    for (name, file) in files {
        let end = file.len() - 2;
        let whole = pixels(&file).unwrap();
        assert!(pixels(&file[..end]).unwrap().data() == whole.data(), "{name}, no end mark");
        for length in [scan_start(&file) + 30, end / 2, end - 40] {
            for mark in [&[][..], &[0xFF, 0xD9]] {
                let cut = [&file[..length], mark].concat();
                assert_eq!(pixels(&cut).err(), Some(ReasonCode::CorruptImage), "{name}, {length} bytes");
            }
        }
    }
}
