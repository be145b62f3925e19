//! Tests containers that contradict their content.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "values are small by construction"
)]

use domain::ReasonCode;
use domain::limits::PHOTO_OTHER_PIXELS_MAX;
use image_webp::{ColorType, WebPEncoder};

use super::*;

const SIZE: (u32, u32) = (40, 30);

/// Returns a picture's lossless bitstream and its pixels.
fn lossless() -> (Vec<u8>, Vec<u8>) {
    let pixels: Vec<u8> = (0..40 * 30).flat_map(|n| [n % 40 * 6, n / 40 * 8, 90].map(|v| v as u8)).collect();
    let mut file = Vec::new();
    WebPEncoder::new(&mut file).encode(&pixels, SIZE.0, SIZE.1, ColorType::Rgb8).unwrap();
    let length = u32::from_le_bytes(file[16..20].try_into().unwrap()) as usize;
    (file[20..20 + length].to_vec(), pixels)
}

/// A lossy bitstream that states a size and contains almost nothing.
fn lossy(width: u16, height: u16) -> Vec<u8> {
    let mut data = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A];
    data.extend(width.to_le_bytes());
    data.extend(height.to_le_bytes());
    data.extend([0; 12]);
    data
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = Vec::new();
    put_chunk(&mut chunk, *name, content).unwrap();
    chunk
}

fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    let length = (chunks.len() as u32 + 4).to_le_bytes();
    [&b"RIFF"[..], &length, b"WEBP", &chunks].concat()
}

/// The header of the extended format.
fn extended(flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    chunk(b"VP8X", &[flags, 0, 0, 0, w0, w1, w2, h0, h1, h2])
}

/// A frame of an animation, with its position in units of two pixels.
fn frame(position: [u8; 2], (width, height): (u32, u32), bitstream: &[u8]) -> Vec<u8> {
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    let mut content = vec![position[0], 0, 0, position[1], 0, 0, w0, w1, w2, h0, h1, h2, 0, 0, 0, 0];
    content.extend(bitstream);
    chunk(b"ANMF", &content)
}

fn outcome(file: &[u8]) -> Result<RgbImage, ReasonCode> {
    decode(file, &Limits::default()).map(|decoded| decoded.pixels).map_err(|refusal| refusal.reason)
}

const ANIMATED: u8 = 1 << 1;
const WITH_EXIF: u8 = 1 << 3;
const WITH_ALPHA: u8 = 1 << 4;
const WITH_PROFILE: u8 = 1 << 5;

#[test]
fn a_bitstream_of_another_size_than_its_container_states_is_not_decoded() {
    let (small, _) = lossless();
    let large = (16_383, 16_383);
    let header = chunk(b"ANIM", &[0; 6]);
    let files = [
        ("lossy", riff(&[extended(0, SIZE), chunk(b"VP8 ", &lossy(large.0, large.1))])),
        ("lossy, smaller", riff(&[extended(0, SIZE), chunk(b"VP8 ", &lossy(20, 20))])),
        ("lossless", riff(&[extended(0, (39, 30)), chunk(b"VP8L", &small)])),
        (
            "with transparency",
            riff(&[
                extended(WITH_ALPHA, SIZE),
                chunk(b"ALPH", &[0; 9]),
                chunk(b"VP8 ", &lossy(large.0, large.1)),
            ]),
        ),
        (
            "a frame",
            riff(&[
                extended(ANIMATED, SIZE),
                header.clone(),
                frame([0, 0], SIZE, &chunk(b"VP8 ", &lossy(large.0, large.1))),
            ]),
        ),
        (
            "a frame larger than the canvas",
            riff(&[
                extended(ANIMATED, (30, 30)),
                header.clone(),
                frame([0, 0], SIZE, &chunk(b"VP8L", &small)),
            ]),
        ),
        (
            "a frame beyond the canvas",
            riff(&[extended(ANIMATED, SIZE), header, frame([1, 0], SIZE, &chunk(b"VP8L", &small))]),
        ),
    ];
    for (name, file) in files {
        let found = Picture::find(&file, &Limits::default()).map_err(|refusal| refusal.reason);
        assert_eq!(found.err(), Some(ReasonCode::CorruptImage), "{name}");
    }
}

#[test]
fn the_size_is_checked_before_anything_is_decoded() {
    let side = (PHOTO_OTHER_PIXELS_MAX as f64).sqrt() as u16;
    for (side, expected) in [(side, Ok(())), (side + 1, Err(ReasonCode::TooLarge))] {
        let data = chunk(b"VP8 ", &lossy(side, side));
        for file in [
            riff(std::slice::from_ref(&data)),
            riff(&[extended(0, (side.into(), side.into())), data.clone()]),
        ] {
            let found =
                Picture::find(&file, &Limits::default()).map(|_| ()).map_err(|refusal| refusal.reason);
            assert_eq!(found, expected, "{side}");
        }
    }
}

#[test]
fn flags_without_chunks_and_chunks_that_are_too_long_are_ignored() {
    let (bitstream, pixels) = lossless();
    let picture = chunk(b"VP8L", &bitstream);
    let mut too_long = chunk(b"EXIF", b"II*\0\x08\0\0\0");
    too_long[4] = 200;
    let files = [
        (
            "three flags without chunks",
            riff(&[extended(WITH_EXIF | WITH_PROFILE | 4, SIZE), picture.clone()]),
        ),
        ("EXIF too long", riff(&[extended(WITH_EXIF, SIZE), picture.clone(), too_long])),
        (
            "unknown chunks",
            riff(&[extended(0, SIZE), chunk(b"abcd", &[1; 5]), picture.clone(), chunk(b"efgh", &[])]),
        ),
        ("a transparency flag without transparency", riff(&[extended(WITH_ALPHA, SIZE), picture.clone()])),
        ("bytes after the end", [riff(&[picture]), vec![1, 2, 3]].concat()),
    ];
    for (name, file) in files {
        assert!(
            outcome(&file).unwrap_or_else(|reason| panic!("{name}: {reason:?}")).data() == pixels,
            "{name}"
        );
    }
}

#[test]
fn an_orientation_is_read_before_and_after_the_picture() {
    let (bitstream, _) = lossless();
    let block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let exif = chunk(b"EXIF", block);
    for chunks in [[chunk(b"VP8L", &bitstream), exif.clone()], [exif, chunk(b"VP8L", &bitstream)]] {
        let file = riff(&[extended(WITH_EXIF, SIZE), chunks.concat()]);
        let decoded = decode(&file, &Limits::default()).unwrap();
        assert!(decoded.orientation == crate::photo::Orientation::from_exif(6).unwrap());
    }
}

#[test]
fn the_first_frame_of_an_animation_is_placed_on_white() {
    let (bitstream, pixels) = lossless();
    let file = riff(&[
        extended(ANIMATED, (50, 40)),
        chunk(b"ANIM", &[0; 6]),
        frame([2, 3], SIZE, &chunk(b"VP8L", &bitstream)),
        frame([0, 0], SIZE, &chunk(b"VP8L", &bitstream[..9])),
    ]);
    let found = outcome(&file).unwrap();
    assert_eq!((found.width(), found.height()), (50, 40));
    assert_eq!([found.pixel(3, 6), found.pixel(4, 5), found.pixel(44, 30)], [[255; 3]; 3]);
    assert_eq!(found.pixel(4, 6), pixels[..3]);
    assert_eq!(found.pixel(43, 35), pixels[pixels.len() - 3..]);
}

#[test]
fn a_file_shorter_than_its_header_states_is_corrupt() {
    let (bitstream, _) = lossless();
    let whole = riff(&[chunk(b"VP8L", &bitstream)]);
    for length in [0, 11, 12, 19, 25, whole.len() / 2, whole.len() - 1] {
        assert_eq!(outcome(&whole[..length]).err(), Some(ReasonCode::CorruptImage), "{length}");
    }
    // A file whose header states its real length, with a truncated chunk.
    let half = riff(&[[&chunk(b"VP8L", &bitstream)[..40]].concat()]);
    assert_eq!(outcome(&half).err(), Some(ReasonCode::CorruptImage));
}
