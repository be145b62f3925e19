//! Transaction conflicts at every kind of write: DynamoDB stores nothing and reports a conflict. No function mistakes a
//! conflict for another failure, and everything completes. The emulator has no conflicts, so the functions' test builds
//! inject them (`conflicts.rs`).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use domain::{SubjectId, WorkId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{PendingUpload, TEMPLATE, User};
use crate::erasing::{BACKUPS_EXPIRED, DeletionRequest, VERIFY_DUE, stream_event};
use crate::faces::{self, Photo};
use crate::requests::{ApiRequest, answered};
use crate::workbench::{Faults, Run, Workbench, sample};

/// How often a request or an event is tried before the test fails.
const TRIES_MAX: u32 = 12;

/// The seed of the first process; each further process adds 1.
const SEED: usize = 40;

/// The function processes of one test. Their writes meet injected conflicts.
struct ContendedFunctions<'a> {
    bench: &'a Workbench,
    conflicts: u32,
    runs: BTreeMap<String, Run>,
    /// Requests answered 500 and events that failed. A client or Lambda retries these.
    faults: u32,
    handled: u32,
}

impl<'a> ContendedFunctions<'a> {
    fn open(bench: &'a Workbench, conflicts: u32) -> Self {
        Self { bench, conflicts, runs: BTreeMap::new(), faults: 0, handled: 0 }
    }

    /// Returns the process of a function with its clock ahead. The same process serves the whole test.
    fn run(&mut self, function: &str, ahead_seconds: u32) -> Result<&mut Run> {
        let name = format!("{function} {ahead_seconds}");
        if !self.runs.contains_key(&name) {
            // Each process has its own conflicts, and they are the same in every run of the test.
            let seed = (SEED + self.runs.len()).to_string();
            let faults = Faults { ahead_seconds, conflicts: self.conflicts, ..Faults::default() };
            let run = self.bench.run_with(function, &faults, &[("CONFLICT_SEED", &seed)])?;
            self.runs.insert(name.clone(), run);
        }
        self.runs.get_mut(&name).context("it was just started")
    }

    /// Hands over an event until it is handled, as Lambda and the schedule do.
    fn handle(&mut self, function: &str, ahead_seconds: u32, event: &Value) -> Result<()> {
        for _ in 0..TRIES_MAX {
            self.handled += 1;
            let run = self.run(function, ahead_seconds)?;
            run.process.send_with_request_id(event, Some("the-same-request"));
            match run.answer()? {
                Answer::Returned(_) => return Ok(()),
                Answer::Failed(_) => self.faults += 1,
                Answer::Died(status) => anyhow::bail!("{function} died: {status}"),
            }
        }
        anyhow::bail!("{function} failed {TRIES_MAX} times")
    }

    /// Sends a request and repeats it while the answer is 500, as an app does. Fails unless the final status is
    /// `status`.
    fn send_until_served(
        &mut self,
        function: &str,
        user: &User<'_>,
        status: u64,
        request: &ApiRequest<'_>,
    ) -> Result<Value> {
        let event = request.event(user)?;
        for _ in 0..TRIES_MAX {
            self.handled += 1;
            let (answer, body) = answered(self.run(function, 0)?.handle_with_any_status(&event)?)?;
            if answer == 500 {
                self.faults += 1;
                continue;
            }
            ensure!(answer == status, "{} answered {answer}: {body}", request.route);
            return Ok(body);
        }
        anyhow::bail!("{function} failed {TRIES_MAX} times")
    }

    /// Counts the injected conflicts of each operation.
    fn conflicts_by_operation(&self) -> Result<BTreeMap<String, usize>> {
        let mut met = BTreeMap::new();
        for run in self.runs.values() {
            for line in run.log()?.lines() {
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                if line["message"] == "conflict injected" {
                    let operation = line["operation"].as_str().context("no operation")?.to_owned();
                    *met.entry(operation).or_default() += 1;
                }
            }
        }
        Ok(met)
    }

    /// Requests an upload twice with the same key and sends the photo.
    fn send(&mut self, user: &User<'_>, photo: &Photo, key: &str) -> Result<WorkId> {
        let document = json!({
            "template_id": TEMPLATE, "source": "album", "content_type": photo.content_type,
            "content_length": photo.bytes.len(), "sha256": domain::Sha256::of(&photo.bytes).as_base64(),
        });
        let request = ApiRequest::of("POST /v1/uploads", &[]).with(key, document);
        let pending = PendingUpload::of(&self.send_until_served("uploads", user, 201, &request)?)?;
        let again = PendingUpload::of(&self.send_until_served("uploads", user, 200, &request)?)?;
        ensure!(pending.work == again.work, "a repeated request made another work");
        let (status, reply) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
        ensure!(status == 200, "S3 answered {status}: {reply}");
        Ok(pending.work)
    }

    /// Makes a work of this photo and returns its final status.
    fn make_work(&mut self, user: &User<'_>, photo: &Photo, key: &str) -> Result<(WorkId, String)> {
        let work = self.send(user, photo, key)?;
        let subject = user.subject()?;
        let event = self.bench.photo_event(subject, work)?;
        self.handle("synthesize", 0, &event)?;
        Ok((work, self.bench.app.settled_status(subject, work)?))
    }

    fn erase(&mut self, user: &User<'_>, scope: &str) -> Result<DeletionRequest> {
        let contact = format!("{}@example.com", user.name);
        let request = ApiRequest::of("POST /v1/deletion-requests", &[])
            .with(scope, json!({ "scope": scope, "contact": contact }));
        let requested =
            DeletionRequest::of(&self.send_until_served("deletion-requests", user, 201, &request)?)?;
        self.handle("erase", 0, &stream_event(&requested)?)?;
        Ok(requested)
    }

    fn sweep(&mut self, ahead_seconds: u32) -> Result<()> {
        self.handle("erase", ahead_seconds, &sample("erase/sweep.json")?)
    }
}

/// Runs works and favorites through everything that can happen to them.
fn works_and_favorites(contended: &mut ContendedFunctions<'_>, user: &User<'_>) -> Result<SubjectId> {
    let bench = contended.bench;
    contended.send_until_served("account", user, 200, &ApiRequest::of("POST /v1/account", &[]))?;
    let subject = user.subject()?;
    let (ready, ends) = contended.make_work(user, &faces::portrait()?, "ready")?;
    ensure!(ends == "ready", "{ends}");
    let (_, ends) = contended.make_work(user, &faces::no_face()?, "refused")?;
    ensure!(ends == "failed", "{ends}");
    let (deleted, _) = contended.make_work(user, &faces::portrait()?, "deleted")?;
    let never_fitted = contended.send(user, &faces::no_face()?, "never-fitted")?;
    ensure!(user.quota_count("uploads")? == 4, "{} uploads are counted", user.quota_count("uploads")?);

    let (ready, deleted) = (ready.to_string(), deleted.to_string());
    let work = [("kind", "work"), ("id", ready.as_str())];
    let gone = [("kind", "work"), ("id", deleted.as_str())];
    let template = [("kind", "template"), ("id", TEMPLATE)];
    let (put, delete) = ("PUT /v1/favorites/{kind}/{id}", "DELETE /v1/favorites/{kind}/{id}");
    for path in [&work, &gone, &template] {
        contended.send_until_served("favorites", user, 200, &ApiRequest::of(put, path))?;
    }
    contended.send_until_served("favorites", user, 204, &ApiRequest::of(delete, &template))?;
    ensure!(user.favorites()?.len() == 2);
    contended.send_until_served(
        "works",
        user,
        204,
        &ApiRequest::of("DELETE /v1/works/{id}", &[("id", &deleted)]),
    )?;
    ensure!(bench.app.settled_status(subject, deleted.parse()?)? == "gone");
    ensure!(user.favorites()?.len() == 1, "the favorite of a deleted work remains");
    contended.handle("purge", 1_300, &sample("purge/sweep.json")?)?;
    ensure!(bench.app.settled_status(subject, never_fitted)? == "failed");
    contended.handle("purge", 0, &sample("purge/residue.json")?)?;
    Ok(subject)
}

/// Runs an erasure of each scope until its backups have expired.
fn erasures(contended: &mut ContendedFunctions<'_>, user: &User<'_>, subject: SubjectId) -> Result<()> {
    let app = &contended.bench.app;
    let favorites = contended.erase(user, "favorites")?;
    ensure!(app.state(&favorites)? == "verified" && user.favorites()?.is_empty());
    let works = contended.erase(user, "works")?;
    ensure!(app.state(&works)? == "erased" && user.list()?.is_empty());
    let account = contended.erase(user, "account")?;
    ensure!(app.state(&account)? == "erased" && user.subject().is_err());
    ensure!(user.quota_count("deletion_requests")? == 3);
    contended.sweep(VERIFY_DUE)?;
    for requested in [&works, &account] {
        ensure!(app.state(requested)? == "verified", "{}", app.state(requested)?);
        app.receipt(requested)?;
    }
    contended.sweep(BACKUPS_EXPIRED)?;
    let traces = app.traces_of(user, subject)?;
    ensure!(traces.is_empty(), "data remains: {traces:?}");
    let rows = app.all_rows("ErasuresTable")?;
    let names = rows.iter().filter(|row| row.to_string().contains(&subject.to_string())).count();
    ensure!(names == 0, "{names} requests still hold the subject");
    Ok(())
}

/// Runs the whole life of some accounts while `conflicts` of a thousand writes meet a transaction. Returns the
/// percentage of requests and events that had to be sent again.
#[expect(clippy::print_stdout, reason = "the figures of the run")]
fn run_account_lifecycles(conflicts: u32, accounts: u32) -> Result<f64> {
    let bench = Workbench::open();
    let mut contended = ContendedFunctions::open(&bench, conflicts);
    for _ in 0..accounts {
        let user = bench.app.user()?;
        let subject = works_and_favorites(&mut contended, &user)?;
        erasures(&mut contended, &user, subject)?;
    }
    let met = contended.conflicts_by_operation()?;
    println!(
        "conflicts at {conflicts} of 1,000 writes: {met:?}; {} of {} requests and events were sent again",
        contended.faults, contended.handled,
    );
    for operation in ["BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"] {
        ensure!(met.contains_key(operation), "no {operation} met a conflict");
    }
    Ok(100.0 * f64::from(contended.faults) / f64::from(contended.handled))
}

#[test]
fn no_request_fails_when_three_of_ten_writes_conflict() -> Result<()> {
    let again = run_account_lifecycles(300, 3)?;
    ensure!(again == 0.0, "{again:.1} % of the requests and events failed");
    Ok(())
}

#[test]
fn everything_completes_when_eight_of_ten_writes_conflict() -> Result<()> {
    let again = run_account_lifecycles(800, 1)?;
    ensure!(again < 35.0, "{again:.1} % of the requests and events failed");
    Ok(())
}
