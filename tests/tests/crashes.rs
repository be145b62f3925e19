//! A worker that dies between any two writes leaves no data behind, whichever recovery follows.
//!
//! A function counts its own writes (`kill_points.rs`), so the points are not listed here. A test kills the function at
//! one point after another until the function completes.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, ensure};
use domain::{SubjectId, WorkId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, User};
use crate::faces::{self, Photo};
use crate::workbench::{Faults, Run, Workbench, sample};

/// Seconds after which the lease of 50 s has expired.
const LEASE_EXPIRED: u32 = 60;

/// Seconds after which the lease and the 15 minutes of a photo or a claimed work are over.
const ORPHAN_AGE: u32 = 1_000;

/// An upper bound for the kill points of any function.
const POINTS_MAX: u32 = 40;

/// What recovers from a worker's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovery {
    /// Lambda retries the event after the lease.
    Retry,
    /// Lambda gives up and hands the on-failure record to `purge`.
    GivenUp,
    /// Only the sweep.
    Sweep,
}

/// An uploaded photo and its event.
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

    /// Checks the work's data as [`App::settled_status`] does, and returns the work's status.
    fn settled_status(&self, app: &App) -> Result<String> {
        app.settled_status(self.subject, self.work)
    }
}

/// Runs recoveries after crashes. Its retry process serves the whole test.
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

/// The number of kill points of all tests after which a check failed.
static BREACHES: AtomicU32 = AtomicU32::new(0);

/// Prints how many points a test has covered, and how many all tests have so far: the last such line of a run is its
/// sum.
pub(crate) fn report_points(what: &str, points: u32) {
    static COVERED: AtomicU32 = AtomicU32::new(0);
    let all = COVERED.fetch_add(points, Ordering::Relaxed) + points;
    let breaches = BREACHES.load(Ordering::Relaxed);
    let line = format!("{what}: {points} kill points; so far {all} kill points, {breaches} breaches\n");
    // Writes to stderr directly, because libtest shows captured output only when a test fails.
    let _write_error = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Kills `function` at every point in turn and returns the number of points. `attempt` creates the input, hands it to
/// the function, and checks the data after the function died.
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
                "completed after {} points without point {point}",
                passed.len()
            );
            return Ok(point - 1);
        }
        ensure!(matches!(answer, Answer::Died(_)), "{function} answered {answer:?} at point {point}");
        ensure!(passed.len() == point as usize, "died, but not at point {point}: {passed:?}");
    }
    anyhow::bail!("{function} passes more than {POINTS_MAX} points")
}

/// Pauses `function` at every point in turn and returns the number of points. `send` creates the input and sends it to the
/// function. `meanwhile` acts while the function is paused, resumes it, and checks the data.
pub(crate) fn pause_at_every_point<T>(
    bench: &Workbench,
    function: &str,
    faults: impl Fn(u32) -> Faults,
    mut send: impl FnMut(&mut Run) -> Result<T>,
    mut meanwhile: impl FnMut(&mut Run, T) -> Result<()>,
) -> Result<u32> {
    for point in 1..=POINTS_MAX {
        let mut run = bench.run(function, &Faults { pause_at: Some(point), ..faults(point) })?;
        let input = send(&mut run)?;
        if !run.wait_for_pause()? {
            run.expect_no_more_points(point as usize - 1)?;
            ensure!(point > 1, "{function} passes no point");
            return Ok(point - 1);
        }
        meanwhile(&mut run, input).with_context(|| format!("point {point} of {function}"))?;
    }
    anyhow::bail!("{function} passes more than {POINTS_MAX} points")
}

/// Kills `synthesize` at every point of its work on this photo, once for each recovery. Returns the number of points.
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
            // Of the recoveries, only a retry completes the work. The others keep a work that was already published.
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

/// Builds the event by which API Gateway tells `works` that this user deletes this work.
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
                // The first write hides the work; the later writes only remove its data.
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
    // This worker dies after it has stored its pictures, with the photo and all data still there.
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
        // The work failed at the sweep's time, two months ahead, and is kept for a day from then.
        ensure!(orphan.settled_status(&bench.app)? == "failed");
        Ok(answer)
    })?;
    report_points("sweep", count);
    Ok(())
}
