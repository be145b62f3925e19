//! What somebody asked to be erased is gone from every store, stays gone, and the receipt says so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use domain::receipt::{self, Jwks, Receipt, Salt};
use domain::{ErasureScope, IdentityHash, SubjectId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, Asked, TEMPLATE, User, eventually};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// Past twice the life of an upload URL and past any lease: nobody can store anything any more.
pub(crate) const SETTLED: u32 = 700;

/// Past the week that backups reach back.
const BACKUPS_GONE: u32 = SETTLED + 8 * 24 * 3_600;

/// A deletion request, as its requester knows it.
pub(crate) struct Requested {
    pub(crate) id: String,
    pub(crate) salt: String,
}

impl Requested {
    /// From the answer to `POST /v1/deletion-requests`.
    pub(crate) fn of(answer: &Value) -> Result<Self> {
        let text = |name: &str| answer[name].as_str().map(str::to_owned).context("an incomplete answer");
        Ok(Self { id: text("request_id")?, salt: text("salt")? })
    }
}

impl User<'_> {
    /// `POST /v1/deletion-requests`, as often as wanted.
    pub(crate) fn ask_to_erase(&self, scope: &str, key: &str) -> Result<local_stack::ApiAnswer> {
        let body = json!({ "scope": scope, "contact": format!("{}@example.com", self.name) });
        self.caller.send(
            "POST",
            "/v1/deletion-requests",
            &[("Idempotency-Key", key), ("Content-Type", "application/json")],
            body.to_string().into_bytes(),
        )
    }

    /// A new request of this scope.
    pub(crate) fn erase(&self, scope: &str) -> Result<Requested> {
        Requested::of(&self.ask_to_erase(scope, &format!("erase-{scope}"))?.expect(201)?)
    }
}

impl App {
    /// Somebody without a token looks at a request with this salt.
    pub(crate) fn follow(&self, path: &str, salt: &str) -> Result<local_stack::ApiAnswer> {
        let nobody = self.stack.caller(None)?;
        nobody.send("GET", &format!("/v1/deletion-requests/{path}"), &[("Erasure-Salt", salt)], Vec::new())
    }

    /// The state of a request.
    pub(crate) fn state(&self, requested: &Requested) -> Result<String> {
        let shown = self.follow(&requested.id, &requested.salt)?.expect(200)?;
        shown["status"].as_str().map(str::to_owned).context("no status")
    }

    /// The receipt, checked offline with the published keys and the requester's salt.
    pub(crate) fn receipt(&self, requested: &Requested) -> Result<Receipt> {
        let keys: Jwks =
            serde_json::from_value(self.stack.caller(None)?.get("/v1/receipts/keys")?.expect(200)?)?;
        let answer = self.follow(&format!("{}/receipt", requested.id), &requested.salt)?;
        let jws = answer.text.clone();
        ensure!(answer.status == 200, "no receipt: {jws}");
        let salt: Salt = requested.salt.parse()?;
        Ok(receipt::verify(&jws, &keys, Some(&salt))?)
    }

    /// Everything that any store still holds of a subject, in words.
    pub(crate) fn traces_of(&self, subject: SubjectId) -> Result<Vec<String>> {
        let mut traces = self.photos_of(subject)?;
        traces.extend(self.pictures_of(subject)?);
        let rows = self.rows(subject)?;
        traces.extend(rows.iter().map(|row| row["sk"].as_str().unwrap_or("a row").to_owned()));
        let identities = self.all_rows("IdentitiesTable")?;
        traces.extend(
            identities.iter().filter(|row| row["subject"] == subject.to_string()).map(Value::to_string),
        );
        Ok(traces)
    }

    /// Every row of a table, as text that holds all it has.
    pub(crate) fn all_rows(&self, table: &str) -> Result<Vec<Value>> {
        self.rows_of(self.stack.output(table)?)
    }
}

impl Workbench {
    /// Lets `erase` sweep with its clock ahead.
    pub(crate) fn sweep_erasures(&self, ahead_seconds: u32) -> Result<()> {
        let mut erase = self.run("erase", &Faults { ahead_seconds, ..Faults::default() })?;
        erase.expect(&sample("erase/sweep.json")?)
    }
}

/// The event by which `erase` hears of a request.
pub(crate) fn told(requested: &Requested) -> Result<Value> {
    let mut event = sample("erase/request.json")?;
    event["Records"][0]["dynamodb"]["Keys"]["pk"]["S"] = json!(format!("REQUEST#{}", requested.id));
    Ok(event)
}

/// A user with a ready work, a favorite of it and of a template, and an upload that was asked for.
pub(crate) fn settled_user<'a>(
    bench: &'a Workbench,
    synthesize: &mut Run,
) -> Result<(User<'a>, SubjectId, Asked)> {
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    synthesize.expect(&bench.photo_event(subject, work)?)?;
    user.mark("work", &work.to_string())?.expect(200)?;
    user.mark("template", TEMPLATE)?.expect(200)?;
    let asked = user.ask(&faces::no_face()?)?;
    Ok((user, subject, asked))
}

/// As many ready works as make three pages, copied from one.
fn fill_pages(app: &App, subject: SubjectId) -> Result<usize> {
    let rows = app.raw_rows(subject)?;
    let ready = rows.iter().find(|row| row["status"]["S"] == "ready").context("no ready work")?;
    let id = ready["id"]["S"].as_str().context("no id")?.to_owned();
    let thumbnail = faces::portrait()?.bytes;
    for number in 0..120 {
        // The last characters differ; the time and so the order stay as they are.
        let copy = format!("{}{number:03}", &id[..23]);
        app.put_row(&serde_json::from_str(&ready.to_string().replace(&id, &copy))?)?;
        for object in ["1.jpg", "1-thumbnail.jpg"] {
            app.put_picture_object(&format!("works/{subject}/{copy}/{object}"), &thumbnail[..1_000])?;
        }
    }
    Ok(121)
}

#[test]
fn an_account_with_three_pages_of_works_is_erased_under_concurrent_requests() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, in_flight) = settled_user(&bench, &mut synthesize)?;
    let works = fill_pages(app, subject)?;
    ensure!(works > 100, "{works} works are no three pages");

    // What is answered to these does not matter here, as long as it is an answer and nothing comes of it.
    let photo = faces::no_face()?;
    let ask = || user.try_to_ask(&photo).map(drop);
    let mark = || user.mark("template", TEMPLATE).map(drop);
    let list = || user.list().map(drop);
    let concurrent: [&(dyn Fn() -> Result<()> + Sync); 3] = [&ask, &mark, &list];
    let ended = AtomicBool::new(false);
    let requested = std::thread::scope(|scope| {
        for request in concurrent {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    request().unwrap_or_else(|error| panic!("a concurrent request: {error:#}"));
                }
            });
        }
        let outcome = (|| {
            let requested = user.erase("account")?;
            ensure!(user.list()?.is_empty() && user.favorites()?.is_empty(), "still to be seen");
            bench.run("erase", &Faults::default())?.expect(&told(&requested)?)?;
            ensure!(app.state(&requested)? == "erased");
            let traces = app.traces_of(subject)?;
            ensure!(traces.is_empty(), "left: {traces:?}");
            Ok(requested)
        })();
        ended.store(true, Ordering::Relaxed);
        outcome
    })?;

    // The upload in flight arrives after all: its URL works until it runs out.
    let (status, said) = user.caller.put_photo(&in_flight.upload, &faces::no_face()?.bytes)?;
    ensure!(status == 200, "S3 answered {status}: {said}");
    ensure!(app.traces_of(subject)?.len() == 1);
    let mut erase = bench.run("erase", &Faults { ahead_seconds: SETTLED, ..Faults::default() })?;
    erase.expect(&sample("erase/sweep.json")?)?;
    ensure!(app.state(&requested)? == "erased", "verified though the second look found something");
    ensure!(app.traces_of(subject)?.is_empty(), "the late photo is left");
    bench.sweep_erasures(2 * SETTLED)?;
    ensure!(app.state(&requested)? == "verified");
    ensure!(app.traces_of(subject)?.is_empty());

    let receipt = app.receipt(&requested)?;
    ensure!(receipt.scope == ErasureScope::Account && receipt.request_id.to_string() == requested.id);
    ensure!(receipt.received_at <= receipt.hidden_at && receipt.hidden_at <= receipt.erased_at);
    ensure!(receipt.erased_at < receipt.verified_at && receipt.verified_at < receipt.unrecoverable_at);
    let refused = user.ask_to_erase("account", "once-more")?;
    ensure!(refused.status == 403 && refused.body["code"] == "account_erased", "{}", refused.body);
    Ok(())
}

#[test]
fn a_token_that_is_still_valid_revives_nobody_and_a_new_start_is_another_subject() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = settled_user(&bench, &mut synthesize)?;
    let requested = user.erase("account")?;
    let under_way = user.try_to_ask(&faces::no_face()?)?;
    ensure!(under_way.status == 409 && under_way.body["code"] == "erasure_under_way", "{}", under_way.body);
    bench.run("erase", &Faults::default())?.expect(&told(&requested)?)?;

    let photo = faces::no_face()?;
    for answer in [user.try_to_ask(&photo)?, user.mark("template", TEMPLATE)?] {
        ensure!(answer.status == 403 && answer.body["code"] == "account_erased", "{}", answer.body);
    }
    ensure!(user.list()?.is_empty() && user.favorites()?.is_empty());
    ensure!(user.subject().is_err(), "the identity leads to a subject");

    user.start_account()?.expect(200)?;
    let anew = user.subject()?;
    ensure!(anew != subject);
    ensure!(user.list()?.is_empty() && user.favorites()?.is_empty());
    user.ask(&photo)?;
    // The old request goes on to its end and leaves the new subject alone.
    bench.sweep_erasures(SETTLED)?;
    ensure!(bench.app.state(&requested)? == "verified");
    ensure!(user.list()?.len() == 1 && user.subject()? == anew);
    Ok(())
}

#[test]
fn works_alone_or_favorites_alone_are_erased_and_what_comes_later_stays() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, in_flight) = settled_user(&bench, &mut synthesize)?;
    let (status, _) = user.caller.put_photo(&in_flight.upload, &faces::no_face()?.bytes)?;
    ensure!(status == 200);
    let event = bench.photo_event(subject, in_flight.work)?;

    let favorites = user.erase("favorites")?;
    ensure!(user.favorites()?.is_empty() && user.list()?.len() == 2);
    user.mark("template", TEMPLATE)?.expect(200)?;
    bench.run("erase", &Faults::default())?.expect(&told(&favorites)?)?;
    ensure!(app.state(&favorites)? == "verified", "favorites need no second look later");
    ensure!(user.favorites()?.len() == 1, "the favorite that was marked afterwards is gone");

    let works = user.erase("works")?;
    ensure!(user.list()?.is_empty());
    ensure!(user.show(in_flight.work)?.status == 404);
    ensure!(user.mark("work", &in_flight.work.to_string())?.status == 404);
    let later = user.send(&faces::portrait()?)?;
    let later_event = bench.photo_event(subject, later.work)?;
    // The photo that was on its way meets a closed gate.
    synthesize.expect(&event)?;
    bench.run("erase", &Faults::default())?.expect(&told(&works)?)?;
    ensure!(app.settled(subject, in_flight.work)? == "gone");
    synthesize.expect(&later_event)?;
    bench.sweep_erasures(SETTLED)?;
    ensure!(app.state(&works)? == "verified");
    ensure!(app.receipt(&works)?.scope == ErasureScope::Works);
    ensure!(app.settled(subject, later.work)? == "ready", "the work that was made afterwards is gone");
    ensure!(user.list()?.len() == 1 && user.favorites()?.len() == 1);
    Ok(())
}

#[test]
fn a_repeated_request_is_the_same_request_and_a_second_one_another() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.ask(&faces::no_face()?)?;
    let first = user.ask_to_erase("works", "key")?.expect(201)?;
    let again = user.ask_to_erase("works", "key")?.expect(200)?;
    ensure!(first["request_id"] == again["request_id"] && first["salt"] == again["salt"], "{first} {again}");
    let second = user.ask_to_erase("works", "another-key")?.expect(201)?;
    ensure!(first["request_id"] != second["request_id"] && first["salt"] != second["salt"]);
    let other_scope = user.ask_to_erase("favorites", "key")?;
    ensure!(other_scope.status == 422 && other_scope.body["code"] == "idempotency_key_reused");
    let listed = user.caller.get("/v1/deletion-requests")?.expect(200)?;
    let listed = listed["deletion_requests"].as_array().context("no list")?;
    ensure!(
        listed.len() == 2
            && listed.iter().all(|request| request["contact"] == format!("{}@example.com", user.name))
    );
    // Repeated while the account is being erased: the salt is still told.
    let account = user.ask_to_erase("account", "all")?.expect(201)?;
    let again = user.ask_to_erase("account", "all")?.expect(200)?;
    ensure!(account["salt"] == again["salt"]);
    ensure!(user.ask_to_erase("works", "late")?.body["code"] == "erasure_under_way");
    for malformed in [json!({}), json!({ "scope": "everything" }), json!({ "scope": "works", "idfa": "x" })] {
        let headers = [("Idempotency-Key", "x"), ("Content-Type", "application/json")];
        let answer = user.caller.send(
            "POST",
            "/v1/deletion-requests",
            &headers,
            malformed.to_string().into_bytes(),
        )?;
        ensure!(answer.status == 400, "{malformed}: {}", answer.body);
    }
    Ok(())
}

#[test]
fn a_request_is_shown_to_its_salt_alone() -> Result<()> {
    let bench = Workbench::open();
    let (user, other) = (bench.app.user()?, bench.app.user()?);
    let (requested, others) = (user.erase("favorites")?, other.erase("favorites")?);
    ensure!(bench.app.follow(&requested.id, &requested.salt)?.status == 200);
    for salt in [others.salt.as_str(), "", "x", &"A".repeat(43)] {
        for path in [requested.id.clone(), format!("{}/receipt", requested.id)] {
            let answer = bench.app.follow(&path, salt)?;
            ensure!(answer.status == 404, "{path}: {}", answer.body);
        }
    }
    let early = bench.app.follow(&format!("{}/receipt", requested.id), &requested.salt)?;
    ensure!(early.status == 409 && early.body["code"] == "not_verified", "{}", early.body);
    ensure!(user.caller.get("/v1/deletion-requests")?.body.to_string().contains(&requested.id));
    ensure!(!other.caller.get("/v1/deletion-requests")?.body.to_string().contains(&requested.id));
    Ok(())
}

#[test]
fn whose_it_was_is_forgotten_with_the_last_backup_and_the_receipt_stays() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    user.ask(&faces::no_face()?)?;
    let subject = user.subject()?;
    let (works, account) = (user.erase("works")?, user.erase("account")?);
    bench.sweep_erasures(SETTLED)?;
    let row = |requested: &Requested| {
        let rows = app.all_rows("ErasuresTable")?;
        let key = format!("REQUEST#{}", requested.id);
        rows.into_iter().find(|row| row["pk"] == key.as_str()).context("the request is lost")
    };
    for requested in [&works, &account] {
        ensure!(
            row(requested)?.to_string().contains(&subject.to_string()),
            "a restored copy could not be cleared"
        );
    }
    bench.sweep_erasures(BACKUPS_GONE)?;
    for requested in [&works, &account] {
        let row = row(requested)?.to_string();
        ensure!(!row.contains(&subject.to_string()), "{row}");
        ensure!(app.receipt(requested)?.request_id.to_string() == requested.id);
    }
    bench.sweep_erasures(BACKUPS_GONE + 731 * 24 * 3_600)?;
    ensure!(app.follow(&account.id, &account.salt)?.status == 404, "kept beyond its period");
    Ok(())
}

/// The row of an identity.
fn own_identity<'a>(rows: &'a [Value], identity: &IdentityHash) -> Option<&'a Value> {
    rows.iter().find(|row| row["identity"] == identity.as_str())
}

/// What a backup from before an erasure holds of the subject cannot be read and leads to nobody.
fn tells_nothing(
    app: &App,
    user: &User<'_>,
    subject: SubjectId,
    restored: &[Value],
    wrapped_key: &Value,
) -> Result<()> {
    let identity = IdentityHash::new(&app.stack.description().issuer, &user.name);
    let of_user: Vec<_> = restored.iter().filter(|row| row["pk"] == format!("SUBJECT#{subject}")).collect();
    ensure!(!of_user.is_empty(), "the backup does not hold what is to be shown unreadable");
    // Personal fields cannot be read: their key is in no table any more, and the backup has none.
    let sealed: Vec<_> = of_user.iter().filter_map(|row| row["contact"]["base64"].as_str()).collect();
    ensure!(!sealed.is_empty(), "no personal field in the backup");
    for contact in sealed {
        let bytes = BASE64.decode(contact)?;
        ensure!(!bytes.windows(6).any(|part| part == b"person"), "a contact in the clear");
    }
    let text = Value::from(restored.to_vec()).to_string();
    ensure!(!text.contains("@example.com"), "a contact in the clear");
    let after = app.all_rows("IdentitiesTable")?;
    let wrapped_key = wrapped_key["base64"].as_str().context("no wrapped key")?;
    for table in [
        Value::from(after.clone()).to_string(),
        text,
        Value::from(app.all_rows("ErasuresTable")?).to_string(),
    ] {
        ensure!(!table.contains(wrapped_key), "the wrapped key is left");
    }
    // Rows cannot be linked to the person: what is left of the identity names no subject, and nothing else names both.
    let left = own_identity(&after, &identity).context("no word of the erasure")?;
    let fields: BTreeSet<_> = left.as_object().context("a row")?.keys().map(String::as_str).collect();
    ensure!(fields == BTreeSet::from(["erased_at", "identity", "ttl"]), "{left}");
    for row in after.iter().chain(restored).chain(&app.all_rows("ErasuresTable")?) {
        let row = row.to_string();
        ensure!(!(row.contains(&subject.to_string()) && row.contains(identity.as_str())), "a link: {row}");
    }
    Ok(())
}

#[test]
fn a_backup_from_before_an_erasure_tells_nothing_and_is_cleared_before_it_serves() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let account = app.stack.account();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = settled_user(&bench, &mut synthesize)?;
    let (bystander, other_subject, _) = settled_user(&bench, &mut synthesize)?;
    let vanished = bystander.send(&faces::portrait()?)?.work;
    synthesize.expect(&bench.photo_event(other_subject, vanished)?)?;
    // A request that stays, with contact data under the user's key.
    let earlier = user.erase("favorites")?;
    bench.run("erase", &Faults::default())?.expect(&told(&earlier)?)?;

    let records = app.stack.output("RecordsTable")?.to_owned();
    let backup = account.call(
        "dynamodb",
        "create_backup",
        &json!({ "TableName": records, "BackupName": "before" }),
    )?;
    let identities_before = app.all_rows("IdentitiesTable")?;
    let identity = IdentityHash::new(&app.stack.description().issuer, &user.name);
    let wrapped_key =
        own_identity(&identities_before, &identity).context("no identity")?["wrapped_key"].clone();

    let requested = user.erase("account")?;
    bystander.delete(vanished)?.expect(204)?;
    bench.sweep_erasures(0)?;
    bench.sweep_erasures(SETTLED)?;
    ensure!(app.state(&requested)? == "verified");

    let copy = format!("{records}-restored");
    let arn = &backup["BackupDetails"]["BackupArn"];
    let _left_by_an_earlier_run = account.call("dynamodb", "delete_table", &json!({ "TableName": copy }));
    account.call(
        "dynamodb",
        "restore_table_from_backup",
        &json!({ "TargetTableName": copy, "BackupArn": arn }),
    )?;
    let restored = app.rows_of(&copy)?;
    tells_nothing(app, &user, subject, &restored, &wrapped_key)?;

    // The copy is cleared before it serves, and only of what was erased or deleted since.
    let mut erase = bench.run("erase", &Faults { ahead_seconds: SETTLED, ..Faults::default() })?;
    erase.expect(&json!({ "task": "replay", "table": copy }))?;
    let cleared = app.rows_of(&copy)?;
    ensure!(
        !Value::from(cleared.clone()).to_string().contains(&subject.to_string()),
        "the erased account is back"
    );
    let is_back = cleared.iter().any(|row| row["sk"] == format!("WORK#{vanished}"));
    ensure!(!is_back, "a deleted work is back");
    let of_other =
        |rows: &[Value]| rows.iter().filter(|row| row["pk"] == format!("SUBJECT#{other_subject}")).count();
    ensure!(of_other(&cleared) == of_other(&restored) - 1, "the bystander lost more than the deleted work");
    account.call("dynamodb", "delete_table", &json!({ "TableName": copy })).map(drop)
}

#[test]
fn an_erasure_begins_by_itself_as_soon_as_it_is_asked_for() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let asked = user.send(&faces::portrait()?)?;
    user.wait(asked.work)?;
    let subject = user.subject()?;
    let requested = user.erase("account")?;
    eventually("the stream wakes erase", || Ok((app.state(&requested)? == "erased").then_some(())))?;
    let traces = app.traces_of(subject)?;
    ensure!(traces.is_empty(), "left: {traces:?}");
    Ok(())
}

/// Kills `erase` at every point of its way with a request of this scope; whoever comes after finishes it.
#[test]
fn an_erasure_that_dies_at_any_write_is_finished_by_the_sweep() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let mut covered = 0;
    for scope in ["favorites", "works", "account"] {
        covered += crate::crashes::at_every_point(&bench, "erase", SETTLED, |run, _point| {
            let (user, subject, _) = settled_user(&bench, &mut synthesize)?;
            let requested = user.erase(scope)?;
            let answer = run.handle(&told(&requested)?)?;
            ensure!(matches!(answer, Answer::Returned(_) | Answer::Died(_)), "{answer:?}");
            let seen = (user.list()?.len(), user.favorites()?.len());
            bench.sweep_erasures(SETTLED)?;
            bench.sweep_erasures(2 * SETTLED)?;
            ensure!(bench.app.state(&requested)? == "verified", "{scope}: {}", bench.app.state(&requested)?);
            bench.app.receipt(&requested)?;
            match scope {
                "account" => {
                    ensure!(seen == (0, 0), "seen: {seen:?}");
                    let traces = bench.app.traces_of(subject)?;
                    ensure!(traces.is_empty(), "left: {traces:?}");
                    ensure!(user.subject().is_err(), "revived");
                }
                "works" => {
                    ensure!(seen == (0, 1), "seen: {seen:?}");
                    ensure!(
                        bench.app.pictures_of(subject)?.is_empty()
                            && bench.app.photos_of(subject)?.is_empty()
                    );
                    ensure!(user.subject()? == subject);
                }
                _ => ensure!(seen == (2, 0), "seen: {seen:?}"),
            }
            Ok(answer)
        })?;
    }
    println!("erasure: {covered} crashes");
    Ok(())
}

#[test]
fn two_erasures_of_one_request_at_once_are_one_erasure() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let mut covered = 0;
    for point in 1.. {
        let (user, subject, _) = settled_user(&bench, &mut synthesize)?;
        let requested = user.erase("account")?;
        let faults = Faults { pause_at: Some(point), ahead_seconds: SETTLED, ..Faults::default() };
        let mut slow = bench.run("erase", &faults)?;
        slow.process.send(&told(&requested)?);
        if !slow.wait_for_pause()? {
            break;
        }
        bench.sweep_erasures(SETTLED)?;
        slow.go_on()?;
        ensure!(matches!(slow.answer()?, Answer::Returned(_)), "point {point}");
        ensure!(bench.app.state(&requested)? == "verified", "point {point}");
        ensure!(bench.app.traces_of(subject)?.is_empty(), "point {point}");
        covered += 1;
    }
    println!("erased twice at once: {covered} points");
    ensure!(covered > 0);
    Ok(())
}
