//! Photos that arrive after the erasure was verified. S3 checks a presigned URL when the request arrives and does not
//! limit how long the body takes, so a slow upload can end that late. Three functions delete such a photo: `synthesize`
//! on its event, else the sweep of `purge`, else the last pass of `erase`.

use anyhow::{Result, ensure};
use domain::SubjectId;

use crate::alarms;
use crate::app::{PendingUpload, User};
use crate::erasing::{BACKUPS_EXPIRED, DeletionRequest, VERIFY_DUE};
use crate::faces;
use crate::workbench::{Faults, Workbench, sample};

/// Seconds after which the 15 minutes of a photo are over.
const ORPHAN_AGE: u32 = 1_000;

/// A photo that arrives after the erasure of its works or its account was verified: to the erasure it is as if the
/// upload had taken that long.
fn arrive_late<'a>(
    bench: &'a Workbench,
    scope: &str,
) -> Result<(User<'a>, SubjectId, PendingUpload, DeletionRequest)> {
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    let pending = user.request_upload(&photo)?;
    let subject = user.subject()?;
    let requested = user.erase(scope)?;
    bench.sweep_erasures(0)?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "verified");
    let (status, reply) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
    ensure!(status == 200, "S3 answered {status}: {reply}");
    ensure!(bench.app.photos_of(subject)?.len() == 1, "the late photo was not stored");
    Ok((user, subject, pending, requested))
}

#[test]
fn its_event_deletes_a_photo_that_arrives_after_the_verification() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (_, subject, pending, _) = arrive_late(&bench, scope)?;
        let event = bench.photo_event(subject, pending.work)?;
        bench.run("synthesize", &Faults::default())?.expect(&event)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo remains");
        ensure!(bench.app.pictures_of(subject)?.is_empty(), "{scope}: the late photo was fitted");
    }
    Ok(())
}

#[test]
fn the_sweep_deletes_a_photo_that_arrives_after_the_verification_without_an_event() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (_, subject, ..) = arrive_late(&bench, scope)?;
        bench.sweep(ORPHAN_AGE)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo remains");
    }
    Ok(())
}

#[test]
fn the_last_pass_of_erase_deletes_what_the_others_missed() -> Result<()> {
    let bench = Workbench::open();
    for scope in ["works", "account"] {
        let (user, subject, _, requested) = arrive_late(&bench, scope)?;
        let mut erase =
            bench.run("erase", &Faults { ahead_seconds: BACKUPS_EXPIRED, ..Faults::default() })?;
        erase.expect(&sample("erase/sweep.json")?)?;
        ensure!(bench.app.photos_of(subject)?.is_empty(), "{scope}: the late photo remains");
        ensure!(erase.log()?.contains("found after the receipt"), "{scope}: erase does not log the photo");
        let fired = alarms::metrics_of_fired_alarms(&bench.app.stack, "erase", &erase.log()?)?;
        ensure!(fired.contains("found_after_receipt"), "{scope}: the alarm does not fire; {fired:?} do");
        bench.app.receipt(&requested)?;
        ensure!((scope == "works") == user.subject().is_ok());
    }
    Ok(())
}
