//! A user can delete a work at any stage: it is hidden at once, and all its data is deleted.

use anyhow::{Context as _, Result, ensure};
use local_stack::Answer;

use crate::app::App;
use crate::crashes::pause_at_every_point;
use crate::faces;
use crate::workbench::{Faults, Run, Workbench};

/// Seconds after which the lease of 50 s has expired.
const LEASE_EXPIRED: u32 = 60;

#[test]
fn a_ready_work_is_deleted_at_once() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let pending = user.send(&faces::portrait()?)?;
    let url = user.wait(pending.work)?["image"]["url"].as_str().context("no url")?.to_owned();
    user.wait_until_photo_is_gone(pending.work)?;
    user.delete(pending.work)?.expect(204)?;
    assert_eq!(user.show(pending.work)?.status, 404);
    assert!(user.list()?.is_empty());
    assert_eq!(app.settled_status(user.subject()?, pending.work)?, "gone");
    assert_eq!(user.caller.download(&url)?.0, 404, "an old download link still works");
    user.delete(pending.work)?.expect(204)?;
    Ok(())
}

#[test]
fn a_late_photo_of_a_deleted_work_is_deleted() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let photo = faces::portrait()?;
    let pending = user.request_upload(&photo)?;
    user.delete(pending.work)?.expect(204)?;
    assert_eq!(user.show(pending.work)?.status, 404);
    assert_eq!(app.settled_status(user.subject()?, pending.work)?, "gone");
    // The URL still works. The photo that it uploads is deleted unprocessed.
    let (status, reply) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
    assert_eq!(status, 200, "{reply}");
    user.wait_until_photo_is_gone(pending.work)?;
    assert_eq!(app.settled_status(user.subject()?, pending.work)?, "gone");
    Ok(())
}

#[test]
fn a_work_deleted_between_any_two_writes_of_its_worker_leaves_nothing() -> Result<()> {
    let bench = Workbench::open();
    let mut covered = 0;
    for dies in [false, true] {
        // The worker dies one point later, so that it writes once after the deletion.
        let faults = |point| Faults { kill_at: dies.then_some(point + 1), ..Faults::default() };
        let send = |worker: &mut Run| {
            let user = bench.app.user()?;
            let work = user.send(&faces::portrait()?)?.work;
            let subject = user.subject()?;
            worker.process.send(&bench.photo_event(subject, work)?);
            Ok((user, work, subject))
        };
        covered +=
            pause_at_every_point(&bench, "synthesize", faults, send, |worker, (user, work, subject)| {
                user.delete(work)?.expect(204)?;
                ensure!(user.show(work)?.status == 404, "still shown");
                ensure!(user.list()?.is_empty(), "still listed");
                worker.resume()?;
                let answer = worker.answer()?;
                ensure!(dies || matches!(answer, Answer::Returned(_)), "{answer:?}");
                if !dies {
                    // A surviving worker deletes its own objects; the sweep only removes the row.
                    ensure!(bench.app.pictures_of(subject)?.is_empty(), "objects of the work remain");
                    ensure!(bench.app.photos_of(subject)?.is_empty(), "the photo remains");
                }
                bench.sweep(LEASE_EXPIRED)?;
                let status = bench.app.settled_status(subject, work)?;
                ensure!(status == "gone", "the work is {status}");
                Ok(())
            })?;
    }
    println!("deletion while the worker is paused: {covered} points");
    Ok(())
}
