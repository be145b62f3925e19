//! Retention periods: the sweep deletes all data whose period has ended, even if another function failed to delete it.

use anyhow::Result;
use serde_json::json;

use crate::faces;
use crate::workbench::{Faults, Workbench};

const DAY: u32 = 24 * 3_600;

#[test]
fn a_ready_work_is_deleted_when_its_period_ends() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;
    bench.run("synthesize", &Faults::default())?.expect(&event)?;
    bench.sweep(30 * DAY - 600)?;
    assert_eq!(bench.app.settled_status(subject, work)?, "ready", "deleted before its period ended");
    bench.sweep(30 * DAY + 1)?;
    assert_eq!(bench.app.settled_status(subject, work)?, "gone");
    assert_eq!(user.show(work)?.status, 404);
    Ok(())
}

#[test]
fn a_refused_work_is_kept_for_a_day() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::no_face()?)?.work;
    let subject = user.subject()?;
    let event = bench.photo_event(subject, work)?;
    bench.run("synthesize", &Faults::default())?.expect(&event)?;
    bench.sweep(DAY - 600)?;
    assert_eq!(bench.app.settled_status(subject, work)?, "failed", "deleted before its period ended");
    bench.sweep(DAY + 1)?;
    assert_eq!(bench.app.settled_status(subject, work)?, "gone");
    Ok(())
}

#[test]
fn a_work_without_its_upload_fails_with_upload_expired() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.request_upload(&faces::no_face()?)?.work;
    // The URL works for 5 minutes. A photo sent at its end counts as lost 15 minutes later.
    bench.sweep(20 * 60 - 120)?;
    assert_eq!(user.show(work)?.expect(200)?["status"], "awaiting_upload");
    bench.sweep(20 * 60 + 1)?;
    let shown = user.show(work)?.expect(200)?;
    assert_eq!(shown["failure"]["reason"], "upload_expired", "{shown}");
    assert_eq!(bench.app.settled_status(user.subject()?, work)?, "failed");
    Ok(())
}

#[test]
fn the_sweep_deletes_an_unclaimed_photo_after_15_minutes() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    let stray = format!("uploads/{subject}/stray");
    bench.app.put_photo_object(&stray, &faces::no_face()?.bytes)?;
    bench.sweep(15 * 60 - 120)?;
    assert_eq!(bench.app.photos_of(subject)?.len(), 2, "a photo was deleted too early");
    bench.sweep(15 * 60 + 1)?;
    assert_eq!(bench.app.photos_of(subject)?, Vec::<String>::new());
    let shown = user.show(work)?.expect(200)?;
    assert_eq!(shown["failure"]["reason"], "internal_error", "{shown}");
    assert_eq!(bench.app.settled_status(subject, work)?, "failed");
    Ok(())
}

#[test]
fn a_sweep_resumes_at_the_cursor_and_the_next_starts_over() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    // The cursor of a sweep that ran out of time. It lies past every key.
    bench.app.put_row(&json!({
        "pk": { "S": "PURGE" }, "sk": { "S": "CURSOR#photos" }, "after": { "S": "uploads/~" },
    }))?;
    bench.sweep(15 * 60 + 1)?;
    assert_eq!(bench.app.photos_of(subject)?.len(), 1, "the sweep ignored the cursor");
    bench.sweep(15 * 60 + 1)?;
    assert_eq!(bench.app.photos_of(subject)?, Vec::<String>::new());
    assert_eq!(bench.app.settled_status(subject, work)?, "failed");
    Ok(())
}

#[test]
fn a_sweep_reports_the_age_of_the_oldest_photo() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.send(&faces::no_face()?)?;
    let ahead_seconds = 14 * 60;
    let mut purge = bench.run("purge", &Faults { ahead_seconds, ..Faults::default() })?;
    purge.expect(&crate::workbench::sample("purge/sweep.json")?)?;
    let log = purge.log()?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let metric_lines: Vec<_> = lines.filter(|line| !line["_aws"].is_null()).collect();
    assert_eq!(metric_lines.len(), 1, "{log}");
    assert_eq!(
        metric_lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"],
        "oldest_photo_age_seconds"
    );
    let age = metric_lines[0]["oldest_photo_age_seconds"].as_u64().unwrap_or_default();
    assert!((u64::from(ahead_seconds)..2 * 900).contains(&age), "{age} s");
    Ok(())
}

#[test]
fn a_malformed_row_does_not_stop_the_purge_of_others() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let mut works = Vec::new();
    for _ in 0..9 {
        works.push(user.request_upload(&faces::no_face()?)?.work);
    }
    let subject = user.subject()?;
    let mut rows = Vec::new();
    for shard in 0..8 {
        // First in each shard: a key that is not a work's, and a work's key whose row lacks the work's fields.
        let (no_key, no_work) =
            (format!("WORK#none-{shard}"), format!("WORK#01BX5ZZKBKACTAV9WEVGEMMVR{shard}"));
        for (row, due_at) in [(no_key, "1"), (no_work, "2")] {
            let key = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": row } });
            let mut item = key.clone();
            item["due_shard"] = json!({ "S": shard.to_string() });
            item["due_at"] = json!({ "N": due_at });
            bench.app.put_row(&item)?;
            rows.push(key);
        }
    }
    let swept = bench.sweep(20 * 60 + 1);
    for key in rows {
        bench.app.delete_row(&key)?;
    }
    assert!(swept.is_err(), "the sweep does not report the malformed rows");
    for work in works {
        assert_eq!(bench.app.settled_status(subject, work)?, "failed");
    }
    Ok(())
}

#[test]
fn the_deployed_sweep_runs_under_its_role() -> Result<()> {
    let bench = Workbench::open();
    let event = crate::workbench::sample("purge/sweep.json")?;
    bench.app.stack.account().invoke(&bench.app.stack.function("purge"), &event)?;
    Ok(())
}
