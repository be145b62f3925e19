//! What the two buckets of users' pictures have in common: everything of one subject lies under one prefix.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::{CloudError, Connection};

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
