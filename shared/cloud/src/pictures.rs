//! The works bucket: finished pictures and their thumbnails, encrypted, under names that the work's row implies.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use domain::{SubjectId, UnixSeconds, Work, WorkObject, WorkObjectKey};
use jiff::SignedDuration;

use crate::bucket::{self, ListedObjects};
use crate::photos::presigning;
use crate::{CloudError, Connection};

/// The works bucket.
#[derive(Debug, Clone)]
pub struct Pictures {
    connection: Connection,
    bucket: String,
}

/// A URL under which one object can be fetched for a while.
pub struct PresignedDownload {
    /// The URL; told to its owner and nobody else, and never stored.
    pub url: String,
}

impl Pictures {
    /// The pictures in `bucket`.
    pub fn new(connection: &Connection, bucket: String) -> Self {
        Self { connection: connection.clone(), bucket }
    }

    /// Stores one object of a work, encrypted under `storage_key`.
    ///
    /// # Errors
    /// When the bucket cannot be written.
    pub async fn put(&self, key: WorkObjectKey, jpeg: Vec<u8>, storage_key: &str) -> Result<(), CloudError> {
        let request = self.connection.s3.put_object().bucket(&self.bucket).key(key.to_string());
        request
            .content_type("image/jpeg")
            .cache_control("no-store")
            .server_side_encryption(ServerSideEncryption::AwsKms)
            .ssekms_key_id(storage_key)
            .body(ByteStream::from(jpeg))
            .send()
            .await
            .map(|_stored| ())
            .map_err(CloudError::of("PutObject"))
    }

    /// A URL for one object, valid for `valid_for`.
    ///
    /// # Errors
    /// When the URL cannot be signed.
    pub async fn presign(
        &self,
        key: WorkObjectKey,
        valid_for: SignedDuration,
    ) -> Result<PresignedDownload, CloudError> {
        let request = self.connection.s3.get_object().bucket(&self.bucket).key(key.to_string());
        let request = request.response_cache_control("no-store");
        let presigned =
            request.presigned(presigning(valid_for)?).await.map_err(CloudError::of("presign GetObject"))?;
        Ok(PresignedDownload { url: presigned.uri().to_owned() })
    }

    /// Deletes what the attempts 1 to `attempts` of a work may have stored; it is no error if there is nothing.
    ///
    /// # Errors
    /// When any of it cannot be deleted.
    pub async fn delete(&self, work: &Work, attempts: u32) -> Result<(), CloudError> {
        if attempts == 0 {
            return Ok(());
        }
        let keys =
            (1..=attempts).flat_map(|attempt| WorkObject::ALL.map(|object| work.object_key(attempt, object)));
        let keys: Vec<_> = keys.map(|key| key.to_string()).collect();
        bucket::delete(&self.connection, &self.bucket, &keys).await
    }

    /// The keys of everything a subject has here.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn keys_of(&self, subject: SubjectId) -> Result<Vec<String>, CloudError> {
        bucket::keys_below(&self.connection, &self.bucket, &WorkObjectKey::prefix(subject)).await
    }

    /// One page of everything in the bucket, whatever its key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn everything(&self, after: Option<&str>) -> Result<ListedObjects, CloudError> {
        bucket::page(&self.connection, &self.bucket, None, after).await
    }

    /// How many uploads in parts were begun at or before `cutoff` and never ended.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn incomplete_uploads(&self, cutoff: UnixSeconds) -> Result<usize, CloudError> {
        bucket::incomplete_uploads(&self.connection, &self.bucket, cutoff).await
    }

    /// Whether the picture of a ready work is there.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn exists(&self, work: &Work) -> Result<bool, CloudError> {
        self.is_there(&work.object_key(work.attempt(), WorkObject::Picture).to_string()).await
    }

    /// Whether there is an object under this key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn is_there(&self, key: &str) -> Result<bool, CloudError> {
        let keys = bucket::keys_below(&self.connection, &self.bucket, key).await?;
        Ok(keys.iter().any(|found| found == key))
    }

    /// Deletes these objects; it is no error if any is gone.
    ///
    /// # Errors
    /// When any of them cannot be deleted.
    pub async fn delete_keys(&self, keys: &[String]) -> Result<(), CloudError> {
        bucket::delete(&self.connection, &self.bucket, keys).await
    }
}
