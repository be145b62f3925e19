//! What an app says about the photo it is going to upload. The presigned URL is bound to every word of it.

use serde::{Deserialize, Serialize};

use crate::limits::PHOTO_BYTES_MAX;
use crate::{Sha256, TemplateId};

/// Where the photo comes from: two permissions of the device, two consents (policy, article Two (1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoSource {
    /// Taken with the app's camera.
    Camera,
    /// Picked from the album.
    Album,
}

/// The media types that are read.
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
    /// The media type as a header carries it.
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
    /// The template the face is to be applied to.
    pub template_id: TemplateId,
    /// Camera or album.
    pub source: PhotoSource,
    /// The photo's media type.
    pub content_type: ContentType,
    /// The photo's size in bytes.
    pub content_length: u64,
    /// The photo's SHA-256, base64.
    pub sha256: Sha256,
}

/// Why an upload is not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// There is nothing to upload.
    #[error("content_length is 0; send the size of the photo in bytes")]
    Empty,
    /// The photo is larger than [`PHOTO_BYTES_MAX`].
    #[error(
        "content_length is over {PHOTO_BYTES_MAX} bytes ({} MiB); reduce the photo before it is sent",
        PHOTO_BYTES_MAX >> 20
    )]
    TooLarge,
}

impl UploadRequest {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// When the photo would be empty or too large.
    pub fn check(&self) -> Result<(), UploadError> {
        match self.content_length {
            0 => Err(UploadError::Empty),
            1..=PHOTO_BYTES_MAX => Ok(()),
            _ => Err(UploadError::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_length: u64) -> UploadRequest {
        let body = serde_json::json!({
            "template_id": "astronaut", "source": "album", "content_type": "image/jpeg",
            "content_length": content_length, "sha256": Sha256::of(b"photo").as_base64(),
        });
        serde_json::from_value(body).expect("well formed")
    }

    #[test]
    fn the_size_is_bounded_on_both_sides() {
        assert_eq!(request(0).check(), Err(UploadError::Empty));
        assert_eq!(request(1).check(), Ok(()));
        assert_eq!(request(PHOTO_BYTES_MAX).check(), Ok(()));
        assert_eq!(request(PHOTO_BYTES_MAX + 1).check(), Err(UploadError::TooLarge));
    }

    #[test]
    fn an_unknown_field_is_refused_rather_than_ignored() {
        // An advertising identifier, say, must not slip in unseen (promise P13).
        let body = serde_json::json!({
            "template_id": "astronaut", "source": "album", "content_type": "image/jpeg",
            "content_length": 1, "sha256": Sha256::of(b"photo").as_base64(), "idfa": "x",
        });
        assert!(serde_json::from_value::<UploadRequest>(body).is_err());
    }
}
