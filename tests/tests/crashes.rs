//! A worker that dies between any two writes leaves nothing behind, whoever comes after it.
//!
//! The points are not listed here: a function counts its own writes (`kill_points.rs`), and a test goes on to the
//! next point until the function gets through.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use domain::{SubjectId, WorkId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, User};
use crate::faces::{self, Photo};
use crate::workbench::{Faults, Run, Workbench, sample};

/// Past the lease of 50 s.
const LEASE_EXPIRED: u32 = 60;

/// Past the lease and the 15 minutes a photo or a claimed work may wait.
const ORPHAN_AGE: u32 = 1_000;

/// More points than any function has.
const POINTS_MAX: u32 = 40;

/// Who comes after a worker that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    /// Lambda tries the event again, after the lease.
    Retry,
    /// Lambda has tried often enough and hands the event to `purge`.
    GivenUp,
    /// Nobody but the sweep.
    Sweep,
}

/// A photo on its way, and the event that tells of it.
struct Delivery<'a> {
    user: User<'a>,
    subject: SubjectId,
    work: WorkId,
    event: Value,
}

impl<'a> Delivery<'a> {
    fn of(bench: &'a Workbench, photo: &Photo) -> Result<Self> {
        let user = bench.app.user()?;
        let work = user.send(photo)?.work;
        let subject = user.subject()?;
        let event = bench.photo_event(subject, work)?;
        Ok(Self { user, subject, work, event })
    }

    /// How the work stands, once everything about it is as it must be.
    fn settled_status(&self, app: &App) -> Result<String> {
        app.settled_status(self.subject, self.work)
    }
}

/// What may come after a crash, running for as long as a test needs it.
struct RecoveryRunner<'a> {
    bench: &'a Workbench,
    retry: Run,
}

impl<'a> RecoveryRunner<'a> {
    fn of(bench: &'a Workbench) -> Result<Self> {
        let retry = bench.run("synthesize", &Faults { ahead_seconds: LEASE_EXPIRED, ..Faults::default() })?;
        Ok(Self { bench, retry })
    }

    fn recover(&mut self, recovery: Recovery, delivery: &Delivery<'_>) -> Result<()> {
        match recovery {
            Recovery::Retry => self.retry.expect(&delivery.event),
            Recovery::GivenUp => {
                let row = self.bench.app.work_row(delivery.subject, delivery.work)?.context("no row")?;
                let holder = row["lease"]["holder"].as_str().unwrap_or("nobody");
                let record = Workbench::on_failure_record(&delivery.event, holder)?;
                let purge = self.bench.app.stack.function("purge");
                self.bench.app.stack.account().invoke(&purge, &record).map(drop)
            }
            Recovery::Sweep => self.bench.sweep(ORPHAN_AGE),
        }
    }
}

/// Points after which something was not as it must be, of all tests.
static BREACHES: AtomicU32 = AtomicU32::new(0);

/// Prints how many points a test has covered, and how many all tests have so far: the last such line of a run is its
/// sum.
pub(crate) fn report_points(what: &str, points: u32) {
    static COVERED: AtomicU32 = AtomicU32::new(0);
    let all = COVERED.fetch_add(points, Ordering::Relaxed) + points;
    let breaches = BREACHES.load(Ordering::Relaxed);
    let line = format!("{what}: {points} kill points; so far {all} kill points, {breaches} breaches\n");
    // Past libtest, which would keep it back unless the test fails. Without a stderr there is nobody to tell.
    let _unwritten = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Kills `function` at every point in turn; `attempt` makes what it is to work on, hands it over, and looks at what
/// became of it when it died. The number of points, all of which were passed.
pub(crate) fn kill_at_every_point(
    bench: &Workbench,
    function: &str,
    ahead_seconds: u32,
    mut attempt: impl FnMut(&mut Run, u32) -> Result<Answer>,
) -> Result<u32> {
    for point in 1..=POINTS_MAX {
        let mut run =
            bench.run(function, &Faults { kill_at: Some(point), ahead_seconds, ..Faults::default() })?;
        let answer = attempt(&mut run, point).inspect_err(|_breach| {
            BREACHES.fetch_add(1, Ordering::Relaxed);
        });
        let answer = answer.with_context(|| format!("point {point} of {function}"))?;
        let passed = run.points()?;
        if matches!(answer, Answer::Returned(_)) {
            ensure!(
                passed.len() + 1 == point as usize,
                "{} points, none of them number {point}",
                passed.len()
            );
            return Ok(point - 1);
        }
        ensure!(matches!(answer, Answer::Died(_)), "{function} answered {answer:?} at point {point}");
        ensure!(passed.len() == point as usize, "died elsewhere than at point {point}: {passed:?}");
    }
    anyhow::bail!("{function} passes more than {POINTS_MAX} points")
}

/// Kills `synthesize` at every point of its way with this photo, once for every recovery; the number of points.
fn kill_synthesize_at_every_point(photo: &Photo, ends: &str) -> Result<u32> {
    let bench = Workbench::open();
    let mut recoveries = RecoveryRunner::of(&bench)?;
    let mut points = 0;
    for recovery in [Recovery::Retry, Recovery::GivenUp, Recovery::Sweep] {
        points += kill_at_every_point(&bench, "synthesize", 0, |run, point| {
            let delivery = Delivery::of(&bench, photo)?;
            let answer = run.handle(&delivery.event)?;
            if matches!(answer, Answer::Died(_)) {
                recoveries.recover(recovery, &delivery)?;
            }
            let status = delivery.settled_status(&bench.app).with_context(|| format!("{recovery:?}"))?;
            // Only a retry makes the work after all; but whoever comes finds done what was done.
            let made = matches!(answer, Answer::Returned(_)) || recovery == Recovery::Retry;
            ensure!(
                status == ends || (!made && status == "failed"),
                "{status} by {recovery:?}, point {point}"
            );
            let shown = delivery.user.show(delivery.work)?.expect(200)?;
            ensure!(shown["status"] == status.as_str(), "shown as {}", shown["status"]);
            Ok(answer)
        })?;
    }
    Ok(points)
}

#[test]
fn a_worker_that_dies_at_any_write_of_a_fit_leaves_nothing_behind() -> Result<()> {
    let points = kill_synthesize_at_every_point(&faces::portrait()?, "ready")?;
    report_points("fit", points);
    Ok(())
}

#[test]
fn a_worker_that_dies_at_any_write_of_a_refusal_leaves_nothing_behind() -> Result<()> {
    let points = kill_synthesize_at_every_point(&faces::no_face()?, "failed")?;
    report_points("refusal", points);
    Ok(())
}

/// The request that API Gateway hands to `works` when this user deletes this work.
fn deletion_event(bench: &Workbench, delivery: &Delivery<'_>) -> Result<Value> {
    let mut request = sample("works/delete.json")?;
    let claims = &mut request["requestContext"]["authorizer"]["jwt"]["claims"];
    claims["iss"] = json!(bench.app.stack.description().issuer);
    claims["sub"] = json!(delivery.user.name);
    request["pathParameters"]["id"] = json!(delivery.work.to_string());
    Ok(request)
}

#[test]
fn the_next_deletion_or_the_sweep_finishes_a_deletion_that_died_at_any_write() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let mut points = 0;
    for again in [true, false] {
        points += kill_at_every_point(&bench, "works", 0, |run, point| {
            let delivery = Delivery::of(&bench, &faces::portrait()?)?;
            synthesize.expect(&delivery.event)?;
            ensure!(delivery.settled_status(&bench.app)? == "ready");
            let answer = run.handle(&deletion_event(&bench, &delivery)?)?;
            if point > 1 {
                // The first write hides the work; what follows only removes it.
                ensure!(delivery.user.show(delivery.work)?.status == 404 && delivery.user.list()?.is_empty());
            }
            if again {
                delivery.user.delete(delivery.work)?.expect(204)?;
            } else if point > 1 {
                bench.sweep(0)?;
            } else {
                return Ok(answer);
            }
            ensure!(delivery.settled_status(&bench.app)? == "gone");
            Ok(answer)
        })?;
    }
    report_points("deletion", points);
    Ok(())
}

#[test]
fn a_retry_finishes_a_clean_up_that_died_at_any_write() -> Result<()> {
    let bench = Workbench::open();
    // A worker that has stored its picture and dies with everything still there.
    let dying = Faults { kill_at: Some(6), ..Faults::default() };
    let count = kill_at_every_point(&bench, "purge", 0, |run, _point| {
        let delivery = Delivery::of(&bench, &faces::portrait()?)?;
        let died = bench.run("synthesize", &dying)?.handle(&delivery.event)?;
        ensure!(matches!(died, Answer::Died(_)));
        let row = bench.app.work_row(delivery.subject, delivery.work)?.context("no row")?;
        let holder = row["lease"]["holder"].as_str().context("no lease")?;
        let record = Workbench::on_failure_record(&delivery.event, holder)?;
        let answer = run.handle(&record)?;
        bench.app.stack.account().invoke(&bench.app.stack.function("purge"), &record)?;
        ensure!(delivery.settled_status(&bench.app)? == "failed");
        let shown = delivery.user.show(delivery.work)?.expect(200)?;
        ensure!(shown["failure"]["reason"] == "internal_error", "{shown}");
        Ok(answer)
    })?;
    report_points("clean-up", count);
    Ok(())
}

#[test]
fn the_next_sweep_finishes_a_sweep_that_died_at_any_write() -> Result<()> {
    const TWO_MONTHS: u32 = 60 * 24 * 3_600;
    let bench = Workbench::open();
    bench.sweep(TWO_MONTHS)?;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let count = kill_at_every_point(&bench, "purge", TWO_MONTHS, |run, _point| {
        let ready = Delivery::of(&bench, &faces::portrait()?)?;
        synthesize.expect(&ready.event)?;
        let orphan = Delivery::of(&bench, &faces::no_face()?)?;
        let answer = run.handle(&sample("purge/sweep.json")?)?;
        bench.sweep(TWO_MONTHS)?;
        ensure!(ready.settled_status(&bench.app)? == "gone");
        // It failed as seen from two months ahead, and is kept a day from there.
        ensure!(orphan.settled_status(&bench.app)? == "failed");
        Ok(answer)
    })?;
    report_points("sweep", count);
    Ok(())
}
