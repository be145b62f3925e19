//! Spent upload URLs. A presigned PUT works until it expires, and S3 refuses it only while an object lies under its key.
//! So an empty object, the marker, takes the place of a photo that is done with, until no URL for its key can work.
//!
//! The marker is written by `CopyObject`, because the bucket tells `synthesize` of `ObjectCreated:Put` alone: a marker
//! starts nothing. See infra/decisions/0010.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::TaggingDirective;
use domain::{PhotoKey, UnixSeconds};

use super::Photos;
use crate::CloudError;
use crate::bucket::ListedObject;

impl Photos {
    /// The key of the empty object that markers are copies of. It lies outside of the photos' prefix, is made when it is
    /// missing, and expires daily like everything in the bucket.
    pub const EMPTY_OBJECT: &str = "empty";

    /// Takes away whatever lies under `key` and keeps its upload URL from working again. While a URL may work, a marker
    /// replaces the photo in one step, which deletes the photo: the bucket keeps no versions. Later it is deleted.
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

    /// Copies the empty object to `key`; whether there was one to copy.
    async fn put_marker(&self, key: PhotoKey) -> Result<bool, CloudError> {
        let request = self.connection.s3.copy_object().bucket(&self.bucket).key(key.to_string());
        let answer = request
            .copy_source(format!("{}/{}", self.bucket, Self::EMPTY_OBJECT))
            // Copying no tags needs no right to read any.
            .tagging_directive(TaggingDirective::Replace)
            .send()
            .await;
        match answer {
            Ok(_stored) => Ok(true),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(false),
            Err(error) => Err(CloudError::of("CopyObject")(error)),
        }
    }

    /// Puts the empty object. It may replace another worker's, which is the same.
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

/// Whether this is a marker. No photo is empty: `uploads` admits none of 0 bytes.
pub(super) fn is_marker(object: &ListedObject) -> bool {
    object.bytes == 0 && object.key.parse::<PhotoKey>().is_ok()
}

/// Whether no upload URL for this key works any more.
pub(super) fn has_expired_url(object: &ListedObject, now: UnixSeconds) -> bool {
    object.key.parse::<PhotoKey>().is_ok_and(|key| !key.may_have_url(now))
}
