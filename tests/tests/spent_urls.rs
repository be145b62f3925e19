//! Limits on uploads: of one upload URL, of one user and of one network address.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::limits::UPLOADS_PER_SLOT_MAX;
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, PendingUpload, User, eventually};
use crate::erasing::stream_event;
use crate::faces::{self, Photo};
use crate::logs::lines;
use crate::workbench::{Faults, Workbench, sample};

/// The number of PUTs to one URL after its work is ready.
const PUTS: usize = 170;

/// Seconds after which every upload URL has expired.
const URLS_EXPIRED: u32 = 700;

/// Repeats the PUT of this photo and returns the status.
fn put_again(user: &User<'_>, pending: &PendingUpload, photo: &Photo) -> Result<u16> {
    Ok(user.caller.put_photo(&pending.upload, &photo.bytes)?.0)
}

/// The number of photos that `synthesize` has handled.
fn photos_handled(app: &App) -> Result<usize> {
    Ok(lines(app, "synthesize")?.iter().filter(|line| line.contains("photo handled")).count())
}

#[test]
fn puts_after_the_work_is_ready_start_nothing() -> Result<()> {
    let app = App::start("spent-urls")?;
    let user = app.user()?;
    let photo = faces::portrait()?;
    let pending = user.send(&photo)?;
    ensure!(user.wait(pending.work)?["status"] == "ready");
    user.wait_until_photo_is_gone(pending.work)?;
    eventually("the first photo is logged", || Ok((photos_handled(&app)? == 1).then_some(())))?;

    let answers = std::thread::scope(|scope| {
        let send = || (0..PUTS / 10).map(|_| put_again(&user, &pending, &photo)).collect::<Result<Vec<_>>>();
        let threads: Vec<_> = (0..10).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<Vec<_>>>()
    })?;
    let taken = answers.iter().flatten().filter(|status| **status != 412).count();
    // Gives any event time to be handled.
    std::thread::sleep(Duration::from_secs(2));
    let handled = photos_handled(&app)? - 1;
    println!("{} PUTs: {taken} accepted, {handled} started synthesize", answers.iter().flatten().count());
    ensure!(taken == 0 && handled == 0, "{taken} PUTs accepted, {handled} started synthesize");
    ensure!(app.markers_of(user.subject()?)?.len() == 1);
    Ok(())
}

#[test]
fn a_marker_blocks_a_spent_url_until_it_expires_and_is_then_deleted() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    for photo in [faces::portrait()?, faces::no_face()?] {
        let pending = user.send(&photo)?;
        let subject = user.subject()?;
        let event = bench.photo_event(subject, pending.work)?;
        synthesize.expect(&event)?;
        let ended = bench.app.settled_status(subject, pending.work)?;
        let marker = bench.app.markers_of(subject)?;
        ensure!(marker == [format!("uploads/{subject}/{}", pending.work)], "{ended}: {marker:?}");
        ensure!(put_again(&user, &pending, &photo)? == 412, "{ended}: the URL works again");

        bench.sweep(300)?;
        ensure!(
            bench.app.markers_of(subject)? == marker,
            "{ended}: the marker was deleted while the URL may still work"
        );
        bench.sweep(URLS_EXPIRED)?;
        ensure!(bench.app.markers_of(subject)?.is_empty(), "{ended}: the marker remains");
        // A late duplicate of the event leaves no marker.
        let late = Faults { ahead_seconds: URLS_EXPIRED, ..Faults::default() };
        bench.run("synthesize", &late)?.expect(&event)?;
        ensure!(bench.app.markers_of(subject)?.is_empty(), "{ended}: a marker for an expired URL");
    }
    Ok(())
}

#[test]
fn the_next_photo_spends_the_url_of_a_deleted_work() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let photo = faces::portrait()?;
    let pending = user.send(&photo)?;
    let subject = user.subject()?;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    synthesize.expect(&bench.photo_event(subject, pending.work)?)?;
    user.delete(pending.work)?.expect(204)?;
    // The deletion removed the marker too, so one more photo arrives. It is deleted unprocessed, and the URL is spent
    // again.
    ensure!(put_again(&user, &pending, &photo)? == 200);
    synthesize.expect(&bench.photo_event(subject, pending.work)?)?;
    ensure!(bench.app.settled_status(subject, pending.work)? == "gone");
    let log = synthesize.log()?;
    ensure!(
        log.contains(r#""photos_deleted_unprocessed":1"#),
        "the metric of unprocessed photos is not reported: {log}"
    );
    for _ in 0..3 {
        user.delete(pending.work)?.expect(204)?;
        ensure!(put_again(&user, &pending, &photo)? == 412, "a repeated deletion opens the URL again");
    }
    bench.sweep(URLS_EXPIRED)
}

#[test]
fn repeated_deletions_during_a_fit_reopen_the_upload_url_once() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let photo = faces::portrait()?;
    let pending = user.send(&photo)?;
    let subject = user.subject()?;
    let mut worker = bench.run("synthesize", &Faults { pause_at: Some(3), ..Faults::default() })?;
    worker.process.send(&bench.photo_event(subject, pending.work)?);
    ensure!(worker.wait_for_pause()?);
    user.delete(pending.work)?.expect(204)?;
    ensure!(put_again(&user, &pending, &photo)? == 200);
    for _ in 0..3 {
        user.delete(pending.work)?.expect(204)?;
        ensure!(put_again(&user, &pending, &photo)? == 412, "a repeated deletion opens the URL again");
    }
    worker.resume()?;
    ensure!(matches!(worker.answer()?, Answer::Returned(_)));
    ensure!(bench.app.photos_of(subject)?.is_empty(), "the photo remains");
    bench.sweep(URLS_EXPIRED)?;
    ensure!(bench.app.settled_status(subject, pending.work)? == "gone");
    ensure!(bench.app.markers_of(subject)?.is_empty());
    Ok(())
}

#[test]
fn repeated_erasures_of_works_reopen_a_spent_url_at_most_once() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    let pending = user.send(&photo)?;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, pending.work)?;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    synthesize.expect(&event)?;
    let mut taken = 0;
    for number in 0..4 {
        let request = user.request_erasure("works", &format!("again-{number}"))?.expect(201)?;
        bench
            .run("erase", &Faults::default())?
            .expect(&stream_event(&crate::erasing::DeletionRequest::of(&request)?)?)?;
        taken += usize::from(put_again(&user, &pending, &photo)? == 200);
        synthesize.expect(&event)?;
    }
    ensure!(taken <= 1, "S3 accepted {taken} more photos at one URL");
    bench.sweep_erasures(URLS_EXPIRED)?;
    bench.sweep(URLS_EXPIRED)?;
    ensure!(bench.app.markers_of(subject)?.is_empty() && bench.app.photos_of(subject)?.is_empty());
    Ok(())
}

#[test]
fn a_user_gets_few_upload_urls_in_ten_minutes() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let photo = faces::no_face()?;
    let mut issued = 0;
    let refused = loop {
        let answer = user.try_request_upload(&photo)?;
        if answer.status == 429 {
            break answer;
        }
        answer.expect(201)?;
        issued += 1;
        ensure!(issued <= 2 * UPLOADS_PER_SLOT_MAX, "{issued} URLs and no refusal");
    };
    // A new slot may have begun during the test.
    ensure!((UPLOADS_PER_SLOT_MAX..=2 * UPLOADS_PER_SLOT_MAX).contains(&issued), "{issued} URLs");
    ensure!(refused.body["code"] == "too_many_uploads", "{}", refused.body);
    let wait: u32 = refused.headers.get("retry-after").context("no Retry-After")?.to_str()?.parse()?;
    ensure!((1..=600).contains(&wait), "{wait} s");
    app.user()?.request_upload(&photo)?;
    Ok(())
}

/// Requests an upload as a new user at this address. Returns the status and the body.
fn request_upload_from(bench: &Workbench, address: &str) -> Result<(u64, Value)> {
    let mut event = sample("uploads/create.json")?;
    let context = &mut event["requestContext"];
    context["http"]["sourceIp"] = json!(address);
    context["authorizer"]["jwt"]["claims"]["sub"] = json!(bench.app.user()?.name);
    let answer = bench.app.stack.account().invoke(&bench.app.stack.function("uploads"), &event)?;
    let body = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
    Ok((answer["statusCode"].as_u64().context("no status")?, body))
}

/// Reads the secret that addresses are hashed with, if there is one, and the keys of their counts.
fn address_counts(bench: &Workbench) -> Result<(Option<Value>, BTreeSet<String>)> {
    let rows = bench.app.all_rows("IdentitiesTable")?;
    let secret = rows.iter().find(|row| row["identity"] == "ADDRESSES").map(|row| row["secret"].clone());
    let keys = rows.iter().filter_map(|row| row["identity"].as_str());
    Ok((secret, keys.filter(|key| key.starts_with("ADDRESS#")).map(str::to_owned).collect()))
}

#[test]
fn an_address_has_a_quota_across_users_and_is_stored_nowhere() -> Result<()> {
    let bench = Workbench::open();
    bench.app.reconfigure("uploads", "UPLOADS_PER_ADDRESS", "3")?;
    let outcome = (|| {
        let (_, before) = address_counts(&bench)?;
        let answers =
            (0..8).map(|_| request_upload_from(&bench, "192.0.2.77")).collect::<Result<Vec<_>>>()?;
        anyhow::Ok((
            before,
            answers,
            request_upload_from(&bench, "192.0.2.78")?,
            request_upload_from(&bench, "2001:db8::77")?,
        ))
    })();
    // Restores the other tests' setting: no limit.
    bench.app.reconfigure("uploads", "UPLOADS_PER_ADDRESS", "0")?;
    let (before, answers, neighbour, sixth) = outcome?;
    let taken = answers.iter().filter(|(status, _)| *status == 201).count();
    // A new slot may have begun during the test.
    ensure!((3..=6).contains(&taken), "{taken} accepted");
    let refused = answers.iter().filter(|(_, body)| body["code"] == "address_quota_exceeded").count();
    ensure!(refused == answers.len() - taken, "{answers:?}");
    ensure!(neighbour.0 == 201 && sixth.0 == 201, "{neighbour:?} {sixth:?}");

    let (secret, counts) = address_counts(&bench)?;
    ensure!(counts.difference(&before).count() >= 3, "{counts:?}");
    let secret = secret.context("no secret")?;
    for table in ["IdentitiesTable", "RecordsTable", "ErasuresTable"] {
        let text = Value::from(bench.app.all_rows(table)?).to_string();
        for address in ["192.0.2.7", "2001:db8"] {
            ensure!(!text.contains(address), "{table} holds an address");
        }
    }
    // After the slot the secret is deleted, so a count can no longer be linked to an address.
    bench.sweep_erasures(0)?;
    ensure!(address_counts(&bench)?.0.is_some(), "the secret was deleted before its slot was over");
    bench.sweep_erasures(URLS_EXPIRED)?;
    ensure!(address_counts(&bench)?.0.is_none(), "the secret remains after its slot");
    bench.app.reconfigure("uploads", "UPLOADS_PER_ADDRESS", "3")?;
    let answer = request_upload_from(&bench, "192.0.2.77");
    bench.app.reconfigure("uploads", "UPLOADS_PER_ADDRESS", "0")?;
    answer?;
    ensure!(address_counts(&bench)?.0.is_some_and(|new| new != secret), "the new slot has no new secret");
    Ok(())
}
