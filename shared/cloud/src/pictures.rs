//! The works bucket: finished pictures and their thumbnails, encrypted. The row of a work determines their keys.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use domain::{SubjectId, UnixSeconds, Work, WorkObject, WorkObjectKey};
use jiff::SignedDuration;

use crate::bucket::{self, ListedObjects, Undeleted};
use crate::photos::presigning;
use crate::{CloudError, Connection};

/// The works bucket.
#[derive(Debug, Clone)]
pub struct Pictures {
    connection: Connection,
    bucket: String,
}

/// A URL from which one object can be fetched for a limited time.
pub struct PresignedDownload {
    /// The URL. It is sent only to the work's owner and never stored.
    pub url: String,
}

/// A part of the works bucket: the objects of all subjects whose ids begin with the same two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureShard(u16);

impl PictureShard {
    /// The number of shards. The first character of a subject's id is one of 8, the second is one of 32.
    pub const COUNT: u16 = 8 * 32;

    /// Returns the shard of this number, from 0; `None` beyond the last.
    pub fn of(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// Returns the shard of a subject.
    pub fn of_subject(subject: SubjectId) -> Self {
        // 26 characters of 5 bits have room for 130 bits, and an id has 128. So the first character holds 3 bits.
        Self(u16::try_from(subject.to_bits() >> (128 - 8)).unwrap_or(0))
    }

    /// Returns the shard's number.
    pub fn number(self) -> u16 {
        self.0
    }

    fn prefix(self) -> String {
        // An id's first eight bits determine its first two characters.
        let first = SubjectId::from_random(u128::from(self.0) << (128 - 8)).to_string();
        format!("{}{}", WorkObjectKey::PREFIX, &first[..2])
    }
}

impl Pictures {
    /// Creates the store of the pictures in `bucket`.
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

    /// Signs a URL for one object, valid for `valid_for`.
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

    /// Deletes all objects that the attempts 1 to `attempts` of a work may have stored. A missing object is not an
    /// error.
    ///
    /// # Errors
    /// When an object cannot be deleted.
    pub async fn delete(&self, work: &Work, attempts: u32) -> Result<(), CloudError> {
        bucket::delete(&self.connection, &self.bucket, &keys_of_attempts(work, attempts)).await
    }

    /// Deletes all objects that any attempt of these works may have stored. Returns those that S3 did not delete.
    pub(crate) async fn delete_of_works(&self, works: &[Work]) -> Result<Vec<Undeleted>, CloudError> {
        let keys: Vec<_> = works.iter().flat_map(|work| keys_of_attempts(work, work.attempt())).collect();
        bucket::delete_each(&self.connection, &self.bucket, &keys).await
    }

    /// Deletes up to a thousand objects of a subject. Returns their number.
    ///
    /// # Errors
    /// When the bucket cannot be listed or written.
    pub async fn delete_first_page(&self, subject: SubjectId) -> Result<usize, CloudError> {
        let prefix = WorkObjectKey::prefix(subject);
        Ok(bucket::delete_page(&self.connection, &self.bucket, &prefix).await?.len())
    }

    /// Lists the keys of one shard's pictures, without thumbnails. Each shard holds about the same number of
    /// subjects.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn shard(&self, shard: PictureShard) -> Result<Vec<WorkObjectKey>, CloudError> {
        let (mut keys, mut after) = (Vec::new(), None);
        loop {
            let page =
                bucket::page(&self.connection, &self.bucket, Some(&shard.prefix()), after.as_deref()).await?;
            let pictures = page.objects.iter().filter_map(|object| object.key.parse::<WorkObjectKey>().ok());
            keys.extend(pictures.filter(|key| key.object == WorkObject::Picture));
            after = page.next;
            if after.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Lists the keys of all objects of a subject.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn keys_of(&self, subject: SubjectId) -> Result<Vec<String>, CloudError> {
        bucket::keys_with_prefix(&self.connection, &self.bucket, &WorkObjectKey::prefix(subject)).await
    }

    /// Lists one page of all objects in the bucket, under any key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn page_of_all(&self, after: Option<&str>) -> Result<ListedObjects, CloudError> {
        bucket::page(&self.connection, &self.bucket, None, after).await
    }

    /// Counts the multipart uploads that were begun at or before `cutoff` and neither completed nor aborted.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn incomplete_uploads(&self, cutoff: UnixSeconds) -> Result<usize, CloudError> {
        bucket::incomplete_uploads(&self.connection, &self.bucket, cutoff).await
    }

    /// Tells whether there is an object under this key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn exists(&self, key: &str) -> Result<bool, CloudError> {
        let keys = bucket::keys_with_prefix(&self.connection, &self.bucket, key).await?;
        Ok(keys.iter().any(|found| found == key))
    }

    /// Deletes these objects. An object that is already gone is not an error.
    ///
    /// # Errors
    /// When any of them cannot be deleted.
    pub async fn delete_keys(&self, keys: &[String]) -> Result<(), CloudError> {
        bucket::delete(&self.connection, &self.bucket, keys).await
    }
}

/// Returns the keys of all objects that the attempts 1 to `attempts` of a work may have stored.
fn keys_of_attempts(work: &Work, attempts: u32) -> Vec<String> {
    let keys =
        (1..=attempts).flat_map(|attempt| WorkObject::ALL.map(|object| work.object_key(attempt, object)));
    keys.map(|key| key.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use domain::WorkId;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn every_picture_is_in_the_shard_of_its_subject_and_in_no_other() {
        for number in 0..2_000_u128 {
            // These ids are spread over the whole range.
            let subject = SubjectId::from_random(number.wrapping_mul(u128::MAX / 1_999));
            let work = WorkId::new(Timestamp::UNIX_EPOCH, number);
            let key = WorkObjectKey { subject, work, attempt: 1, object: WorkObject::Picture }.to_string();
            let shards = (0..PictureShard::COUNT).filter_map(PictureShard::of);
            let found: Vec<_> = shards.filter(|shard| key.starts_with(&shard.prefix())).collect();
            assert_eq!(found, [PictureShard::of_subject(subject)], "{key}");
        }
        assert_eq!(PictureShard::of(PictureShard::COUNT), None);
    }
}
