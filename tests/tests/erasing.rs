//! Requests erasures and follows them, for the tests of erasures.

use anyhow::{Context as _, Result, ensure};
use domain::receipt::{self, Jwks, Receipt};
use domain::{Salt, SubjectId};
use serde_json::{Value, json};

use crate::app::{App, PendingUpload, TEMPLATE, User};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// Seconds after which the verify pass is due: twice the life of an upload URL and any lease are over, so nothing can
/// store data of an earlier generation any more.
pub(crate) const VERIFY_DUE: u32 = 700;

/// Seconds after which the backups from before the erasure, kept for a week, have expired.
pub(crate) const BACKUPS_EXPIRED: u32 = VERIFY_DUE + 8 * 24 * 3_600;

/// A deletion request's id and salt, as its requester knows them.
pub(crate) struct DeletionRequest {
    pub(crate) id: String,
    pub(crate) salt: String,
}

impl DeletionRequest {
    /// Reads the answer to `POST /v1/deletion-requests`.
    pub(crate) fn of(answer: &Value) -> Result<Self> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned).context("an incomplete answer");
        Ok(Self { id: text("request_id")?, salt: text("salt")? })
    }
}

impl User<'_> {
    /// `POST /v1/deletion-requests` with this idempotency key.
    pub(crate) fn request_erasure(&self, scope: &str, key: &str) -> Result<local_stack::ApiAnswer> {
        let body = json!({ "scope": scope, "contact": format!("{}@example.com", self.name) });
        self.caller.send(
            "POST",
            "/v1/deletion-requests",
            &[("Idempotency-Key", key), ("Content-Type", "application/json")],
            body.to_string().into_bytes(),
        )
    }

    /// Makes a new deletion request of this scope.
    pub(crate) fn erase(&self, scope: &str) -> Result<DeletionRequest> {
        DeletionRequest::of(&self.request_erasure(scope, &format!("erase-{scope}"))?.expect(201)?)
    }
}

impl App {
    /// `GET /v1/deletion-requests/{path}` with this salt and without a token.
    pub(crate) fn show_deletion_request(&self, path: &str, salt: &str) -> Result<local_stack::ApiAnswer> {
        let nobody = self.stack.caller(None)?;
        nobody.send("GET", &format!("/v1/deletion-requests/{path}"), &[("Erasure-Salt", salt)], Vec::new())
    }

    /// Reads the state of a deletion request.
    pub(crate) fn state(&self, requested: &DeletionRequest) -> Result<String> {
        let shown = self.show_deletion_request(&requested.id, &requested.salt)?.expect(200)?;
        shown["status"].as_str().map(str::to_owned).context("no status")
    }

    /// Fetches the receipt and verifies it offline with the published keys and the requester's salt.
    pub(crate) fn receipt(&self, requested: &DeletionRequest) -> Result<Receipt> {
        let keys: Jwks =
            serde_json::from_value(self.stack.caller(None)?.get("/v1/receipts/keys")?.expect(200)?)?;
        let answer = self.show_deletion_request(&format!("{}/receipt", requested.id), &requested.salt)?;
        let jws = answer.text.clone();
        ensure!(answer.status == 200, "no receipt: {jws}");
        let salt: Salt = requested.salt.parse()?;
        Ok(receipt::verify(&jws, &keys, Some(&salt))?)
    }

    /// Lists everything that any store still holds of a user and their subject, in words. A tombstone does not count,
    /// because it holds a hash and names neither.
    pub(crate) fn traces_of(&self, user: &User<'_>, subject: SubjectId) -> Result<Vec<String>> {
        let mut traces = self.photos_of(subject)?;
        traces.extend(self.markers_of(subject)?);
        traces.extend(self.pictures_of(subject)?);
        let rows = self.rows(subject)?;
        traces.extend(rows.iter().map(|row| row["sk"].as_str().unwrap_or("a row").to_owned()));
        let identities = self.all_rows("IdentitiesTable")?;
        let names = |row: &String| row.contains(&subject.to_string()) || row.contains(&user.name);
        traces.extend(identities.iter().map(Value::to_string).filter(names));
        Ok(traces)
    }

    /// Reads every row of a table, given by the output that holds its name.
    pub(crate) fn all_rows(&self, table: &str) -> Result<Vec<Value>> {
        self.rows_of(self.stack.output(table)?)
    }
}

impl Workbench {
    /// Runs a sweep of `erase` with its clock ahead.
    pub(crate) fn sweep_erasures(&self, ahead_seconds: u32) -> Result<()> {
        let mut erase = self.run("erase", &Faults { ahead_seconds, ..Faults::default() })?;
        erase.expect(&sample("erase/sweep.json")?)
    }
}

/// Builds the stream event that tells `erase` of a request.
pub(crate) fn stream_event(requested: &DeletionRequest) -> Result<Value> {
    let mut event = sample("erase/request.json")?;
    event["Records"][0]["dynamodb"]["Keys"]["pk"]["S"] = json!(format!("REQUEST#{}", requested.id));
    Ok(event)
}

/// Creates a user with a ready work, a favorite of it and one of a template, and a requested upload.
pub(crate) fn user_with_data<'a>(
    bench: &'a Workbench,
    synthesize: &mut Run,
) -> Result<(User<'a>, SubjectId, PendingUpload)> {
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    synthesize.expect(&bench.photo_event(subject, work)?)?;
    user.save_favorite("work", &work.to_string())?.expect(200)?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    let pending = user.request_upload(&faces::no_face()?)?;
    Ok((user, subject, pending))
}

/// Whether a row is a favorite.
pub(crate) fn is_favorite(row: &Value) -> bool {
    row["sk"].as_str().is_some_and(|key| key.starts_with("FAVORITE#"))
}
