//! The residue check: it finds every kind of residue, and nothing in a healthy service.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use domain::SubjectId;
use local_stack::Answer;
use serde_json::{Value, json};

use crate::alarms;
use crate::crashes::{kill_at_every_point, report_points};
use crate::erasing::{VERIFY_DUE, user_with_data};
use crate::faces;
use crate::planted::{OLD, ORPHANED_FAVORITE, Planted, ResidueCounts, plant, row};
use crate::workbench::{Faults, Run, Workbench, sample};

/// Seconds after which the 15 minutes of a photo and the 5 minutes until the next sweep are over. No other period ends
/// near this time.
const PHOTOS_EXPIRED: u32 = 1_300;

/// Reads the counts that the last residue check of this process reported, without the zeros.
fn residue_counts(run: &Run) -> Result<ResidueCounts> {
    let log = run.log()?;
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let counts: BTreeMap<_, _> = lines
        .filter_map(|line| Some((line["kind"].as_str()?.to_owned(), line["residue_found"].as_u64()?)))
        .collect();
    ensure!(counts.len() == 18, "of {} kinds: {log}", counts.len());
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
}

impl Workbench {
    /// Runs a residue check with the clock ahead and returns its counts.
    fn residue(&self, ahead_seconds: u32) -> Result<ResidueCounts> {
        let mut purge = self.run("purge", &Faults { ahead_seconds, ..Faults::default() })?;
        purge.expect(&sample("purge/residue.json")?)?;
        residue_counts(&purge)
    }

    /// Reads the cursor of a residue check that has not completed.
    fn residue_cursor(&self) -> Result<Option<Value>> {
        let rows = self.app.all_rows("RecordsTable")?;
        Ok(rows.into_iter().find(|row| row["sk"] == "CURSOR#residue"))
    }

    fn put_cursor(&self, cursor: &Value) -> Result<()> {
        self.app.put_row(&json!({
            "pk": { "S": "PURGE" }, "sk": { "S": "CURSOR#residue" }, "after": { "S": cursor.to_string() },
        }))
    }
}

#[test]
fn every_kind_of_residue_is_found_and_named() -> Result<()> {
    let bench = Workbench::open_clean();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    user.request_erasure("favorites", "verified")?.expect(201)?;
    bench.sweep_erasures(0)?;
    user.request_erasure("favorites", "hidden")?.expect(201)?;
    // At this time the sweep deletes the marker of the spent upload URL.
    bench.sweep(PHOTOS_EXPIRED)?;
    ensure!(bench.residue(PHOTOS_EXPIRED)?.is_empty(), "residue before anything was planted");

    let planted = plant(&bench.app, &user, subject)?;
    let mut purge = bench.run("purge", &Faults { ahead_seconds: PHOTOS_EXPIRED, ..Faults::default() })?;
    let checked = purge.expect(&sample("purge/residue.json")?);
    let favorite = bench.app.row(subject, ORPHANED_FAVORITE)?;
    let others = bench.app.rows(subject)?.len();
    planted.undo()?;
    checked?;
    ensure!(
        residue_counts(&purge)? == planted.expected,
        "found {:?}, not {:?}",
        residue_counts(&purge)?,
        planted.expected
    );
    ensure!(planted.expected.len() == 18, "not every kind was planted");
    ensure!(favorite.is_none(), "the favorite without a work remains");
    ensure!(bench.app.rows(subject)?.len() < others, "the check deleted other rows");
    let log = purge.log()?;
    ensure!(
        alarms::metrics_of_fired_alarms(&bench.app.stack, "purge", &log)?.contains("residue_found"),
        "the alarm does not fire"
    );
    for secret in [subject.to_string(), SubjectId::from_random(1).to_string(), user.name.clone()] {
        ensure!(!log.contains(&secret), "the log identifies a user");
    }
    ensure!(bench.residue(PHOTOS_EXPIRED)?.is_empty(), "residue after the planted data was removed");
    Ok(())
}

#[test]
fn a_healthy_service_has_no_residue() -> Result<()> {
    let bench = Workbench::open_clean();
    let app = &bench.app;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    // Ready works, a deleted work, a refused work, a new photo, and a worker that has just stored its picture.
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    user.delete(user.list()?[0]["work_id"].as_str().context("no id")?.parse()?)?.expect(204)?;
    let refused = user.send(&faces::no_face()?)?.work;
    synthesize.expect(&bench.photo_event(subject, refused)?)?;
    let under_way = user.send(&faces::portrait()?)?.work;
    let mut worker = bench.run("synthesize", &Faults { pause_at: Some(4), ..Faults::default() })?;
    worker.process.send(&bench.photo_event(subject, under_way)?);
    ensure!(worker.wait_for_pause()?);
    ensure!(app.pictures_of(subject)?.iter().any(|key| key.contains(&under_way.to_string())));
    // Erasures that are requested, in progress and done; a tombstone, and a new account after one.
    let (hidden, ..) = user_with_data(&bench, &mut synthesize)?;
    let (erased, ..) = user_with_data(&bench, &mut synthesize)?;
    let (anew, ..) = user_with_data(&bench, &mut synthesize)?;
    let requests = [erased.erase("account")?, anew.erase("account")?, user.erase("favorites")?];
    bench.sweep_erasures(0)?;
    hidden.erase("account")?;
    let anew = anew.sign_in_again()?;
    anew.start_account()?.expect(200)?;
    anew.request_upload(&faces::no_face()?)?;
    let states = requests.iter().map(|request| app.state(request)).collect::<Result<Vec<_>>>()?;
    ensure!(states == ["erased", "erased", "verified"], "{states:?}");

    let found = bench.residue(0)?;
    worker.resume()?;
    worker.answer()?;
    ensure!(found.is_empty(), "{found:?}");
    // There is no residue after the erasures either.
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(app.state(&requests[0])? == "verified");
    let found = bench.residue(0)?;
    ensure!(found.is_empty(), "{found:?}");
    ensure!(bench.residue_cursor()?.is_none(), "a completed check leaves its cursor");
    Ok(())
}

#[test]
fn the_next_sweep_resumes_a_residue_check_that_stopped() -> Result<()> {
    let bench = Workbench::open_clean();
    let mut planted = Planted::in_stack(&bench.app);
    planted.object("stray_object", "UploadsBucket", "stray")?;
    planted.object("stray_object", "WorksBucket", "stray")?;
    let tombstone = json!({ "identity": { "S": "t" }, "erased_at": { "N": OLD }, "ttl": { "N": OLD } });
    planted.row("tombstone", "IdentitiesTable", &tombstone)?;
    let outcome = (|| {
        let stopped =
            |after: &str| json!({ "place": { "in": "works", "after": after }, "found": { "photo": 3 } });
        let sweep = |after: &str| -> Result<ResidueCounts> {
            bench.put_cursor(&stopped(after))?;
            let mut purge =
                bench.run("purge", &Faults { ahead_seconds: PHOTOS_EXPIRED, ..Faults::default() })?;
            purge.expect(&sample("purge/sweep.json")?)?;
            ensure!(bench.residue_cursor()?.is_none(), "the check has not completed");
            residue_counts(&purge)
        };
        // The resumed check scans only keys after the cursor: the first cursor skips the stray object, the second does
        // not.
        anyhow::Ok((sweep("works/~")?, sweep("a")?))
    })();
    planted.undo()?;
    let (past, before) = outcome?;
    let found = |stray: Option<u64>| -> ResidueCounts {
        let strays = stray.map(|count| ("stray_object".to_owned(), count));
        [("photo".to_owned(), 3), ("tombstone".to_owned(), 1)].into_iter().chain(strays).collect()
    };
    ensure!(past == found(None), "{past:?}");
    ensure!(before == found(Some(1)), "{before:?}");
    // Without a cursor a sweep runs no residue check.
    let mut purge = bench.run("purge", &Faults::default())?;
    purge.expect(&sample("purge/sweep.json")?)?;
    ensure!(residue_counts(&purge).is_err());
    Ok(())
}

#[test]
fn the_next_run_finishes_a_residue_check_that_died_at_any_write() -> Result<()> {
    let bench = Workbench::open_clean();
    let user = bench.app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let subject = user.subject()?;
    let favorite = json!({ "generation": { "N": "1" }, "saved_at": { "N": OLD } });
    let points = kill_at_every_point(&bench, "purge", 0, |run, _point| {
        bench.app.put_row(&row(subject, ORPHANED_FAVORITE, &favorite))?;
        let answer = run.handle(&sample("purge/residue.json")?)?;
        ensure!(matches!(answer, Answer::Returned(_) | Answer::Died(_)), "{answer:?}");
        bench.residue(0)?;
        ensure!(bench.app.row(subject, ORPHANED_FAVORITE)?.is_none(), "the favorite without a work remains");
        ensure!(bench.residue_cursor()?.is_none());
        Ok(answer)
    })?;
    report_points("residue", points);
    Ok(())
}
