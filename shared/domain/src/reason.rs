//! The reasons why a work fails. Records, the API and the `fit` tool share these codes.

use serde::{Deserialize, Serialize};

/// Why a work failed. All codes except `InternalError` and `UploadExpired` come from the quality gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// No face was found.
    NoFace,
    /// Several faces were found, and none is clearly the largest: another one is more than 0.7 times as large.
    MultipleFaces,
    /// The face has too few pixels to be fitted well.
    FaceTooSmall,
    /// The face is larger than the frame.
    FaceTooLarge,
    /// Part of the brows, eyes or mouth is outside the photo.
    FaceCutOff,
    /// The head is turned too far from the camera or from the template's pose.
    PoseTooLarge,
    /// The face is out of focus or blurred by motion.
    TooBlurry,
    /// The face is too dark.
    TooDark,
    /// The face is overexposed.
    TooBright,
    /// Something covers the face.
    Occluded,
    /// The file has a format that is not read, or an unusual coding: a lossless, arithmetic-coded or 12-bit JPEG.
    BadFormat,
    /// The file, or the image in it, exceeds the limits.
    TooLarge,
    /// The file is damaged.
    CorruptImage,
    /// The service failed. The photo is deleted all the same.
    InternalError,
    /// No photo arrived while the upload URL was valid.
    UploadExpired,
}

impl ReasonCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::NoFace,
        Self::MultipleFaces,
        Self::FaceTooSmall,
        Self::FaceTooLarge,
        Self::FaceCutOff,
        Self::PoseTooLarge,
        Self::TooBlurry,
        Self::TooDark,
        Self::TooBright,
        Self::Occluded,
        Self::BadFormat,
        Self::TooLarge,
        Self::CorruptImage,
        Self::InternalError,
        Self::UploadExpired,
    ];

    /// Returns the code as the API and the records spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoFace => "no_face",
            Self::MultipleFaces => "multiple_faces",
            Self::FaceTooSmall => "face_too_small",
            Self::FaceTooLarge => "face_too_large",
            Self::FaceCutOff => "face_cut_off",
            Self::PoseTooLarge => "pose_too_large",
            Self::TooBlurry => "too_blurry",
            Self::TooDark => "too_dark",
            Self::TooBright => "too_bright",
            Self::Occluded => "occluded",
            Self::BadFormat => "bad_format",
            Self::TooLarge => "too_large",
            Self::CorruptImage => "corrupt_image",
            Self::InternalError => "internal_error",
            Self::UploadExpired => "upload_expired",
        }
    }

    /// Returns one sentence that tells the user of the app what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoFace => "Take a photo in which your face is clearly visible from the front.",
            Self::MultipleFaces => "Take a photo with only your face in it, or step closer than the others.",
            Self::FaceTooSmall => "Move closer to the camera, so that your face is larger in the photo.",
            Self::FaceTooLarge => {
                "Move a little away from the camera, so that your whole head is in the photo."
            }
            Self::FaceCutOff => "Move your face to the middle of the photo, so that none of it is cut off.",
            Self::PoseTooLarge => {
                "Turn your head as the face in the picture you chose does, or choose a picture whose face looks \
                 straight ahead."
            }
            Self::TooBlurry => "Hold the camera still, wipe its lens and let it focus on your face.",
            Self::TooDark => "Turn towards a window or a lamp, so that your face is brighter.",
            Self::TooBright => "Step out of the direct light, so that your face is less bright.",
            Self::Occluded => "Take away what covers your face, such as a hand, a mask or sunglasses.",
            Self::BadFormat => {
                "Choose an ordinary JPEG, PNG or WebP photo; the app gets an ordinary JPEG instead of HEIC or of an \
                 unusual JPEG when it asks its photo picker for the compatible format."
            }
            Self::TooLarge => {
                "Choose a smaller photo, or let the app reduce it to at most 32 MiB, 16,384 pixels a side and 202 \
                 megapixels as a JPEG, 65 as a PNG or 25 as a WebP before it is sent."
            }
            Self::CorruptImage => "The photo arrived damaged; choose it again or take a new one.",
            Self::InternalError => "Something went wrong on our side; please send the photo again.",
            Self::UploadExpired => "The photo did not arrive in time; please start again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{
        PHOTO_BYTES_MAX, PHOTO_OTHER_PIXELS_MAX, PHOTO_PIXELS_MAX, PHOTO_PNG_PIXELS_MAX, PHOTO_SIDE_MAX,
    };

    #[test]
    fn a_code_is_spelled_the_same_in_code_and_records() {
        for code in ReasonCode::ALL {
            assert_eq!(serde_json::to_value(code).expect("serialises"), code.as_str());
        }
    }

    #[test]
    fn the_advice_states_the_current_limits() {
        let advice = ReasonCode::TooLarge.advice();
        assert_eq!((PHOTO_BYTES_MAX, PHOTO_SIDE_MAX), (32 << 20, 16_384));
        assert!(advice.contains("at most 32 MiB, 16,384 pixels a side"), "{advice}");
        for (pixels, format) in [
            (PHOTO_PIXELS_MAX, " megapixels as a JPEG"),
            (PHOTO_PNG_PIXELS_MAX, " as a PNG"),
            (PHOTO_OTHER_PIXELS_MAX, " as a WebP"),
        ] {
            assert_eq!(pixels % 1_000_000, 0);
            assert!(advice.contains(&format!(" {}{format}", pixels / 1_000_000)), "{advice}");
        }
    }

    #[test]
    fn advice_is_one_sentence() {
        for code in ReasonCode::ALL {
            let advice = code.advice();
            assert!(advice.ends_with('.') && advice.matches(". ").count() == 0, "{advice}");
        }
    }
}
