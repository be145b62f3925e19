//! Erases accounts while their clients keep calling: no data remains in any store, and every receipt is true.
//!
//! `ERASURES=1000 cargo test -p acceptance --test acceptance concurrent_erasures` erases 1,000 accounts.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use domain::SubjectId;
use local_stack::Stopwatch;

use crate::app::{TEMPLATE, User, eventually};
use crate::erasing::{DeletionRequest, VERIFY_DUE, stream_event};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench};

/// The default number of erasures; they take about a minute on two cores.
const ERASURES: usize = 100;

/// The number of accounts that are erased concurrently.
const CONCURRENT_ACCOUNTS: usize = 4;

/// How long clients keep calling after their account is erased.
const CALLS_AFTER_ERASURE: Duration = Duration::from_millis(60);

/// Every n-th account is started again after its erasure.
const RESTART_EVERY: usize = 4;

#[expect(clippy::disallowed_methods, reason = "the long run is asked for by a variable of the test's own")]
fn erasures() -> Result<usize> {
    let value = std::env::var_os("ERASURES").and_then(|number| number.into_string().ok());
    value.map_or(Ok(ERASURES), |number| number.parse().context("ERASURES is a number"))
}

/// An account that was erased.
struct ErasedAccount {
    name: String,
    subject: SubjectId,
    requested: DeletionRequest,
}

/// Repeats the calls of one account's clients until `stop` is set.
fn call_until_stopped(user: &User<'_>, stop: &AtomicBool, calls: &AtomicUsize) -> Result<()> {
    let photo = faces::no_face()?;
    let start = || user.start_account();
    let restart = || user.app.stack.sign_in(&user.name)?.send("POST", "/v1/account", &[], Vec::new());
    let ask_upload = || user.try_request_upload(&photo);
    let save = || user.save_favorite("template", TEMPLATE);
    let poll = || user.caller.get("/v1/works");
    type Call<'a> = &'a (dyn Fn() -> Result<local_stack::ApiAnswer> + Sync);
    let clients: [&[Call<'_>]; 3] = [&[&start], &[&ask_upload, &poll, &save], &[&restart, &start]];
    std::thread::scope(|scope| {
        let threads = clients.map(|client| {
            scope.spawn(move || {
                for call in client.iter().cycle() {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let answer = call()?;
                    ensure!(answer.status < 500, "answered {}: {}", answer.status, answer.body);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        threads.into_iter().try_for_each(|thread| thread.join().map_err(panicked)?)
    })
}

/// Turns a thread's panic into an error. The panic's message is already on the terminal.
fn panicked(_message: Box<dyn Any + Send>) -> anyhow::Error {
    anyhow::anyhow!("a thread panicked")
}

/// Erases one account while its clients call. Some accounts are started again, with a token from after the erasure.
fn erase_one(
    bench: &Workbench,
    erase: &mut Run,
    number: usize,
    calls: &AtomicUsize,
) -> Result<ErasedAccount> {
    let user = bench.app.user()?;
    user.start_account()?.expect(200)?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    let subject = user.subject()?;
    let restarts = number.is_multiple_of(RESTART_EVERY);
    let stop = AtomicBool::new(false);
    let requested = std::thread::scope(|scope| {
        let clients = scope.spawn(|| call_until_stopped(&user, &stop, calls));
        let erased = (|| {
            let requested = user.erase("account")?;
            erase.expect(&stream_event(&requested)?)?;
            std::thread::sleep(CALLS_AFTER_ERASURE);
            if restarts {
                // A token counts as newer only from the next second on, and the stack is slower in a long run.
                eventually("the new account has a new subject", || {
                    Ok(user.subject().ok().filter(|anew| *anew != subject))
                })?;
            }
            Ok::<_, anyhow::Error>(requested)
        })();
        stop.store(true, Ordering::Relaxed);
        clients.join().map_err(panicked)?.context("a client")?;
        erased
    })?;
    Ok(ErasedAccount { name: user.name, subject, requested })
}

/// Erases `count` accounts, [`CONCURRENT_ACCOUNTS`] at a time.
fn erase_all(bench: &Workbench, count: usize, calls: &AtomicUsize) -> Result<Vec<ErasedAccount>> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONCURRENT_ACCOUNTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut erase = bench.run("erase", &Faults::default())?;
                    let mut erased = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return Ok::<_, anyhow::Error>(erased);
                        }
                        erased.push(erase_one(bench, &mut erase, number, calls)?);
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(panicked)??);
        }
        Ok(all)
    })
}

/// Lists every row, object and identity of these subjects in any store.
fn rows_and_objects_of(bench: &Workbench, subjects: &BTreeSet<String>) -> Result<Vec<String>> {
    let app = &bench.app;
    let mut found = Vec::new();
    let of_one = |text: &str, marker: &str| {
        let id = text.split_once(marker).map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        id.is_some_and(|id| subjects.contains(id))
    };
    for row in app.all_rows("RecordsTable")? {
        if of_one(row["pk"].as_str().unwrap_or_default(), "SUBJECT#") {
            found.push(format!("the row {}", row["sk"]));
        }
    }
    for row in app.all_rows("IdentitiesTable")? {
        if row["subject"].as_str().is_some_and(|subject| subjects.contains(subject)) {
            found.push("an identity".to_owned());
        }
    }
    for (bucket, prefix) in [("UploadsBucket", "uploads/"), ("WorksBucket", "works/")] {
        let keys = app.stack.account().object_keys(app.stack.output(bucket)?)?;
        found.extend(keys.into_iter().filter(|key| of_one(key, prefix)));
    }
    Ok(found)
}

#[test]
fn accounts_erased_while_clients_keep_calling_leave_nothing_and_every_receipt_is_true() -> Result<()> {
    let bench = Workbench::open();
    let (count, calls, start) = (erasures()?, AtomicUsize::new(0), Stopwatch::start());
    let erased = erase_all(&bench, count, &calls)?;
    let hammered = start.elapsed();
    let subjects: BTreeSet<_> = erased.iter().map(|erased| erased.subject.to_string()).collect();
    ensure!(subjects.len() == count, "{} subjects of {count}", subjects.len());
    let after_first_pass = rows_and_objects_of(&bench, &subjects)?;

    let mut verify_pass = bench.run("erase", &Faults { ahead_seconds: VERIFY_DUE, ..Faults::default() })?;
    let mut receipts = 0;
    for ErasedAccount { requested, .. } in &erased {
        verify_pass.expect(&stream_event(requested)?)?;
        let state = bench.app.state(requested)?;
        ensure!(state == "verified", "{state}: the verify pass found data");
        bench.app.receipt(requested)?;
        receipts += 1;
    }
    let left = rows_and_objects_of(&bench, &subjects)?;
    println!(
        "{count} erasures in {:.0} s during {} calls: {} rows and objects after the first pass, {receipts} receipts, \
         {} rows and objects after them",
        hammered.as_secs_f64(),
        calls.load(Ordering::Relaxed),
        after_first_pass.len(),
        left.len(),
    );
    ensure!(after_first_pass.is_empty(), "written after an erasure: {after_first_pass:?}");
    ensure!(left.is_empty(), "{} receipts may be false: {left:?}", left.len());
    let identities = bench.app.all_rows("IdentitiesTable")?.into_iter().map(|row| row.to_string());
    let named =
        identities.filter(|row| erased.iter().any(|erased| row.contains(&format!("\"{}\"", erased.name))));
    ensure!(named.count() == 0, "an identity row names an erased user");
    Ok(())
}
