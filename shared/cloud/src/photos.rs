//! The uploads bucket: the only place where photos are stored, each for no longer than its synthesis takes.

mod spent;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use domain::{ExpectedPhoto, PhotoKey, SubjectId, UnixSeconds, Work};
use jiff::SignedDuration;
use zeroize::Zeroizing;

use crate::bucket::{self, ListedObject, ListedObjects, Undeleted};
use crate::{CloudError, Connection};

/// The uploads bucket.
#[derive(Debug, Clone)]
pub struct Photos {
    connection: Connection,
    bucket: String,
}

/// A URL to which the app can upload one photo, and the headers that it must send exactly as given.
pub struct PresignedUpload {
    /// The URL. Anybody who has it may upload, so it is sent only to the caller and never stored.
    pub url: String,
    /// The signed headers.
    pub headers: BTreeMap<String, String>,
}

/// The outcome of fetching a photo.
pub enum FetchedPhoto {
    /// The bytes of the photo that the event named. They are wiped when dropped.
    Found(Zeroizing<Vec<u8>>),
    /// The photo is gone, or another object is in its place, or it is too large.
    Gone,
}

/// One page of the bucket's objects.
pub struct ListedPhotos {
    /// The keys of photos that were last written at or before the cutoff. Some may be of a form that this project
    /// does not use.
    pub old: Vec<String>,
    /// The keys of the markers that can be deleted, because their upload URLs have expired.
    pub spent: Vec<String>,
    /// When the oldest photo of the page was written. Markers do not count.
    pub oldest: Option<UnixSeconds>,
    /// The key after which the next page begins, if there is one.
    pub next: Option<String>,
}

impl Photos {
    /// Creates the store of the photos in `bucket`.
    pub fn new(connection: &Connection, bucket: String) -> Self {
        Self { connection: connection.clone(), bucket }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Signs a URL for one upload of `photo` to `key`. The URL is bound to the photo's exact length, type and digest,
    /// and works only while no object is there.
    ///
    /// The request names no encryption. So S3 applies the bucket's own, SSE-KMS with the storage key, and the app
    /// learns neither the key nor the account. (`aws:kms` without a key would choose the account's own key for S3.)
    /// The bucket's policy refuses every PUT that names an encryption.
    ///
    /// # Errors
    /// When the URL cannot be signed.
    pub async fn presign(
        &self,
        key: PhotoKey,
        photo: &ExpectedPhoto,
        valid_for: SignedDuration,
    ) -> Result<PresignedUpload, CloudError> {
        let request = self
            .connection
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .content_type(photo.content_type.as_str())
            .content_length(i64::try_from(photo.bytes).unwrap_or(i64::MAX))
            .checksum_sha256(photo.sha256.as_base64())
            .if_none_match("*");
        let presigned =
            request.presigned(presigning(valid_for)?).await.map_err(CloudError::of("presign PutObject"))?;
        let headers = signed_headers(presigned.uri(), presigned.headers());
        Ok(PresignedUpload { url: presigned.uri().to_owned(), headers })
    }

    /// Fetches the photo under `key`, if it still has this ETag and at most `bytes_max` bytes.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub async fn fetch(&self, key: PhotoKey, etag: &str, bytes_max: u64) -> Result<FetchedPhoto, CloudError> {
        let request =
            self.connection.s3.get_object().bucket(&self.bucket).key(key.to_string()).if_match(etag);
        let object = match request.send().await {
            Ok(object) => object,
            Err(error) if matches!(error.raw_response().map(|r| r.status().as_u16()), Some(404 | 412)) => {
                return Ok(FetchedPhoto::Gone);
            }
            Err(error) => return Err(CloudError::of("GetObject")(error)),
        };
        let bytes = object.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(u64::MAX);
        if bytes > bytes_max {
            return Ok(FetchedPhoto::Gone);
        }
        let body = object.body.collect().await.map_err(CloudError::malformed("the body of a photo"))?;
        Ok(FetchedPhoto::Found(Zeroizing::new(body.to_vec())))
    }

    /// Deletes the photo under `key`. A missing photo is not an error. The bucket keeps no versions, so the deletion
    /// is final.
    ///
    /// # Errors
    /// When the bucket cannot be written.
    pub async fn delete(&self, key: PhotoKey) -> Result<(), CloudError> {
        self.delete_stray(&key.to_string()).await
    }

    /// Deletes the object under `key`. The key may be of a form that this project does not use.
    ///
    /// # Errors
    /// As [`Photos::delete`].
    pub async fn delete_stray(&self, key: &str) -> Result<(), CloudError> {
        let request = self.connection.s3.delete_object().bucket(&self.bucket).key(key);
        request.send().await.map(|_deleted| ()).map_err(CloudError::of("DeleteObject"))
    }

    /// Lists the keys of a subject's photos. Markers are left out: they are empty, and the sweep deletes them.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn keys_of(&self, subject: SubjectId) -> Result<Vec<String>, CloudError> {
        let objects =
            bucket::objects_with_prefix(&self.connection, &self.bucket, &PhotoKey::prefix(subject)).await?;
        Ok(objects.into_iter().filter(|object| !spent::is_marker(object)).map(|object| object.key).collect())
    }

    /// Deletes up to a thousand objects of a subject. Returns how many photos and how many markers they were.
    ///
    /// # Errors
    /// When the bucket cannot be listed or written.
    pub async fn delete_first_page(&self, subject: SubjectId) -> Result<(usize, usize), CloudError> {
        let deleted = bucket::delete_page(&self.connection, &self.bucket, &PhotoKey::prefix(subject)).await?;
        let markers = deleted.iter().filter(|object| spent::is_marker(object)).count();
        Ok((deleted.len() - markers, markers))
    }

    /// Deletes these objects. An object that is already gone is not an error.
    ///
    /// # Errors
    /// When any of them cannot be deleted.
    pub async fn delete_keys(&self, keys: &[String]) -> Result<(), CloudError> {
        bucket::delete(&self.connection, &self.bucket, keys).await
    }

    /// Deletes the photos of these works. Returns those that S3 did not delete.
    pub(crate) async fn delete_of_works(&self, works: &[Work]) -> Result<Vec<Undeleted>, CloudError> {
        let keys: Vec<_> = works.iter().map(|work| work.photo_key().to_string()).collect();
        bucket::delete_each(&self.connection, &self.bucket, &keys).await
    }

    /// Lists one page of the bucket's objects, in the order of their keys. That is not the order of their age, so a
    /// search for old photos must read every page. A photo counts as old from the age `age_max`.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn page(
        &self,
        after: Option<&str>,
        age_max: SignedDuration,
        now: UnixSeconds,
    ) -> Result<ListedPhotos, CloudError> {
        let listed = bucket::page(&self.connection, &self.bucket, Some(PhotoKey::PREFIX), after).await?;
        let is_old = |object: &ListedObject| object.stored_at <= now.plus(-age_max);
        let (markers, photos): (Vec<_>, Vec<_>) = listed.objects.into_iter().partition(spent::is_marker);
        let oldest = photos.iter().map(|photo| photo.stored_at).min();
        let old = photos.into_iter().filter(is_old).map(|photo| photo.key).collect();
        let spent =
            markers.into_iter().filter(|marker| is_old(marker) || spent::has_expired_url(marker, now));
        Ok(ListedPhotos { old, spent: spent.map(|marker| marker.key).collect(), oldest, next: listed.next })
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
}

/// Returns those of `headers` that the signature of `url` covers. The SDK adds others, such as Lambda's trace id. S3
/// does not need them, and nobody outside may see them.
fn signed_headers<'a>(
    url: &str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, String> {
    let signed = url.split(['?', '&']).find_map(|field| field.strip_prefix("X-Amz-SignedHeaders="));
    let signed: Vec<_> = signed.unwrap_or_default().split("%3B").collect();
    let headers = headers.filter(|(name, _value)| signed.iter().any(|is| is.eq_ignore_ascii_case(name)));
    headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Creates the SDK's configuration for a presigned URL that is valid for `valid_for`.
pub(crate) fn presigning(valid_for: SignedDuration) -> Result<PresigningConfig, CloudError> {
    let seconds = Duration::from_secs(valid_for.as_secs().max(1).unsigned_abs());
    PresigningConfig::expires_in(seconds).map_err(CloudError::malformed("a presigned URL's life"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signed_headers_are_returned_to_the_app() {
        let url = "https://bucket/key?x-id=PutObject&X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match\
                   &X-Amz-Signature=0";
        let headers =
            [("content-type", "image/jpeg"), ("x-amzn-trace-id", "Root=1-2-3"), ("If-None-Match", "*")];
        let returned = signed_headers(url, headers.into_iter());
        assert_eq!(returned.keys().collect::<Vec<_>>(), ["If-None-Match", "content-type"]);
        assert!(signed_headers("https://bucket/key", headers.into_iter()).is_empty());
    }
}
