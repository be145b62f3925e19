//! Plants residue of every kind directly in the stores.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::{Context as _, Result};
use domain::{RequestId, SubjectId, WorkId};
use serde_json::{Value, json};

use crate::app::{App, User};

/// The number of finds of each kind of residue.
pub(crate) type ResidueCounts = BTreeMap<String, u64>;

/// A point in time long ago (September 2020), in seconds since 1970.
pub(crate) const OLD: &str = "1600000000";

/// The sort key of a favorite whose work does not exist.
pub(crate) const ORPHANED_FAVORITE: &str = "FAVORITE#work#01BX5ZZKBKACTAV9WEVGEMMVRY";

/// A call: service, operation, parameters.
type Call = (&'static str, &'static str, Value);

/// Planted residue, and the calls that remove it.
pub(crate) struct Planted<'a> {
    app: &'a App,
    /// What a residue check must find.
    pub(crate) expected: ResidueCounts,
    undo: Vec<Call>,
}

impl<'a> Planted<'a> {
    /// Starts with no residue in this stack.
    pub(crate) fn in_stack(app: &'a App) -> Self {
        Self { app, expected: ResidueCounts::new(), undo: Vec::new() }
    }

    fn expect(&mut self, kind: &str) {
        *self.expected.entry(kind.to_owned()).or_default() += 1;
    }

    /// Plants an object under this key.
    pub(crate) fn object(&mut self, kind: &str, bucket: &str, key: &str) -> Result<()> {
        match bucket {
            "UploadsBucket" => self.app.put_photo_object(key, b"residue")?,
            _ => self.app.put_picture_object(key, b"residue")?,
        }
        let object = json!({ "Bucket": self.app.stack.output(bucket)?, "Key": key });
        self.undo.push(("s3", "delete_object", object));
        self.expect(kind);
        Ok(())
    }

    /// Plants a multipart upload that is never completed.
    fn parts(&mut self, bucket: &str) -> Result<()> {
        let storage_key = self.app.stack.output("StorageKey")?;
        let mut upload = json!({
            "Bucket": self.app.stack.output(bucket)?, "Key": "in-parts",
            "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": storage_key,
        });
        let begun = self.app.stack.account().call("s3", "create_multipart_upload", &upload)?;
        upload["UploadId"] = begun["UploadId"].clone();
        let fields = upload.as_object_mut().context("an object")?;
        fields.retain(|name, _| ["Bucket", "Key", "UploadId"].contains(&name.as_str()));
        self.undo.push(("s3", "abort_multipart_upload", upload));
        self.expect("multipart_upload");
        Ok(())
    }

    /// Plants a row, given in `DynamoDB` JSON.
    pub(crate) fn row(&mut self, kind: &str, table: &str, item: &Value) -> Result<()> {
        let table = self.app.stack.output(table)?;
        self.app.stack.account().call(
            "dynamodb",
            "put_item",
            &json!({ "TableName": table, "Item": item }),
        )?;
        let mut key = item.as_object().context("a row")?.clone();
        let names: &[&str] = if key.contains_key("identity") {
            &["identity"]
        } else if key.contains_key("sk") {
            &["pk", "sk"]
        } else {
            &["pk"]
        };
        key.retain(|name, _| names.contains(&name.as_str()));
        self.undo.push(("dynamodb", "delete_item", json!({ "TableName": table, "Key": key })));
        self.expect(kind);
        Ok(())
    }

    /// Plants a log group without a retention period, with an old line in it.
    fn log(&mut self) -> Result<()> {
        let account = self.app.stack.account();
        let group = format!("/{}/planted", self.app.stack.description().name);
        let (group, stream) = (json!({ "logGroupName": group }), "stream");
        account.call("logs", "create_log_group", &group)?;
        self.undo.push(("logs", "delete_log_group", group.clone()));
        let mut put = group;
        put["logStreamName"] = json!(stream);
        account.call("logs", "create_log_stream", &put)?;
        put["logEvents"] = json!([{ "timestamp": 1_600_000_000_000_i64, "message": "planted" }]);
        account.call("logs", "put_log_events", &put)?;
        self.expect("endless_log");
        self.expect("old_log");
        Ok(())
    }

    /// Removes all planted residue.
    pub(crate) fn undo(&self) -> Result<()> {
        for (service, operation, parameters) in &self.undo {
            self.app.stack.account().call(service, operation, parameters)?;
        }
        Ok(())
    }
}

/// Builds a row of a subject in `DynamoDB` JSON.
pub(crate) fn row(subject: impl Display, sk: &str, rest: &Value) -> Value {
    let mut row = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": sk } });
    for (name, value) in rest.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    row
}

/// Copies the row of a request under another id, in `DynamoDB` JSON.
fn request_row(app: &App, id: &str, number: u128) -> Result<Value> {
    let key = json!({ "pk": { "S": format!("REQUEST#{id}") } });
    let parameters = json!({ "TableName": app.stack.output("ErasuresTable")?, "Key": key });
    let found = app.stack.account().call("dynamodb", "get_item", &parameters)?["Item"].clone();
    let other = RequestId::from_bits(number).to_string();
    Ok(serde_json::from_str(&found.to_string().replace(id, &other))?)
}

/// Plants at least one piece of residue of each kind, beside the data of a user without residue.
pub(crate) fn plant<'a>(app: &'a App, user: &User<'_>, subject: SubjectId) -> Result<Planted<'a>> {
    let mut planted = Planted::in_stack(app);
    let unknown: WorkId = "01BX5ZZKBKACTAV9WEVGEMMVRZ".parse()?;
    let ready = app.raw_rows(subject)?.into_iter().find(|row| row["status"]["S"] == "ready");
    let ready = ready.context("no ready work")?;
    let work = ready["id"]["S"].as_str().context("no id")?.to_owned();
    let ungated = SubjectId::from_random(1);

    planted.log()?;
    planted.object("photo", "UploadsBucket", &format!("uploads/{subject}/{unknown}"))?;
    planted.object("stray_object", "UploadsBucket", "elsewhere/stray")?;
    planted.object("stray_object", "UploadsBucket", "uploads/stray")?;
    planted.object("stray_object", "WorksBucket", "stray")?;
    planted.object("stray_object", "WorksBucket", &format!("works/{subject}/{work}/1.png"))?;
    planted.parts("UploadsBucket")?;
    planted.parts("WorksBucket")?;
    planted.object("picture", "WorksBucket", &format!("works/{subject}/{unknown}/1.jpg"))?;
    planted.object("picture", "WorksBucket", &format!("works/{subject}/{work}/2-thumbnail.jpg"))?;
    planted.object("picture", "WorksBucket", &format!("works/{ungated}/{unknown}/1.jpg"))?;

    let mut expired: Value = serde_json::from_str(&ready.to_string().replace(&work, &unknown.to_string()))?;
    expired["expires_at"] = json!({ "N": OLD });
    expired["due_at"] = json!({ "N": OLD });
    expired["attempt"] = json!({ "N": "0" });
    planted.row("work", "RecordsTable", &expired)?;
    let favorite = json!({ "generation": { "N": "1" }, "saved_at": { "N": OLD } });
    planted.row("favorite", "RecordsTable", &row(subject, ORPHANED_FAVORITE, &favorite))?;
    let lapsed = json!({ "ttl": { "N": OLD } });
    for sk in ["IDEMPOTENCY#x", "REQUEST#01BX5ZZKBKACTAV9WEVGEMMVRZ"] {
        planted.row("lapsed_row", "RecordsTable", &row(subject, sk, &lapsed))?;
    }
    planted.row("ungated_row", "RecordsTable", &row(ungated, "FAVORITE#template#t", &favorite))?;
    let gate = json!({ "created_at": { "N": OLD }, "erasing": { "BOOL": true } });
    planted.row("unknown_subject", "RecordsTable", &row(SubjectId::from_random(2), "GATE", &gate))?;
    planted.row("unreadable_row", "RecordsTable", &row(subject, "ELSE#x", &json!({})))?;
    planted.row("unreadable_row", "RecordsTable", &json!({ "pk": { "S": "ELSE" }, "sk": { "S": "x" } }))?;
    plant_identities(&mut planted, user)?;
    plant_requests(&mut planted, user)?;
    Ok(planted)
}

fn plant_identities(planted: &mut Planted<'_>, user: &User<'_>) -> Result<()> {
    let lost = SubjectId::from_random(3).to_string();
    let identity = |key: &str| json!({ "identity": { "S": key } });
    let mut linked = identity("linked");
    linked["subject"] = json!({ "S": lost });
    planted.row("ungated_identity", "IdentitiesTable", &linked)?;
    let mut tombstone = identity("tombstone");
    tombstone["erased_at"] = json!({ "N": OLD });
    tombstone["ttl"] = json!({ "N": OLD });
    planted.row("tombstone", "IdentitiesTable", &tombstone)?;
    let mut count = identity("QUOTA#2020-01-01#somebody");
    count["ttl"] = json!({ "N": OLD });
    planted.row("lapsed_row", "IdentitiesTable", &count)?;
    planted.row("unreadable_row", "IdentitiesTable", &identity("else"))?;
    let verified = user.request_erasure("favorites", "verified")?.expect(200)?;
    for request in [verified["request_id"].as_str().context("no id")?, "01BX5ZZKBKACTAV9WEVGEMMVRZ"] {
        let mut person = identity(&format!("ERASURE#{request}"));
        person["sub"] = json!({ "S": "somebody" });
        planted.row("person", "IdentitiesTable", &person)?;
    }
    Ok(())
}

fn plant_requests(planted: &mut Planted<'_>, user: &User<'_>) -> Result<()> {
    let id = |key: &str| -> Result<String> {
        let answer = user.request_erasure("favorites", key)?.expect(200)?;
        Ok(answer["request_id"].as_str().context("no id")?.to_owned())
    };
    let (hidden, verified) = (id("hidden")?, id("verified")?);
    let mut overdue = request_row(planted.app, &hidden, 11)?;
    let three_days_ago =
        overdue["received_at"]["N"].as_str().context("no time")?.parse::<i64>()? - 3 * 86_400;
    overdue["received_at"] = json!({ "N": three_days_ago.to_string() });
    planted.row("overdue_request", "ErasuresTable", &overdue)?;
    let mut lapsed = request_row(planted.app, &verified, 12)?;
    lapsed["received_at"] = json!({ "N": OLD });
    lapsed.as_object_mut().context("a row")?.remove("reach");
    planted.row("lapsed_request", "ErasuresTable", &lapsed)?;
    let mut reach = request_row(planted.app, &verified, 13)?;
    reach["unrecoverable_at"] = json!({ "N": OLD });
    planted.row("reach", "ErasuresTable", &reach)
}
