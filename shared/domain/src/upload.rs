//! The request for an upload. The presigned URL is bound to the photo's type, size and digest as the app states them.

use serde::{Deserialize, Serialize};

use crate::limits::PHOTO_BYTES_MAX;
use crate::{Sha256, TemplateId};

/// Where the photo comes from. The device asks for a separate permission for each, and each needs a separate consent
/// (policy, article Two (1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoSource {
    /// Taken with the app's camera.
    Camera,
    /// Picked from the album.
    Album,
}

/// The media types that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentType {
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// WebP.
    #[serde(rename = "image/webp")]
    Webp,
}

impl ContentType {
    /// All accepted media types.
    const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    /// Returns the media type as a header spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// The body of `POST /v1/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadRequest {
    /// The template that the face goes onto.
    pub template_id: TemplateId,
    /// Camera or album.
    pub source: PhotoSource,
    /// The photo's media type as the app states it. [`Self::check`] checks whether it is accepted.
    pub content_type: String,
    /// The photo's size in bytes.
    pub content_length: u64,
    /// The photo's SHA-256, base64.
    pub sha256: Sha256,
}

/// Why an upload is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// Photos of this type are not accepted.
    #[error(
        "content_type must be image/jpeg, image/png or image/webp; an app gets a JPEG instead of HEIC from its photo \
         picker, on iOS with preferredAssetRepresentationMode .compatible, and in a browser with accept=\"image/jpeg\""
    )]
    BadFormat,
    /// The photo is empty.
    #[error("content_length is 0; send the size of the photo in bytes")]
    Empty,
    /// The photo is larger than [`PHOTO_BYTES_MAX`].
    #[error(
        "content_length is over {PHOTO_BYTES_MAX} bytes ({} MiB); reduce the photo before you send it",
        PHOTO_BYTES_MAX >> 20
    )]
    TooLarge,
}

impl UploadRequest {
    /// Checks type and size, and returns the photo's media type.
    ///
    /// # Errors
    /// When photos of this type are not accepted, or when the photo would be empty or too large.
    pub fn check(&self) -> Result<ContentType, UploadError> {
        let is_stated = |content_type: &ContentType| content_type.as_str() == self.content_type;
        let content_type = ContentType::ALL.into_iter().find(is_stated).ok_or(UploadError::BadFormat)?;
        match self.content_length {
            0 => Err(UploadError::Empty),
            1..=PHOTO_BYTES_MAX => Ok(content_type),
            _ => Err(UploadError::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, content_length: u64) -> UploadRequest {
        let body = serde_json::json!({
            "template_id": "astronaut", "source": "album", "content_type": content_type,
            "content_length": content_length, "sha256": Sha256::of(b"photo").as_base64(),
        });
        serde_json::from_value(body).expect("well formed")
    }

    #[test]
    fn an_empty_or_too_large_photo_is_refused() {
        let check = |content_length| request("image/jpeg", content_length).check();
        assert_eq!(check(0), Err(UploadError::Empty));
        assert_eq!(check(1), Ok(ContentType::Jpeg));
        assert_eq!(check(PHOTO_BYTES_MAX), Ok(ContentType::Jpeg));
        assert_eq!(check(PHOTO_BYTES_MAX + 1), Err(UploadError::TooLarge));
    }

    #[test]
    fn an_unsupported_type_has_an_error_of_its_own() {
        for content_type in ContentType::ALL {
            assert_eq!(request(content_type.as_str(), 1).check(), Ok(content_type));
            // Record and header must spell the type the same.
            assert_eq!(serde_json::to_value(content_type).expect("serialises"), content_type.as_str());
        }
        for other in
            ["image/heic", "image/heif", "image/avif", "image/gif", "image/jpg", "image/JPEG", "photo", ""]
        {
            assert_eq!(request(other, 1).check(), Err(UploadError::BadFormat), "{other}");
        }
        assert!(UploadError::BadFormat.to_string().contains("photo picker"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        // For example, an advertising identifier must not be accepted unnoticed (promise P13).
        let body = serde_json::json!({
            "template_id": "astronaut", "source": "album", "content_type": "image/jpeg",
            "content_length": 1, "sha256": Sha256::of(b"photo").as_base64(), "idfa": "x",
        });
        assert!(serde_json::from_value::<UploadRequest>(body).is_err());
    }
}
