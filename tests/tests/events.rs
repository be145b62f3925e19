//! Events that arrive twice, concurrently or late, or that name nothing.

use anyhow::{Result, ensure};
use domain::PhotoKey;
use local_stack::Answer;
use serde_json::json;

use crate::app::{App, eventually};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// The number of workers that get the same event.
const WORKERS: usize = 3;

#[test]
fn an_event_delivered_to_three_workers_at_once_makes_one_work() -> Result<()> {
    let bench = Workbench::open();
    let start = |_| bench.run("synthesize", &Faults::default());
    let mut workers = (0..WORKERS).map(start).collect::<Result<Vec<Run>>>()?;
    for _ in 0..3 {
        let user = bench.app.user()?;
        let work = user.send(&faces::portrait()?)?.work;
        let subject = user.subject()?;
        let event = bench.photo_event(subject, work)?;
        workers.iter().for_each(|worker| worker.process.send(&event));
        for worker in &mut workers {
            let answer = worker.answer()?;
            ensure!(matches!(answer, Answer::Returned(_)), "{answer:?}");
        }
        assert_eq!(bench.app.settled_status(subject, work)?, "ready");
        let row = bench.app.work_row(subject, work)?.unwrap_or_default();
        assert_eq!(row["attempt"], 1, "more than one worker claimed the work");
        assert_eq!(user.list()?.len(), 1);
    }
    Ok(())
}

#[test]
fn a_repeated_event_changes_nothing_and_deletes_a_second_photo() -> Result<()> {
    let bench = Workbench::open();
    let mut worker = bench.run("synthesize", &Faults::default())?;
    let user = bench.app.user()?;
    let photo = faces::portrait()?;
    let pending = user.send(&photo)?;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, pending.work)?;
    worker.expect(&event)?;
    let before = bench.app.work_row(subject, pending.work)?;
    worker.expect(&event)?;
    // The URL accepts no second photo. A photo put there by other means is deleted unprocessed.
    let (status, reply) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
    assert_eq!(status, 412, "{reply}");
    let key = PhotoKey { subject, work: pending.work }.to_string();
    bench.app.put_photo_object(&key, &photo.bytes)?;
    worker.expect(&bench.photo_event(subject, pending.work)?)?;
    assert_eq!(bench.app.settled_status(subject, pending.work)?, "ready");
    assert_eq!(bench.app.work_row(subject, pending.work)?, before);
    Ok(())
}

#[test]
fn a_retry_reclaims_the_work_of_its_request_while_its_predecessor_still_runs() -> Result<()> {
    let bench = Workbench::open();
    let mut covered = 0;
    for point in 1.. {
        let user = bench.app.user()?;
        let work = user.send(&faces::portrait()?)?.work;
        let subject = user.subject()?;
        let event = bench.photo_event(subject, work)?;
        let request = format!("request-{point}");
        let mut predecessor =
            bench.run("synthesize", &Faults { pause_at: Some(point), ..Faults::default() })?;
        predecessor.process.send_with_request_id(&event, Some(&request));
        if !predecessor.wait_for_pause()? {
            predecessor.expect_no_more_points(covered)?;
            break;
        }
        let mut retry = bench.run("synthesize", &Faults::default())?;
        retry.process.send_with_request_id(&event, Some(&request));
        let answer = retry.answer()?;
        ensure!(matches!(answer, Answer::Returned(_)), "point {point}: {answer:?}");
        // The retry did not wait for the lease, although its predecessor still runs.
        assert_eq!(user.show(work)?.expect(200)?["status"], "ready", "point {point}");
        predecessor.resume()?;
        let answer = predecessor.answer()?;
        ensure!(matches!(answer, Answer::Returned(_)), "point {point}: {answer:?}");
        assert_eq!(bench.app.settled_status(subject, work)?, "ready", "point {point}");
        covered += 1;
    }
    println!("reclaimed by a retry: {covered} points");
    assert!(covered > 0);
    Ok(())
}

#[test]
fn a_worker_that_ends_before_its_retry_leaves_it_the_photo() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;
    // Point 2 is right after the claim, so neither worker has fetched the photo yet.
    let paused = Faults { pause_at: Some(2), ..Faults::default() };
    let (mut predecessor, mut retry) = (bench.run("synthesize", &paused)?, bench.run("synthesize", &paused)?);
    for worker in [&mut predecessor, &mut retry] {
        worker.process.send_with_request_id(&event, Some("the-same"));
        ensure!(worker.wait_for_pause()?);
    }
    for worker in [&mut predecessor, &mut retry] {
        worker.resume()?;
        let answer = worker.answer()?;
        ensure!(matches!(answer, Answer::Returned(_)), "{answer:?}");
    }
    assert_eq!(bench.app.settled_status(subject, work)?, "ready");
    assert_eq!(bench.app.work_row(subject, work)?.unwrap_or_default()["attempt"], 2);
    Ok(())
}

#[test]
fn a_percent_encoded_key_names_the_same_photo() -> Result<()> {
    let bench = Workbench::open();
    let mut worker = bench.run("synthesize", &Faults::default())?;
    let user = bench.app.user()?;
    let work = user.send(&faces::no_face()?)?.work;
    let mut event = bench.photo_event(user.subject()?, work)?;
    let key = &mut event["Records"][0]["s3"]["object"]["key"];
    *key = json!(key.as_str().unwrap_or_default().replace('/', "%2F"));
    worker.expect(&event)?;
    assert_eq!(bench.app.settled_status(user.subject()?, work)?, "failed");
    Ok(())
}

#[test]
fn the_s3_test_event_and_an_empty_event_write_nothing() -> Result<()> {
    let bench = Workbench::open();
    let mut worker = bench.run("synthesize", &Faults::default())?;
    worker.expect(&sample("synthesize/test-event.json")?)?;
    worker.expect(&sample("synthesize/empty.json")?)?;
    assert_eq!(worker.points()?, Vec::<String>::new(), "nothing is written");
    Ok(())
}

#[test]
fn an_event_about_another_bucket_is_refused() -> Result<()> {
    let bench = Workbench::open();
    let mut worker = bench.run("synthesize", &Faults::default())?;
    let user = bench.app.user()?;
    let work = user.send(&faces::no_face()?)?.work;
    let mut event = bench.photo_event(user.subject()?, work)?;
    event["Records"][0]["s3"]["bucket"]["name"] = json!(bench.app.stack.output("WorksBucket")?);
    assert!(matches!(worker.handle(&event)?, Answer::Failed(_)));
    assert_eq!(worker.points()?, Vec::<String>::new(), "nothing is written");
    Ok(())
}

#[test]
fn an_object_without_a_record_is_deleted() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let subject = user.subject()?;
    let rows = app.rows(subject)?.len();
    let unknown = PhotoKey { subject, work: "01BX5ZZKBKACTAV9WEVGEMMVRZ".parse()? }.to_string();
    for key in [unknown.as_str(), "uploads/stray", "uploads/a b+c/ü"] {
        app.put_photo_object(key, &faces::no_face()?.bytes)?;
        let bucket = app.stack.output("UploadsBucket")?;
        eventually("the object is deleted", || {
            Ok((!app.stack.account().object_keys(bucket)?.iter().any(|found| found == key)).then_some(()))
        })?;
    }
    assert_eq!(app.rows(subject)?.len(), rows, "a stray object made a record");
    Ok(())
}

#[test]
fn an_event_delivered_three_times_to_the_deployed_function_makes_one_work() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let mut event = sample("synthesize/photo.json")?;
    let s3 = &mut event["Records"][0]["s3"];
    s3["bucket"]["name"] = json!(app.stack.output("UploadsBucket")?);
    s3["object"]["key"] = json!(PhotoKey { subject, work }.to_string());
    s3["object"]["size"] = json!(faces::portrait()?.bytes.len());
    for _ in 0..WORKERS {
        app.invoke_later("synthesize", &event)?;
    }
    assert_eq!(user.wait(work)?["status"], "ready");
    user.wait_until_photo_is_gone(work)?;
    assert_eq!(app.settled_status(subject, work)?, "ready");
    Ok(())
}

#[test]
fn a_photo_whose_worker_never_starts_is_given_up_and_deleted() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;
    // The deployed function without its models: Lambda tries three times and hands the record to `purge`.
    let environment = app.stack.function_environment("synthesize")?;
    app.reconfigure("synthesize", "MODELS_DIR", "/nowhere")?;
    let ended = app.invoke_later("synthesize", &event).and_then(|()| user.wait(work));
    app.reconfigure("synthesize", "MODELS_DIR", &environment["MODELS_DIR"])?;
    let shown = ended?;
    assert_eq!(shown["failure"]["reason"], "internal_error", "{shown}");
    user.wait_until_photo_is_gone(work)?;
    assert_eq!(app.settled_status(subject, work)?, "failed");
    Ok(())
}
