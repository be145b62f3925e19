//! Reads and writes the stack's buckets and tables directly, with the account's own rights.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use domain::{IdentityHash, PhotoKey, SubjectId, WorkId};
use serde_json::{Map, Value, json};

use crate::app::{App, User, eventually};

impl App {
    /// Reads a row of the records table, with plain values.
    pub(crate) fn row(&self, subject: SubjectId, row: &str) -> Result<Option<Value>> {
        let key = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": row } });
        let parameters =
            json!({ "TableName": self.stack.output("RecordsTable")?, "Key": key, "ConsistentRead": true });
        let answer = self.stack.account().call("dynamodb", "get_item", &parameters)?;
        Ok(answer.get("Item").map(plain_item))
    }

    /// Reads the row of a work.
    pub(crate) fn work_row(&self, subject: SubjectId, work: WorkId) -> Result<Option<Value>> {
        self.row(subject, &format!("WORK#{work}"))
    }

    /// Puts a row, given in `DynamoDB` JSON, into the records table.
    pub(crate) fn put_row(&self, item: &Value) -> Result<()> {
        let parameters = json!({ "TableName": self.stack.output("RecordsTable")?, "Item": item });
        self.stack.account().call("dynamodb", "put_item", &parameters).map(drop)
    }

    /// Deletes the row of this key from the records table.
    pub(crate) fn delete_row(&self, key: &Value) -> Result<()> {
        let parameters = json!({ "TableName": self.stack.output("RecordsTable")?, "Key": key });
        self.stack.account().call("dynamodb", "delete_item", &parameters).map(drop)
    }

    /// Reads every row of the table with this name, with plain values.
    pub(crate) fn rows_of(&self, table: &str) -> Result<Vec<Value>> {
        let mut scan = json!({ "TableName": table, "ConsistentRead": true });
        let mut rows = Vec::new();
        loop {
            let answer = self.stack.account().call("dynamodb", "scan", &scan)?;
            rows.extend(answer["Items"].as_array().context("no rows")?.iter().map(plain_item));
            match answer.get("LastEvaluatedKey") {
                Some(key) => scan["ExclusiveStartKey"] = key.clone(),
                None => return Ok(rows),
            }
        }
    }

    /// Reads every row of a subject, with plain values.
    pub(crate) fn rows(&self, subject: SubjectId) -> Result<Vec<Value>> {
        Ok(self.raw_rows(subject)?.iter().map(plain_item).collect())
    }

    /// Reads every row of a subject, in `DynamoDB` JSON.
    pub(crate) fn raw_rows(&self, subject: SubjectId) -> Result<Vec<Value>> {
        let answer = self.stack.account().call(
            "dynamodb",
            "query",
            &json!({
                "TableName": self.stack.output("RecordsTable")?,
                "ConsistentRead": true,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": { ":pk": { "S": format!("SUBJECT#{subject}") } },
            }),
        )?;
        Ok(answer["Items"].as_array().context("no rows")?.clone())
    }

    /// Lists the keys of a subject's photos, without markers.
    pub(crate) fn photos_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        self.keys_below("UploadsBucket", &format!("uploads/{subject}/"))
    }

    /// Lists the keys of a subject's markers: the empty objects in the places of photos.
    pub(crate) fn markers_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        let objects = self.stack.account().objects(self.stack.output("UploadsBucket")?)?.into_iter();
        let prefix = format!("uploads/{subject}/");
        let markers = objects.filter(|(key, bytes)| *bytes == 0 && key.starts_with(&prefix));
        Ok(markers.map(|(key, _bytes)| key).collect())
    }

    /// Lists the keys of a subject's pictures and thumbnails.
    pub(crate) fn pictures_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        self.keys_below("WorksBucket", &format!("works/{subject}/"))
    }

    fn keys_below(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = self.stack.account().object_keys(self.stack.output(bucket)?)?;
        keys.retain(|key| key.starts_with(prefix));
        Ok(keys)
    }

    /// Reads an object's metadata from S3.
    pub(crate) fn head_object(&self, bucket: &str, key: &str) -> Result<Value> {
        let parameters = json!({ "Bucket": self.stack.output(bucket)?, "Key": key });
        self.stack.account().call("s3", "head_object", &parameters)
    }

    /// Puts an object directly into the uploads bucket.
    pub(crate) fn put_photo_object(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (bucket, storage_key) = (self.stack.output("UploadsBucket")?, self.stack.output("StorageKey")?);
        self.stack.account().put_object(bucket, key, bytes, storage_key)
    }

    /// Puts an object directly into the works bucket.
    pub(crate) fn put_picture_object(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (bucket, storage_key) = (self.stack.output("WorksBucket")?, self.stack.output("StorageKey")?);
        self.stack.account().put_object(bucket, key, bytes, storage_key)
    }

    /// Hands an event to a deployed function asynchronously, as AWS services do. Lambda retries failures.
    pub(crate) fn invoke_later(&self, function: &str, event: &Value) -> Result<()> {
        let payload = json!({ "base64": BASE64.encode(event.to_string()) });
        let parameters = json!({
            "FunctionName": self.stack.function(function), "InvocationType": "Event", "Payload": payload,
        });
        self.stack.account().call("lambda", "invoke", &parameters).map(drop)
    }

    /// Sets one environment variable of a deployed function.
    pub(crate) fn reconfigure(&self, function: &str, name: &str, value: &str) -> Result<()> {
        let mut variables = self.stack.function_environment(function)?;
        variables.insert(name.to_owned(), value.to_owned());
        let parameters = json!({
            "FunctionName": self.stack.function(function), "Environment": { "Variables": variables },
        });
        self.stack.account().call("lambda", "update_function_configuration", &parameters).map(drop)
    }

    /// Returns a settled work's status, or `gone`. Fails unless photo and checksum are deleted, and unless the works
    /// bucket holds exactly the objects that the row of a ready work names.
    pub(crate) fn settled_status(&self, subject: SubjectId, work: WorkId) -> Result<String> {
        let photo = PhotoKey { subject, work }.to_string();
        ensure!(!self.photos_of(subject)?.contains(&photo), "the photo is not deleted");
        let mut pictures = self.pictures_of(subject)?;
        let folder = format!("works/{subject}/{work}/");
        pictures.retain(|key| key.starts_with(&folder));
        pictures.sort();
        let Some(row) = self.work_row(subject, work)? else {
            ensure!(pictures.is_empty(), "{} objects that no row names", pictures.len());
            return Ok("gone".to_owned());
        };
        // The row's field `photo` holds the photo's type, size and checksum; it is deleted with the photo.
        ensure!(row.get("photo").is_none(), "the photo's checksum is not deleted");
        let status = row["status"].as_str().context("a row without a status")?;
        let named = match (status, row["attempt"].as_i64()) {
            ("ready", Some(attempt)) => {
                vec![format!("{folder}{attempt}-thumbnail.jpg"), format!("{folder}{attempt}.jpg")]
            }
            ("failed", _) => Vec::new(),
            _ => anyhow::bail!("the work is not settled: {status}"),
        };
        ensure!(pictures == named, "{} objects for a row that is {status}", pictures.len());
        Ok(status.to_owned())
    }
}

impl User<'_> {
    /// Reads this user's subject. Fails if there is none.
    pub(crate) fn subject(&self) -> Result<SubjectId> {
        let stack = &self.app.stack;
        let identity = IdentityHash::new(&stack.description().issuer, &self.name);
        let parameters = json!({
            "TableName": stack.output("IdentitiesTable")?, "Key": { "identity": { "S": identity.as_str() } },
        });
        let answer = stack.account().call("dynamodb", "get_item", &parameters)?;
        Ok(answer["Item"]["subject"]["S"].as_str().context("the user has no subject yet")?.parse()?)
    }

    /// Sums this user's counts of `what` (`uploads` or `deletion_requests`) over all days that are still stored.
    pub(crate) fn quota_count(&self, what: &str) -> Result<i64> {
        let identity = IdentityHash::new(&self.app.stack.description().issuer, &self.name);
        let rows = self.app.all_rows("IdentitiesTable")?;
        let counts = rows.iter().filter(|row| {
            let key = row["identity"].as_str().unwrap_or_default();
            key.starts_with("QUOTA#") && key.ends_with(identity.as_str())
        });
        Ok(counts.filter_map(|row| row[what].as_i64()).sum())
    }

    /// Waits until the photo of a work is deleted.
    pub(crate) fn wait_until_photo_is_gone(&self, work: WorkId) -> Result<()> {
        let subject = self.subject()?;
        let key = PhotoKey { subject, work }.to_string();
        eventually(
            "the photo is deleted",
            || Ok((!self.app.photos_of(subject)?.contains(&key)).then_some(())),
        )
    }
}

/// Converts an item from `DynamoDB` JSON (`{"S": …}`) to plain values.
fn plain_item(item: &Value) -> Value {
    let fields = item.as_object().into_iter().flatten();
    Value::Object(fields.map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
}

fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "N" => inner.as_str().and_then(|number| serde_json::from_str(number).ok()).unwrap_or_default(),
        "M" => plain_item(inner),
        "L" => Value::Array(inner.as_array().into_iter().flatten().map(plain).collect()),
        _ => inner.clone(),
    }
}
