//! An erasure completes correctly when it is interrupted at any point, when two runs handle it at once, and when it
//! meets a worker.

use anyhow::{Result, ensure};
use local_stack::Answer;
use serde_json::Value;

use crate::crashes::{kill_at_every_point, pause_at_every_point, report_points};
use crate::erasing::{BACKUPS_EXPIRED, VERIFY_DUE, is_favorite, stream_event, user_with_data};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// Seconds after which the two years of a request are over.
const REQUEST_EXPIRED: u32 = BACKUPS_EXPIRED + 731 * 24 * 3_600;

/// Kills `erase` at every point of an erasure of each scope.
#[test]
fn the_sweep_finishes_an_erasure_that_died_at_any_write() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let mut covered = 0;
    for scope in ["favorites", "works", "account"] {
        covered += kill_at_every_point(&bench, "erase", VERIFY_DUE, |run, _point| {
            let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
            let requested = user.erase(scope)?;
            let answer = run.handle(&stream_event(&requested)?)?;
            ensure!(matches!(answer, Answer::Returned(_) | Answer::Died(_)), "{answer:?}");
            let seen = (user.list()?.len(), user.favorites()?.len());
            bench.sweep_erasures(VERIFY_DUE)?;
            bench.sweep_erasures(2 * VERIFY_DUE)?;
            ensure!(bench.app.state(&requested)? == "verified", "{scope}: {}", bench.app.state(&requested)?);
            bench.app.receipt(&requested)?;
            match scope {
                "account" => {
                    ensure!(seen == (0, 0), "works and favorites shown: {seen:?}");
                    let traces = bench.app.traces_of(&user, subject)?;
                    ensure!(traces.is_empty(), "data remains: {traces:?}");
                    ensure!(user.subject().is_err(), "the account exists again");
                }
                "works" => {
                    ensure!(seen == (0, 1), "works and favorites shown: {seen:?}");
                    ensure!(
                        bench.app.pictures_of(subject)?.is_empty()
                            && bench.app.photos_of(subject)?.is_empty()
                    );
                    ensure!(user.subject()? == subject);
                }
                _ => {
                    ensure!(seen == (2, 0), "works and favorites shown: {seen:?}");
                    ensure!(!bench.app.rows(subject)?.iter().any(is_favorite), "favorites remain");
                }
            }
            Ok(answer)
        })?;
    }
    report_points("erasure", covered);
    Ok(())
}

#[test]
fn two_concurrent_runs_of_one_request_make_one_erasure() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let faults = |_point| Faults { ahead_seconds: VERIFY_DUE, ..Faults::default() };
    let send = |slow: &mut Run| {
        let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
        let requested = user.erase("account")?;
        slow.process.send(&stream_event(&requested)?);
        Ok((user, subject, requested))
    };
    let covered = pause_at_every_point(&bench, "erase", faults, send, |slow, (user, subject, requested)| {
        bench.sweep_erasures(VERIFY_DUE)?;
        slow.resume()?;
        let answer = slow.answer()?;
        ensure!(matches!(answer, Answer::Returned(_)), "{answer:?}");
        ensure!(bench.app.state(&requested)? == "verified");
        ensure!(bench.app.traces_of(&user, subject)?.is_empty());
        Ok(())
    })?;
    println!("two runs of one erasure: {covered} points");
    Ok(())
}

/// Kills `erase` at every point after the first pass: in a verify pass that finds a late photo, in one that finds
/// nothing, when the backups expire a week later, and when the request's own period ends.
#[test]
fn the_next_sweep_finishes_the_verify_pass_or_expiry_that_died_at_any_write() -> Result<()> {
    let bench = Workbench::open();
    let sweep = sample("erase/sweep.json")?;
    let mut covered = 0;
    // Completes all requests of earlier tests first, so that every point belongs to one request.
    bench.sweep_erasures(REQUEST_EXPIRED)?;
    for ahead in [VERIFY_DUE, 2 * VERIFY_DUE, BACKUPS_EXPIRED, REQUEST_EXPIRED] {
        covered += kill_at_every_point(&bench, "erase", ahead, |run, _point| {
            let user = bench.app.user()?;
            let pending = user.request_upload(&faces::no_face()?)?;
            let subject = user.subject()?;
            let requested = user.erase("account")?;
            bench.sweep_erasures(0)?;
            let (status, _) = user.caller.put_photo(&pending.upload, &faces::no_face()?.bytes)?;
            ensure!(status == 200);
            if ahead > VERIFY_DUE {
                bench.sweep_erasures(VERIFY_DUE)?;
            }
            if ahead > 2 * VERIFY_DUE {
                bench.sweep_erasures(2 * VERIFY_DUE)?;
            }
            if ahead > BACKUPS_EXPIRED {
                bench.sweep_erasures(BACKUPS_EXPIRED)?;
            }
            let answer = run.handle(&sweep)?;
            bench.sweep_erasures(ahead)?;
            bench.sweep_erasures(ahead + VERIFY_DUE)?;
            if ahead == REQUEST_EXPIRED {
                ensure!(
                    bench.app.show_deletion_request(&requested.id, &requested.salt)?.status == 404,
                    "kept beyond its period"
                );
            } else {
                let state = bench.app.state(&requested)?;
                ensure!(state == "verified", "{state}");
                bench.app.receipt(&requested)?;
            }
            let traces = bench.app.traces_of(&user, subject)?;
            ensure!(traces.is_empty(), "data remains: {traces:?}");
            bench.sweep_erasures(REQUEST_EXPIRED)?;
            Ok(answer)
        })?;
    }
    report_points("end of an erasure", covered);
    Ok(())
}

#[test]
fn a_worker_paused_at_any_point_leaves_nothing_of_an_account_erased_meanwhile() -> Result<()> {
    let bench = Workbench::open();
    let mut covered = 0;
    for dies in [false, true] {
        let faults = |point| Faults { kill_at: dies.then_some(point + 1), ..Faults::default() };
        let send = |worker: &mut Run| {
            let user = bench.app.user()?;
            let work = user.send(&faces::portrait()?)?.work;
            let subject = user.subject()?;
            worker.process.send(&bench.photo_event(subject, work)?);
            Ok((user, subject))
        };
        covered += pause_at_every_point(&bench, "synthesize", faults, send, |worker, (user, subject)| {
            let requested = user.erase("account")?;
            bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
            ensure!(bench.app.state(&requested)? == "erased");
            worker.resume()?;
            let answer: Answer = worker.answer()?;
            ensure!(dies || matches!(answer, Answer::Returned(Value::Null)), "{answer:?}");
            if !dies {
                // A marker may block the upload URL until the verify pass.
                let (mut traces, markers) =
                    (bench.app.traces_of(&user, subject)?, bench.app.markers_of(subject)?);
                traces.retain(|trace| !markers.contains(trace));
                ensure!(traces.is_empty(), "data remains: {traces:?}");
            }
            bench.sweep_erasures(VERIFY_DUE)?;
            bench.sweep_erasures(2 * VERIFY_DUE)?;
            ensure!(bench.app.state(&requested)? == "verified");
            let traces = bench.app.traces_of(&user, subject)?;
            ensure!(traces.is_empty(), "data remains: {traces:?}");
            Ok(())
        })?;
    }
    println!("erasure while the worker is paused: {covered} points");
    Ok(())
}
