//! The works bucket: finished pictures and their thumbnails, encrypted, under names that the work's row implies.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier, ServerSideEncryption};
use domain::{Work, WorkObject, WorkObjectKey};
use jiff::SignedDuration;

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
        let objects = keys.map(|key| ObjectIdentifier::builder().key(key.to_string()).build());
        let objects =
            objects.collect::<Result<Vec<_>, _>>().map_err(CloudError::malformed("a list of objects"))?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(CloudError::malformed("a list of objects"))?;
        let request = self.connection.s3.delete_objects().bucket(&self.bucket).delete(delete);
        let answer = request.send().await.map_err(CloudError::of("DeleteObjects"))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                let code = error.code().unwrap_or("unknown").to_owned();
                Err(CloudError::Service { operation: "DeleteObjects", code })
            }
        }
    }
}
