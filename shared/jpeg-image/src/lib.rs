//! The `image` crate's `ImageDecoder` for the crate `jpeg`. It is a crate of its own, because cargo unifies features: as a
//! feature of `jpeg` it would link `image` into the functions.

use image::error::{
    DecodingError, ImageFormatHint, LimitError, LimitErrorKind, UnsupportedError, UnsupportedErrorKind,
};
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult};
use jpeg::{Coding, Error, Jpeg, Limits};

/// Decodes a JPEG file at full scale for the `image` crate: `L8` for grey files, `Rgb8` for all others.
///
/// The `image` crate's own buffers are not wiped.
pub struct Decoder<'a> {
    jpeg: Jpeg<'a>,
}

impl<'a> Decoder<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// As [`Jpeg::open`]; `Unsupported` for [`Coding::Other`].
    pub fn new(file: &'a [u8], limits: &Limits) -> ImageResult<Self> {
        let jpeg = Jpeg::open(file, limits).map_err(image_error)?;
        if jpeg.coding() == Coding::Supported {
            Ok(Self { jpeg })
        } else {
            Err(image_error(Error::Unsupported))
        }
    }
}

impl ImageDecoder for Decoder<'_> {
    fn dimensions(&self) -> (u32, u32) {
        // A JPEG header states sides of 16 bits.
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let (width, height) = self.jpeg.size();
        (side(width), side(height))
    }

    fn color_type(&self) -> ColorType {
        if self.jpeg.is_grey() { ColorType::L8 } else { ColorType::Rgb8 }
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.jpeg.icc_profile().map(<[u8]>::to_vec))
    }

    fn exif_metadata(&mut self) -> ImageResult<Option<Vec<u8>>> {
        Ok(self.jpeg.exif().first().map(|block| block.to_vec()))
    }

    /// Fills `buf`, which must have [`ImageDecoder::total_bytes`] bytes; panics otherwise, as the trait asks.
    fn read_image(mut self, buf: &mut [u8]) -> ImageResult<()> {
        let picture = self.jpeg.decode(1).map_err(image_error)?;
        if self.jpeg.is_grey() {
            let samples = picture.data().iter().copied().step_by(3);
            assert_eq!(buf.len(), samples.len(), "the buffer has another size than the image");
            buf.iter_mut().zip(samples).for_each(|(to, sample)| *to = sample);
        } else {
            buf.copy_from_slice(picture.data());
        }
        Ok(())
    }

    fn read_image_boxed(self: Box<Self>, buf: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buf)
    }
}

fn image_error(error: Error) -> ImageError {
    let format = || ImageFormatHint::Exact(ImageFormat::Jpeg);
    match error {
        Error::Corrupt => ImageError::Decoding(DecodingError::new(format(), error)),
        Error::Unsupported => ImageError::Unsupported(UnsupportedError::from_format_and_kind(
            format(),
            UnsupportedErrorKind::GenericFeature("the coding of this JPEG file".to_owned()),
        )),
        Error::TooLarge { .. } => ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)),
    }
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;
    use jpeg_encoder::{ColorType as Samples, Encoder};

    use super::*;

    fn encoded(samples: &[u8], colours: Samples) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.add_icc_profile(b"profile").unwrap();
        encoder.encode(samples, 16, 8, colours).unwrap();
        bytes
    }

    #[test]
    fn the_image_crate_reads_what_this_crate_decodes() {
        let grey: Vec<u8> = (0..128).collect();
        let colours: Vec<u8> = grey.iter().flat_map(|&v| [v, 200, 255 - v]).collect();
        for (file, color_type) in [
            (encoded(&grey, Samples::Luma), ColorType::L8),
            (encoded(&colours, Samples::Rgb), ColorType::Rgb8),
        ] {
            let mut decoder = Decoder::new(&file, &Limits::default()).unwrap();
            assert_eq!((decoder.dimensions(), decoder.color_type()), ((16, 8), color_type));
            assert_eq!(decoder.icc_profile().unwrap().as_deref(), Some(&b"profile"[..]));
            let image = DynamicImage::from_decoder(decoder).unwrap();
            let own = Jpeg::open(&file, &Limits::default()).unwrap().decode(1).unwrap();
            assert_eq!(image.color(), color_type);
            assert!(image.to_rgb8().as_raw()[..] == *own.data());
        }
    }

    #[test]
    fn errors_keep_their_kind() {
        let file = encoded(&[128; 128], Samples::Luma);
        let small = Limits { side_max: 8, ..Limits::default() };
        assert!(matches!(Decoder::new(&file, &small), Err(ImageError::Limits(_))));
        assert!(matches!(Decoder::new(&file[..40], &Limits::default()), Err(ImageError::Decoding(_))));
        let cmyk = encoded(&[7; 512], Samples::Cmyk);
        assert!(matches!(Decoder::new(&cmyk, &Limits::default()), Err(ImageError::Unsupported(_))));
    }
}
