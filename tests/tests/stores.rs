//! What lies in buckets and tables, seen with the account's own rights.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use domain::{IdentityHash, PhotoKey, SubjectId, WorkId};
use serde_json::{Map, Value, json};

use crate::app::{App, User, eventually};

impl App {
    /// A row of the records table with plain values, if there is one.
    pub(crate) fn row(&self, subject: SubjectId, row: &str) -> Result<Option<Value>> {
        let key = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": row } });
        let parameters =
            json!({ "TableName": self.stack.output("RecordsTable")?, "Key": key, "ConsistentRead": true });
        let answer = self.stack.account().call("dynamodb", "get_item", &parameters)?;
        Ok(answer.get("Item").map(plain_item))
    }

    /// The row of a work, if there is one.
    pub(crate) fn work_row(&self, subject: SubjectId, work: WorkId) -> Result<Option<Value>> {
        self.row(subject, &format!("WORK#{work}"))
    }

    /// Puts a row in `DynamoDB`'s own notation past the API.
    pub(crate) fn put_row(&self, item: &Value) -> Result<()> {
        let parameters = json!({ "TableName": self.stack.output("RecordsTable")?, "Item": item });
        self.stack.account().call("dynamodb", "put_item", &parameters).map(drop)
    }

    /// Deletes the row of this key.
    pub(crate) fn delete_row(&self, key: &Value) -> Result<()> {
        let parameters = json!({ "TableName": self.stack.output("RecordsTable")?, "Key": key });
        self.stack.account().call("dynamodb", "delete_item", &parameters).map(drop)
    }

    /// Every row of a table that has this name, with plain values.
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

    /// Every row of a subject.
    pub(crate) fn rows(&self, subject: SubjectId) -> Result<Vec<Value>> {
        Ok(self.raw_rows(subject)?.iter().map(plain_item).collect())
    }

    /// Every row of a subject in `DynamoDB`'s own notation.
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

    /// The keys of a subject's photos.
    pub(crate) fn photos_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        self.keys_below("UploadsBucket", &format!("uploads/{subject}/"))
    }

    /// The keys of the empty objects that lie in the places of a subject's photos.
    pub(crate) fn markers_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        let objects = self.stack.account().objects(self.stack.output("UploadsBucket")?)?.into_iter();
        let prefix = format!("uploads/{subject}/");
        let markers = objects.filter(|(key, bytes)| *bytes == 0 && key.starts_with(&prefix));
        Ok(markers.map(|(key, _bytes)| key).collect())
    }

    /// The keys of a subject's pictures and thumbnails.
    pub(crate) fn pictures_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        self.keys_below("WorksBucket", &format!("works/{subject}/"))
    }

    fn keys_below(&self, bucket: &str, prefix: &str) -> Result<Vec<String>> {
        let mut keys = self.stack.account().object_keys(self.stack.output(bucket)?)?;
        keys.retain(|key| key.starts_with(prefix));
        Ok(keys)
    }

    /// What S3 says of an object.
    pub(crate) fn head_object(&self, bucket: &str, key: &str) -> Result<Value> {
        let parameters = json!({ "Bucket": self.stack.output(bucket)?, "Key": key });
        self.stack.account().call("s3", "head_object", &parameters)
    }

    /// Puts an object into the uploads bucket past the API.
    pub(crate) fn put_photo_object(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (bucket, storage_key) = (self.stack.output("UploadsBucket")?, self.stack.output("StorageKey")?);
        self.stack.account().put_object(bucket, key, bytes, storage_key)
    }

    /// Puts an object into the works bucket past the API.
    pub(crate) fn put_picture_object(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (bucket, storage_key) = (self.stack.output("WorksBucket")?, self.stack.output("StorageKey")?);
        self.stack.account().put_object(bucket, key, bytes, storage_key)
    }

    /// Hands a deployed function an event as AWS services do: nobody waits, and Lambda tries again.
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

    /// What must hold once a work is settled, however that came: no photo, no checksum, and objects if and only if
    /// the row is ready and names them. Its status, or `gone`.
    pub(crate) fn settled_status(&self, subject: SubjectId, work: WorkId) -> Result<String> {
        let photo = PhotoKey { subject, work }.to_string();
        ensure!(!self.photos_of(subject)?.contains(&photo), "the photo is still there");
        let mut pictures = self.pictures_of(subject)?;
        let folder = format!("works/{subject}/{work}/");
        pictures.retain(|key| key.starts_with(&folder));
        pictures.sort();
        let Some(row) = self.work_row(subject, work)? else {
            ensure!(pictures.is_empty(), "{} objects that no row names", pictures.len());
            return Ok("gone".to_owned());
        };
        // What the upload was bound to, the photo's checksum among it, goes with the photo.
        ensure!(row.get("photo").is_none(), "the checksum is kept");
        let status = row["status"].as_str().context("a row without a status")?;
        let named = match (status, row["attempt"].as_i64()) {
            ("ready", Some(attempt)) => {
                vec![format!("{folder}{attempt}-thumbnail.jpg"), format!("{folder}{attempt}.jpg")]
            }
            ("failed", _) => Vec::new(),
            _ => anyhow::bail!("the work is {status}"),
        };
        ensure!(pictures == named, "{} objects for a row that is {status}", pictures.len());
        Ok(status.to_owned())
    }
}

impl User<'_> {
    /// The subject this user is in the records.
    pub(crate) fn subject(&self) -> Result<SubjectId> {
        let stack = &self.app.stack;
        let identity = IdentityHash::new(&stack.description().issuer, &self.name);
        let parameters = json!({
            "TableName": stack.output("IdentitiesTable")?, "Key": { "identity": { "S": identity.as_str() } },
        });
        let answer = stack.account().call("dynamodb", "get_item", &parameters)?;
        Ok(answer["Item"]["subject"]["S"].as_str().context("the user has no subject yet")?.parse()?)
    }

    /// What this user has done of `what` (`uploads` or `deletion_requests`), summed over the days that are remembered.
    pub(crate) fn quota_count(&self, what: &str) -> Result<i64> {
        let identity = IdentityHash::new(&self.app.stack.description().issuer, &self.name);
        let rows = self.app.all_rows("IdentitiesTable")?;
        let counts = rows.iter().filter(|row| {
            let key = row["identity"].as_str().unwrap_or_default();
            key.starts_with("QUOTA#") && key.ends_with(identity.as_str())
        });
        Ok(counts.filter_map(|row| row[what].as_i64()).sum())
    }

    /// Waits until the photo of a work is gone.
    pub(crate) fn wait_until_photo_is_gone(&self, work: WorkId) -> Result<()> {
        let subject = self.subject()?;
        let key = PhotoKey { subject, work }.to_string();
        eventually(
            "the photo is deleted",
            || Ok((!self.app.photos_of(subject)?.contains(&key)).then_some(())),
        )
    }
}

/// An item of `DynamoDB`'s own notation (`{"S": …}`) with plain values.
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
