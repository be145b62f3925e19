//! Blocks upload URLs that have taken their photo ("spent"). A presigned PUT works until it expires, and S3 refuses
//! it only while an object is under its key. So an empty object, the marker, replaces a photo that was processed, and
//! stays until every URL for its key has expired.
//!
//! `CopyObject` writes the marker. The bucket notifies `synthesize` only of `ObjectCreated:Put`, so a marker triggers
//! nothing. See infra/decisions/0010.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::TaggingDirective;
use domain::{PhotoKey, UnixSeconds};

use super::Photos;
use crate::CloudError;
use crate::bucket::ListedObject;

impl Photos {
    /// The key of the empty object from which markers are copied. It is outside the photos' prefix, is created when
    /// it is missing, and expires daily like all objects of the bucket.
    pub const EMPTY_OBJECT: &str = "empty";

    /// Deletes the photo under `key` and keeps its upload URL from working again. While a URL may still work, a
    /// marker replaces the photo in one step. That deletes the photo, because the bucket keeps no versions. When no
    /// URL can work any more, the photo is simply deleted.
    ///
    /// # Errors
    /// When the bucket cannot be written. The photo may then still be there.
    pub async fn spend(&self, key: PhotoKey, now: UnixSeconds) -> Result<(), CloudError> {
        if !key.may_have_url(now) {
            return self.delete(key).await;
        }
        if self.put_marker(key).await? {
            return Ok(());
        }
        self.put_empty_object().await?;
        if self.put_marker(key).await? {
            return Ok(());
        }
        Err(CloudError::Service { operation: "CopyObject", code: "NoSuchKey".to_owned() })
    }

    /// Copies the empty object to `key`. Returns whether the empty object existed.
    async fn put_marker(&self, key: PhotoKey) -> Result<bool, CloudError> {
        let request = self.connection.s3.copy_object().bucket(&self.bucket).key(key.to_string());
        let answer = request
            .copy_source(format!("{}/{}", self.bucket, Self::EMPTY_OBJECT))
            // `Replace` copies no tags, so the function needs no permission to read tags.
            .tagging_directive(TaggingDirective::Replace)
            .send()
            .await;
        match answer {
            Ok(_stored) => Ok(true),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(false),
            Err(error) => Err(CloudError::of("CopyObject")(error)),
        }
    }

    /// Puts the empty object. It may replace the same object from another worker.
    async fn put_empty_object(&self) -> Result<(), CloudError> {
        let request = self.connection.s3.put_object().bucket(&self.bucket).key(Self::EMPTY_OBJECT);
        request
            .body(ByteStream::from_static(b""))
            .send()
            .await
            .map(|_stored| ())
            .map_err(CloudError::of("PutObject"))
    }
}

/// Tells whether this object is a marker. No photo is empty, because `uploads` admits none of 0 bytes.
pub(super) fn is_marker(object: &ListedObject) -> bool {
    object.bytes == 0 && object.key.parse::<PhotoKey>().is_ok()
}

/// Tells whether every upload URL for this key has expired.
pub(super) fn has_expired_url(object: &ListedObject, now: UnixSeconds) -> bool {
    object.key.parse::<PhotoKey>().is_ok_and(|key| !key.may_have_url(now))
}
