//! From a photo's bytes to pixels, within limits, in safe Rust.

/// What a photo may cost. Everything is checked on the header, before pixels are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes.
    pub photo_bytes_max: usize,
    /// The most pixels; 48-megapixel phones must pass.
    pub pixels_max: usize,
    /// The longest side in pixels.
    pub side_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { photo_bytes_max: 32 << 20, pixels_max: 64_000_000, side_max: 16_384 }
    }
}
