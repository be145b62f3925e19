//! Lists and deletes objects, for the buckets of photos and works. All objects of one subject share one key prefix.

use aws_sdk_s3::types::{Delete, Object, ObjectIdentifier};
use domain::UnixSeconds;

use crate::{CloudError, Connection};

/// One object of a listing.
pub struct ListedObject {
    /// The object's key. It may be of a form that this project does not use.
    pub key: String,
    /// The size in bytes.
    pub bytes: u64,
    /// When the object was last written.
    pub stored_at: UnixSeconds,
}

/// One page of a bucket's objects, in the order of the keys.
pub struct ListedObjects {
    /// The objects.
    pub objects: Vec<ListedObject>,
    /// The key after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// Lists one page of a bucket's objects: those after the key `after`, under `prefix` if it is given.
///
/// # Errors
/// When the bucket cannot be listed.
pub(crate) async fn page(
    connection: &Connection,
    bucket: &str,
    prefix: Option<&str>,
    after: Option<&str>,
) -> Result<ListedObjects, CloudError> {
    let request = connection.s3.list_objects_v2().bucket(bucket);
    let request = request.set_prefix(prefix.map(str::to_owned)).set_start_after(after.map(str::to_owned));
    let answer = request.send().await.map_err(CloudError::of("ListObjectsV2"))?;
    let more = answer.is_truncated == Some(true);
    let objects: Vec<_> = answer.contents.unwrap_or_default().into_iter().filter_map(listed).collect();
    let next = objects.last().map(|object| object.key.clone()).filter(|_last| more);
    Ok(ListedObjects { objects, next })
}

fn listed(object: Object) -> Option<ListedObject> {
    Some(ListedObject {
        key: object.key?,
        // An object of unknown size must not count as empty.
        bytes: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(u64::MAX),
        stored_at: UnixSeconds::from_second(object.last_modified?.secs()),
    })
}

/// Counts the multipart uploads that were begun at or before `cutoff` and neither completed nor aborted. Their parts
/// are in the bucket, but listings of objects do not show them.
///
/// # Errors
/// When the bucket cannot be listed.
pub(crate) async fn incomplete_uploads(
    connection: &Connection,
    bucket: &str,
    cutoff: UnixSeconds,
) -> Result<usize, CloudError> {
    let (mut count, mut key_marker, mut id_marker) = (0, None, None);
    loop {
        let request = connection.s3.list_multipart_uploads().bucket(bucket);
        let request = request.set_key_marker(key_marker).set_upload_id_marker(id_marker);
        let answer = request.send().await.map_err(CloudError::of("ListMultipartUploads"))?;
        let begun = answer.uploads.unwrap_or_default().into_iter().filter_map(|upload| upload.initiated);
        count += begun.filter(|begun| begun.secs() <= cutoff.as_second()).count();
        if answer.is_truncated != Some(true) {
            return Ok(count);
        }
        (key_marker, id_marker) = (answer.next_key_marker, answer.next_upload_id_marker);
    }
}

/// How many objects one request deletes at most. One page of a listing holds as many.
const KEYS_MAX: usize = 1_000;

/// Lists all objects whose keys begin with `prefix`.
///
/// # Errors
/// When the bucket cannot be listed.
pub(crate) async fn objects_with_prefix(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<ListedObject>, CloudError> {
    let (mut objects, mut after) = (Vec::new(), None);
    loop {
        let page = page(connection, bucket, Some(prefix), after.as_deref()).await?;
        objects.extend(page.objects);
        after = page.next;
        if after.is_none() {
            return Ok(objects);
        }
    }
}

/// Lists all keys that begin with `prefix`.
///
/// # Errors
/// When the bucket cannot be listed.
pub(crate) async fn keys_with_prefix(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, CloudError> {
    Ok(objects_with_prefix(connection, bucket, prefix).await?.into_iter().map(|object| object.key).collect())
}

/// Deletes the first page of the objects whose keys begin with `prefix`. Returns the deleted objects.
///
/// # Errors
/// When the bucket cannot be listed, or any object cannot be deleted.
pub(crate) async fn delete_page(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<ListedObject>, CloudError> {
    let page = page(connection, bucket, Some(prefix), None).await?;
    let keys: Vec<_> = page.objects.iter().map(|object| object.key.clone()).collect();
    delete(connection, bucket, &keys).await?;
    Ok(page.objects)
}

/// An object that S3 did not delete.
pub(crate) struct Undeleted {
    /// The object's key.
    pub(crate) key: String,
    /// Why S3 did not delete it.
    pub(crate) error: CloudError,
}

/// Deletes these objects and returns those that S3 did not delete. An object that is already gone is not an error. If
/// S3 refuses to delete one object, the others are still deleted.
///
/// # Errors
/// When a request fails as a whole.
pub(crate) async fn delete_each(
    connection: &Connection,
    bucket: &str,
    keys: &[String],
) -> Result<Vec<Undeleted>, CloudError> {
    let mut undeleted = Vec::new();
    for keys in keys.chunks(KEYS_MAX) {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let objects =
            objects.collect::<Result<Vec<_>, _>>().map_err(CloudError::malformed("a list of objects"))?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(CloudError::malformed("a list of objects"))?;
        let request = connection.s3.delete_objects().bucket(bucket).delete(delete);
        let answer = request.send().await.map_err(CloudError::of("DeleteObjects"))?;
        undeleted.extend(answer.errors.unwrap_or_default().into_iter().map(|error| Undeleted {
            key: error.key.unwrap_or_default(),
            error: CloudError::Service {
                operation: "DeleteObjects",
                code: error.code.unwrap_or_else(|| "unknown".to_owned()),
            },
        }));
    }
    Ok(undeleted)
}

/// Deletes these objects. An object that is already gone is not an error.
///
/// # Errors
/// When any of them cannot be deleted.
pub(crate) async fn delete(connection: &Connection, bucket: &str, keys: &[String]) -> Result<(), CloudError> {
    let undeleted = delete_each(connection, bucket, keys).await?;
    undeleted.into_iter().next().map_or(Ok(()), |first| Err(first.error))
}
