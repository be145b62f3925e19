//! The works bucket: finished pictures and their thumbnails, encrypted, under names that the work's row implies.

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

/// A URL under which one object can be fetched for a while.
pub struct PresignedDownload {
    /// The URL; told to its owner and nobody else, and never stored.
    pub url: String,
}

/// A part of the works bucket: that of the subjects whose ids begin with the same two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureShard(u16);

impl PictureShard {
    /// How many there are: a subject's id begins with one of 8 characters, then comes one of 32.
    pub const COUNT: u16 = 8 * 32;

    /// The shard of this number, from 0; beyond the last there is none.
    pub fn of(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// The shard that a subject is in.
    pub fn of_subject(subject: SubjectId) -> Self {
        // 26 characters of 5 bits hold 128 bits, so that the first holds 3.
        Self(u16::try_from(subject.to_bits() >> (128 - 8)).unwrap_or(0))
    }

    /// Its number.
    pub fn number(self) -> u16 {
        self.0
    }

    fn prefix(self) -> String {
        // The shard's eight bits are the first two characters of any id that begins with them.
        let first = SubjectId::from_random(u128::from(self.0) << (128 - 8)).to_string();
        format!("{}{}", WorkObjectKey::PREFIX, &first[..2])
    }
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
        bucket::delete(&self.connection, &self.bucket, &keys_of_attempts(work, attempts)).await
    }

    /// Deletes all that the attempts of these works may have stored; the keys of what is still there.
    pub(crate) async fn delete_of_works(&self, works: &[Work]) -> Result<Vec<Undeleted>, CloudError> {
        let keys: Vec<_> = works.iter().flat_map(|work| keys_of_attempts(work, work.attempt())).collect();
        bucket::delete_each(&self.connection, &self.bucket, &keys).await
    }

    /// Deletes the first thousand objects that a subject has here; how many there were.
    ///
    /// # Errors
    /// When the bucket cannot be listed or written.
    pub async fn delete_first_page(&self, subject: SubjectId) -> Result<usize, CloudError> {
        let prefix = WorkObjectKey::prefix(subject);
        Ok(bucket::delete_page(&self.connection, &self.bucket, &prefix).await?.len())
    }

    /// The keys of the pictures of one shard, thumbnails left out. Of all subjects, each shard has about the same number.
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

    /// The keys of everything a subject has here.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn keys_of(&self, subject: SubjectId) -> Result<Vec<String>, CloudError> {
        bucket::keys_with_prefix(&self.connection, &self.bucket, &WorkObjectKey::prefix(subject)).await
    }

    /// One page of everything in the bucket, whatever its key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn page_of_all(&self, after: Option<&str>) -> Result<ListedObjects, CloudError> {
        bucket::page(&self.connection, &self.bucket, None, after).await
    }

    /// How many uploads in parts were begun at or before `cutoff` and never ended.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn incomplete_uploads(&self, cutoff: UnixSeconds) -> Result<usize, CloudError> {
        bucket::incomplete_uploads(&self.connection, &self.bucket, cutoff).await
    }

    /// Whether there is an object under this key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn exists(&self, key: &str) -> Result<bool, CloudError> {
        let keys = bucket::keys_with_prefix(&self.connection, &self.bucket, key).await?;
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

/// The keys of what the attempts 1 to `attempts` of a work may have stored.
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
            // Spread over all ids.
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
