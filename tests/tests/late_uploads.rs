//! Late uploads: a late PUT, a late repetition of the request, and polling for a photo that has not arrived.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use local_stack::{local_directory, workspace_root};
use serde_json::json;

use crate::app::OTHER_TEMPLATE;
use crate::faces;
use crate::uploading::{post, request};
use crate::workbench::{Faults, Workbench};

#[test]
fn a_put_after_the_url_expired_is_refused() -> Result<()> {
    let bench = Workbench::open();
    bench.app.reconfigure("uploads", "UPLOAD_URL_SECONDS", "1")?;
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    let pending = user.request_upload(&photo)?;
    bench.app.reconfigure("uploads", "UPLOAD_URL_SECONDS", "300")?;
    // Waits until the URL, which works for 1 s, has expired.
    std::thread::sleep(Duration::from_secs(3));
    let (status, _) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
    assert_eq!(status, 403);
    assert_eq!(bench.app.photos_of(user.subject()?)?, Vec::<String>::new());

    // Every route shows the failure at once; `purge` settles the row later.
    let shown = user.show(pending.work)?;
    assert!(shown.headers.get("retry-after").is_none(), "Retry-After on a work that has failed");
    let shown = shown.expect(200)?;
    assert_eq!((&shown["status"], &shown["failure"]["reason"]), (&json!("failed"), &json!("upload_expired")));
    assert_eq!(user.list()?[0]["failure"], shown["failure"]);
    let row = bench.app.work_row(user.subject()?, pending.work)?.context("no row")?;
    assert_eq!(row["status"], "awaiting_upload");
    Ok(())
}

#[test]
fn a_put_that_ends_after_its_url_expired_still_becomes_a_work() -> Result<()> {
    let bench = Workbench::open();
    bench.app.reconfigure("uploads", "UPLOAD_URL_SECONDS", "2")?;
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    bench.app.reconfigure("uploads", "UPLOAD_URL_SECONDS", "300")?;
    // Simulates a slow upload that ends after the URL expired. S3 sends the event when the upload ends.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(user.show(work)?.expect(200)?["failure"]["reason"], "upload_expired");
    let event = bench.photo_event(user.subject()?, work)?;
    bench.run("synthesize", &Faults::default())?.expect(&event)?;
    assert_eq!(user.show(work)?.expect(200)?["status"], "ready");
    assert_eq!(bench.app.settled_status(user.subject()?, work)?, "ready");
    Ok(())
}

#[test]
fn retry_after_grows_while_a_photo_is_awaited() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::no_face()?)?.work;
    let pause = || -> Result<u32> {
        let answer = user.show(work)?;
        let pause = answer.headers.get("retry-after").context("no Retry-After")?.to_str()?.parse()?;
        assert_eq!(answer.expect(200)?["status"], "awaiting_upload");
        Ok(pause)
    };
    assert_eq!(pause()?, 1);
    // Moves the request two minutes into the past.
    let (subject, mut row) = (user.subject()?, bench.app.raw_rows(user.subject()?)?);
    row.retain(|row| row["sk"]["S"] == format!("WORK#{work}"));
    let row = row.first_mut().context("no row")?;
    let created: i64 = row["created_at"]["N"].as_str().context("no time")?.parse()?;
    row["created_at"]["N"] = json!((created - 120).to_string());
    bench.app.put_row(row)?;
    assert!(bench.app.work_row(subject, work)?.is_some());
    let paused = pause()?;
    assert!((12..=14).contains(&paused), "{paused} s");
    Ok(())
}

#[test]
fn a_repeated_upload_request_gets_the_same_work_after_its_template_is_withdrawn() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    let photo = faces::portrait()?;
    let bytes = request(&photo).to_string().into_bytes();
    let (status, first) = post(&user, Some("key"), &bytes)?;
    assert_eq!(status, 201, "{first}");

    let templates = workspace_root().join("templates");
    let directory = local_directory("withdrawn");
    copy_folder(&templates.join(OTHER_TEMPLATE), &directory.join(OTHER_TEMPLATE))?;
    app.stack.publish_templates(&directory)?;
    let answers = ["key", "another"].map(|key| post(&user, Some(key), &bytes));
    let stranger = app.user()?;
    let strangers = post(&stranger, Some("key"), &bytes);
    let mut different = request(&photo);
    different["source"] = json!("album");
    let different = post(&user, Some("key"), different.to_string().as_bytes());
    app.stack.publish_templates(&templates)?;

    let [repeated, new] = answers;
    let (status, repeated) = repeated?;
    assert_eq!((status, &repeated["work_id"]), (200, &first["work_id"]), "{repeated}");
    for (what, answer, code) in [
        ("a new key", new, "unknown_template"),
        ("somebody else's key", strangers, "unknown_template"),
        ("another request", different, "idempotency_key_reused"),
    ] {
        let (status, problem) = answer?;
        assert_eq!((status, problem["code"].as_str()), (422, Some(code)), "{what}: {problem}");
    }
    assert!(stranger.subject().is_err(), "a refused request created a subject");
    let (status, reply) = user.caller.put_photo(&repeated["upload"], &photo.bytes)?;
    assert_eq!(status, 200, "{reply}");
    Ok(())
}

/// Copies the files of a template's folder.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
