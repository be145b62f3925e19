//! An upload that began before its URL ran out may take any time, and end after the erasure was verified. S3 checks a
//! presigned URL when the request comes, and sets no bound to how long its body takes. What such an upload stores is
//! deleted, by three in turn: `synthesize`, `purge`, and the last look of `erase`.

use anyhow::{Result, ensure};
use domain::SubjectId;

use crate::alarms;
use crate::app::{Asked, User};
use crate::erasure::{BACKUPS_GONE, Requested, SETTLED};
use crate::faces;
use crate::workbench::{Faults, Workbench, sample};

/// Past the 15 minutes that a photo may wait.
const ORPHANED: u32 = 1_000;

/// A photo that arrives after the erasure of its works or its account was verified: to the erasure it is as if the upload
/// had taken that long.
fn arrive_late<'a>(bench: &'a Workbench, scope: &str) -> Result<(User<'a>, SubjectId, Asked, Requested)> {
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    let asked = user.ask(&photo)?;
    let subject = user.subject()?;
    let requested = user.erase(scope)?;
    bench.sweep_erasures(0)?;
    bench.sweep_erasures(SETTLED)?;
    ensure!(bench.app.state(&requested)? == "verified");
    let (status, said) = user.caller.put_photo(&asked.upload, &photo.bytes)?;
    ensure!(status == 200, "S3 answered {status}: {said}");
    ensure!(bench.app.photos_of(subject)?.len() == 1, "the late photo is not there");
    Ok((user, subject, asked, requested))
}

#[test]
fn a_photo_that_arrives_after_the_verification_is_deleted_by_its_own_event() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (_, subject, asked, _) = arrive_late(&bench, scope)?;
        let event = bench.photo_event(subject, asked.work)?;
        bench.run("synthesize", &Faults::default())?.expect(&event)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo is left");
        ensure!(bench.app.pictures_of(subject)?.is_empty(), "{scope}: the late photo was fitted");
    }
    Ok(())
}

#[test]
fn a_photo_that_arrives_after_the_verification_without_an_event_is_deleted_by_the_sweep() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (_, subject, ..) = arrive_late(&bench, scope)?;
        bench.sweep(ORPHANED)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo is left");
    }
    Ok(())
}

#[test]
fn what_all_others_have_missed_is_deleted_before_it_is_forgotten_whose_it_was() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (user, subject, _, requested) = arrive_late(&bench, scope)?;
        let mut erase = bench.run("erase", &Faults { ahead_seconds: BACKUPS_GONE, ..Faults::default() })?;
        erase.expect(&sample("erase/sweep.json")?)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo is left");
        ensure!(erase.log()?.contains("found after the receipt"), "{scope}: the log is silent");
        let fired = alarms::fired(&bench.app.stack, "erase", &erase.log()?)?;
        ensure!(fired.contains("found_after_receipt"), "{scope}: nobody is called, but for {fired:?}");
        bench.app.receipt(&requested)?;
        ensure!((scope == "works") == user.subject().is_ok());
    }
    Ok(())
}
