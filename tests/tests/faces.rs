//! Photos for uploads: one that is fitted, and others that are refused.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use jpeg_decoder::{Decoder, PixelFormat};
use jpeg_encoder::{ColorType, Encoder};
use local_stack::workspace_root;

/// A photo as an app sends it.
#[derive(Clone)]
pub(crate) struct Photo {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: &'static str,
}

/// A photo that is fitted: a free picture that `cargo xtask models` fetches.
pub(crate) fn portrait() -> Result<Photo> {
    let path = workspace_root().join("target/pictures/grace_hopper.jpg");
    let bytes = fs::read(&path)
        .with_context(|| format!("{} is missing: run `cargo xtask models`", path.display()))?;
    Ok(Photo { bytes, content_type: "image/jpeg" })
}

/// A colour gradient without a face.
pub(crate) fn no_face() -> Result<Photo> {
    let gradient: Vec<u8> = (0..=255).flat_map(|y| (0..=255).flat_map(move |x| [90, x, y])).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 90).encode(&gradient, 256, 256, ColorType::Rgb)?;
    Ok(Photo { bytes, content_type: "image/jpeg" })
}

/// A truncated JPEG: the first third of the file.
pub(crate) fn broken() -> Result<Photo> {
    let mut photo = portrait()?;
    photo.bytes.truncate(photo.bytes.len() / 3);
    Ok(photo)
}

/// The first bytes of a HEIC file (ISO/IEC 23008-12), declared as a JPEG.
pub(crate) fn heic() -> Photo {
    let mut bytes = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    bytes.resize(4_096, 0);
    Photo { bytes, content_type: "image/jpeg" }
}

/// Decodes a JPEG and returns its width and height.
pub(crate) fn dimensions(jpeg: &[u8]) -> Result<(usize, usize)> {
    let (width, pixels) = pixels(jpeg)?;
    Ok((width, pixels.len() / 3 / width))
}

/// Decodes a JPEG and returns its width and RGB bytes.
pub(crate) fn pixels(jpeg: &[u8]) -> Result<(usize, Vec<u8>)> {
    let mut decoder = Decoder::new(jpeg);
    let pixels = decoder.decode()?;
    let info = decoder.info().context("a picture without a size")?;
    ensure!(info.pixel_format == PixelFormat::RGB24, "a work is RGB");
    Ok((usize::from(info.width), pixels))
}
