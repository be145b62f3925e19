//! What the two buckets of users' pictures have in common: everything of one subject lies under one prefix.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use domain::UnixSeconds;

use crate::{CloudError, Connection};

/// One page of all that lies in a bucket, in the order of the keys.
pub struct ListedObjects {
    /// Key and time of the last write; a key may be none that this project gives.
    pub objects: Vec<(String, UnixSeconds)>,
    /// After which key the next page begins, if there is one.
    pub next: Option<String>,
}

/// One page of all objects of a bucket, those after the key `after`.
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
    let objects = answer.contents.unwrap_or_default().into_iter();
    let objects: Vec<_> = objects
        .filter_map(|object| Some((object.key?, UnixSeconds::from_second(object.last_modified?.secs()))))
        .collect();
    let next = objects.last().map(|(key, _)| key.clone()).filter(|_last| more);
    Ok(ListedObjects { objects, next })
}

/// How many uploads in parts were begun at or before `cutoff` and neither completed nor given up: their parts lie in
/// the bucket and are in no listing of it.
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

/// Objects that one request deletes at most, which is also as many as one page of a listing has.
const KEYS_MAX: usize = 1_000;

/// The keys of all objects that begin with `prefix`.
///
/// # Errors
/// When the bucket cannot be listed.
pub(crate) async fn keys_below(
    connection: &Connection,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, CloudError> {
    let mut pages = connection.s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(CloudError::of("ListObjectsV2"))?;
        keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
    }
    Ok(keys)
}

/// Deletes these objects; it is no error if any is gone.
///
/// # Errors
/// When any of them cannot be deleted.
pub(crate) async fn delete(connection: &Connection, bucket: &str, keys: &[String]) -> Result<(), CloudError> {
    for keys in keys.chunks(KEYS_MAX) {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let objects =
            objects.collect::<Result<Vec<_>, _>>().map_err(CloudError::malformed("a list of objects"))?;
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(CloudError::malformed("a list of objects"))?;
        let request = connection.s3.delete_objects().bucket(bucket).delete(delete);
        let answer = request.send().await.map_err(CloudError::of("DeleteObjects"))?;
        if let Some(error) = answer.errors().first() {
            let code = error.code().unwrap_or("unknown").to_owned();
            return Err(CloudError::Service { operation: "DeleteObjects", code });
        }
    }
    Ok(())
}
