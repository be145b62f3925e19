//! Many works: an erasure, a sweep and a replay work in batches, stop when they run out of time, and resume.

use anyhow::{Context as _, Result, ensure};
use domain::SubjectId;
use local_stack::{Answer, Stopwatch};
use serde_json::{Value, json};

use crate::app::App;
use crate::erasing::{VERIFY_DUE, stream_event, user_with_data};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// The number of works of one user in a test.
const WORKS: usize = 600;

/// The most rows that one `BatchWriteItem` accepts.
const BATCH: usize = 25;

/// Seconds after which every work has expired.
const ALL_EXPIRED: u32 = 100 * 24 * 3_600;

impl App {
    /// Puts many rows, given in `DynamoDB` JSON, into a table.
    fn put_rows(&self, table: &str, rows: &[Value]) -> Result<()> {
        for rows in rows.chunks(BATCH) {
            let puts: Vec<_> = rows.iter().map(|row| json!({ "PutRequest": { "Item": row } })).collect();
            let answer = self.stack.account().call(
                "dynamodb",
                "batch_write_item",
                &json!({ "RequestItems": { table: puts } }),
            )?;
            ensure!(answer["UnprocessedItems"].as_object().is_none_or(serde_json::Map::is_empty));
        }
        Ok(())
    }
}

/// Reads the row of a subject's ready work.
fn ready_row(app: &App, subject: SubjectId) -> Result<Value> {
    let rows = app.raw_rows(subject)?;
    rows.into_iter().find(|row| row["status"]["S"] == "ready").context("no ready work")
}

/// Copies the row of a ready work for this subject, each copy with its own id. Returns the rows and the keys of their
/// pictures.
fn copies_of_row(row: &Value, subject: SubjectId, count: usize) -> Result<Vec<(Value, String)>> {
    let text = |name: &str| row[name]["S"].as_str().map(str::to_owned).context("an incomplete row");
    let (id, own) = (text("id")?, text("subject")?);
    (0..count)
        .map(|number| {
            let copy = format!("{}{number:05}", &id[..21]);
            let row = row.to_string().replace(&id, &copy).replace(&own, &subject.to_string());
            let attempt = 1;
            Ok((serde_json::from_str(&row)?, format!("works/{subject}/{copy}/{attempt}.jpg")))
        })
        .collect()
}

/// Adds this many ready works to a subject, and a picture to every tenth of them.
fn add_ready_works(app: &App, subject: SubjectId, count: usize) -> Result<()> {
    let copies = copies_of_row(&ready_row(app, subject)?, subject, count)?;
    let rows: Vec<_> = copies.iter().map(|(row, _)| row.clone()).collect();
    app.put_rows(app.stack.output("RecordsTable")?, &rows)?;
    let picture = faces::portrait()?.bytes;
    for (_, key) in copies.iter().step_by(10) {
        app.put_picture_object(key, &picture[..1_000])?;
    }
    Ok(())
}

/// Hands over one event and prints its cost per work: milliseconds and writing requests. Returns the writes per work.
#[expect(clippy::print_stdout, reason = "the figures of the run")]
fn measure(what: &str, run: &mut Run, event: &Value, works: usize) -> Result<f64> {
    let (start, before) = (Stopwatch::start(), run.points()?.len());
    let answer = run.handle(event)?;
    ensure!(matches!(answer, Answer::Returned(_)), "{answer:?}");
    let writes = ((run.points()?.len() - before) / 2) as f64 / works as f64;
    let ms = start.elapsed().as_secs_f64() * 1e3 / works as f64;
    println!("{what}: {works} works, {ms:.2} ms and {writes:.3} writes a work");
    Ok(writes)
}

#[test]
fn an_erasure_of_many_works_takes_few_requests() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    add_ready_works(&bench.app, subject, WORKS)?;
    let requested = user.erase("works")?;
    let mut erase = bench.run("erase", &Faults::default())?;
    let writes = measure("works erasure", &mut erase, &stream_event(&requested)?, WORKS)?;
    ensure!(bench.app.state(&requested)? == "erased" && bench.app.pictures_of(subject)?.is_empty());
    ensure!(writes < 0.2, "{writes} writes a work");
    Ok(())
}

#[test]
fn an_erasure_that_runs_out_of_time_stays_due_and_resumes() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    for scope in ["works", "account"] {
        let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
        add_ready_works(&bench.app, subject, 1_200)?;
        let mut pictures = bench.app.pictures_of(subject)?.len();
        let mut rows = bench.app.rows(subject)?.len();
        let requested = user.erase(scope)?;
        let mut erase = bench.run_with("erase", &Faults::default(), &[("BUDGET_SECONDS", "0")])?;
        let mut runs = 0;
        while bench.app.state(&requested)? == "hidden" {
            erase.expect(&stream_event(&requested)?)?;
            runs += 1;
            let left = (bench.app.pictures_of(subject)?.len(), bench.app.rows(subject)?.len());
            ensure!(left.0 < pictures || left.1 < rows, "{scope}: run {runs} did nothing");
            ensure!(user.list()?.is_empty(), "{scope}: works are shown between two runs");
            (pictures, rows) = left;
        }
        ensure!(runs > 1, "{scope}: one run did everything, so this test proves nothing");
        ensure!(bench.app.pictures_of(subject)?.is_empty(), "{scope}: pictures remain");
        bench.sweep_erasures(VERIFY_DUE)?;
        ensure!(bench.app.state(&requested)? == "verified");
    }
    Ok(())
}

#[test]
fn a_sweep_of_many_works_takes_few_requests() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (_user, subject, waiting) = user_with_data(&bench, &mut synthesize)?;
    bench.sweep(ALL_EXPIRED)?;
    ensure!(bench.app.settled_status(subject, waiting.work)? == "failed");
    bench.sweep(2 * ALL_EXPIRED)?;
    let (_user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    add_ready_works(&bench.app, subject, WORKS)?;
    let mut purge = bench.run("purge", &Faults { ahead_seconds: ALL_EXPIRED, ..Faults::default() })?;
    let writes = measure("sweep", &mut purge, &sample("purge/sweep.json")?, WORKS)?;
    let left = bench.app.rows(subject)?.iter().filter(|row| row["status"] == "ready").count();
    ensure!(left == 0 && bench.app.pictures_of(subject)?.is_empty(), "{left} works or some pictures remain");
    ensure!(writes < 0.2, "{writes} writes a work");
    Ok(())
}

#[test]
fn a_work_that_changes_during_a_sweep_does_not_stop_the_others() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (_user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    // All these works are in one shard of the index, and so on one page.
    add_ready_works(&bench.app, subject, 60)?;
    let faults = Faults { ahead_seconds: ALL_EXPIRED, pause_at: Some(1), ..Faults::default() };
    let mut purge = bench.run("purge", &faults)?;
    purge.process.send(&sample("purge/sweep.json")?);
    ensure!(purge.wait_for_pause()?);
    // After the sweep has read one work, its user deletes it while a worker still holds it.
    let mut changed = copies_of_row(&ready_row(&bench.app, subject)?, subject, 7)?.remove(6).0;
    changed["status"] = json!({ "S": "deleting" });
    changed["settled_at"] = json!({ "N": "9999999999" });
    bench.app.put_row(&changed)?;
    purge.resume()?;
    ensure!(matches!(purge.answer()?, Answer::Returned(_)));
    let rows = bench.app.rows(subject)?;
    let left: Vec<_> = rows.iter().filter(|row| row["expires_at"].is_number()).collect();
    ensure!(left.len() == 1 && left[0]["id"] == changed["id"]["S"], "{left:?}");
    bench.app.delete_row(&json!({ "pk": changed["pk"], "sk": changed["sk"] }))
}

#[test]
fn the_replay_clears_a_large_copy_in_several_runs() -> Result<()> {
    const SUBJECTS: u128 = 400;
    const OF_EACH: usize = 5;
    let bench = Workbench::open();
    let app = &bench.app;
    let account = app.stack.account();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    let (erased, erased_subject, _) = user_with_data(&bench, &mut synthesize)?;
    let ready = ready_row(app, subject)?;

    // A copy of the records with works of many more subjects. The last work of each subject has no picture: it was
    // deleted after the backup.
    let records = app.stack.output("RecordsTable")?.to_owned();
    let copy = format!("{records}-large");
    let _left_by_an_earlier_run = account.call("dynamodb", "delete_table", &json!({ "TableName": copy }));
    let backup = json!({ "TableName": records, "BackupName": "large" });
    let backup = account.call("dynamodb", "create_backup", &backup)?;
    let restore = json!({ "TargetTableName": copy, "BackupArn": backup["BackupDetails"]["BackupArn"] });
    account.call("dynamodb", "restore_table_from_backup", &restore)?;
    let requested = erased.erase("account")?;
    bench.sweep_erasures(0)?;
    ensure!(app.state(&requested)? == "erased");
    let (mut rows, mut pictures) = (Vec::new(), Vec::new());
    for number in 0..SUBJECTS {
        let subject = SubjectId::from_random(number.wrapping_mul(u128::MAX / SUBJECTS));
        for (row, key) in copies_of_row(&ready, subject, OF_EACH)? {
            rows.push(row);
            pictures.push(key);
        }
    }
    app.put_rows(&copy, &rows)?;
    let picture = faces::portrait()?.bytes;
    let kept = || pictures.iter().enumerate().filter(|(number, _)| number % OF_EACH != OF_EACH - 1);
    for (_, key) in kept() {
        app.put_picture_object(key, &picture[..100])?;
    }

    let works = |rows: &[Value]| rows.iter().filter(|row| row["status"] == "ready").count();
    let before = works(&app.rows_of(&copy)?);
    let mut erase = bench.run("erase", &Faults::default())?;
    let (mut runs, mut vanished) = (0, 0);
    let start = Stopwatch::start();
    loop {
        let event = json!({ "task": "replay", "table": copy, "seconds": 1 });
        let Answer::Returned(answer) = erase.handle(&event)? else { anyhow::bail!("no answer") };
        runs += 1;
        vanished += answer["vanished"].as_u64().context("no number")?;
        if answer["complete"] == true {
            break;
        }
        ensure!(answer["complete"] == false && runs < 200, "{runs} runs: {answer}");
        let cursor = app.rows_of(&copy)?.into_iter().find(|row| row["sk"] == "CURSOR#replay");
        let cursor = cursor.context("a run that is not the last leaves no cursor")?.to_string();
        ensure!(!cursor.contains("SUBJECT") && cursor.len() < 200, "{cursor}");
    }
    let rate = before as f64 / start.elapsed().as_secs_f64();
    println!("replay: {before} works in {runs} runs, {vanished} vanished, {rate:.0} works a second");
    let cleared = app.rows_of(&copy)?;
    ensure!(runs > 1, "one run did everything, so this test proves nothing");
    ensure!(vanished == u64::try_from(SUBJECTS)?, "{vanished} vanished");
    ensure!(
        !Value::from(cleared.clone()).to_string().contains(&erased_subject.to_string()),
        "the erased account is back"
    );
    // The replay deletes the erased user's work with the account and does not count it as vanished.
    ensure!(works(&cleared) == before - usize::try_from(SUBJECTS)? - 1, "{} works remain", works(&cleared));
    ensure!(cleared.iter().all(|row| row["sk"] != "CURSOR#replay"), "a cursor remains");
    // A second replay changes nothing.
    erase.expect(&json!({ "task": "replay", "table": copy }))?;
    ensure!(app.rows_of(&copy)?.len() == cleared.len());
    drop(user);

    for (_, key) in kept() {
        let bucket = app.stack.output("WorksBucket")?;
        account.call("s3", "delete_object", &json!({ "Bucket": bucket, "Key": key }))?;
    }
    account.call("dynamodb", "delete_table", &json!({ "TableName": copy })).map(drop)
}
