//! Erased data is gone from every store and stays gone, and the receipt says so.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use domain::receipt::Jwks;
use domain::{ErasureScope, SubjectId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, TEMPLATE, eventually};
use crate::erasing::{
    BACKUPS_EXPIRED, DeletionRequest, VERIFY_DUE, is_favorite, stream_event, user_with_data,
};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// Copies the ready work until the subject's works fill three pages. Returns the number of works.
fn fill_pages(app: &App, subject: SubjectId) -> Result<usize> {
    let rows = app.raw_rows(subject)?;
    let ready = rows.iter().find(|row| row["status"]["S"] == "ready").context("no ready work")?;
    let id = ready["id"]["S"].as_str().context("no id")?.to_owned();
    let thumbnail = faces::portrait()?.bytes;
    for number in 0..120 {
        // Only the last characters of the id differ, so the time in it stays the same.
        let copy = format!("{}{number:03}", &id[..23]);
        app.put_row(&serde_json::from_str(&ready.to_string().replace(&id, &copy))?)?;
        for object in ["1.jpg", "1-thumbnail.jpg"] {
            app.put_picture_object(&format!("works/{subject}/{copy}/{object}"), &thumbnail[..1_000])?;
        }
    }
    Ok(121)
}

#[test]
fn an_account_with_three_pages_of_works_is_erased_under_concurrent_requests() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, in_flight) = user_with_data(&bench, &mut synthesize)?;
    let works = fill_pages(app, subject)?;
    ensure!(works > 100, "{works} works do not fill three pages");

    // Any answer below 500 is fine for these requests; the checks below show that they stored no data.
    let photo = faces::no_face()?;
    let expect_no_server_fault = |answer: local_stack::ApiAnswer| {
        ensure!(answer.status < 500, "answered {}: {}", answer.status, answer.body);
        Ok(())
    };
    let ask_upload = || user.try_request_upload(&photo).and_then(expect_no_server_fault);
    let save = || user.save_favorite("template", TEMPLATE).and_then(expect_no_server_fault);
    let list = || user.list().map(drop);
    let concurrent: [&(dyn Fn() -> Result<()> + Sync); 3] = [&ask_upload, &save, &list];
    let ended = AtomicBool::new(false);
    let requested = std::thread::scope(|scope| {
        for request in concurrent {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    request().unwrap_or_else(|error| panic!("a concurrent request: {error:#}"));
                }
            });
        }
        let outcome = (|| {
            let requested = user.erase("account")?;
            ensure!(
                user.list()?.is_empty() && user.favorites()?.is_empty(),
                "the user still sees works or favorites"
            );
            bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
            ensure!(app.state(&requested)? == "erased");
            let traces = app.traces_of(&user, subject)?;
            ensure!(traces.is_empty(), "data remains: {traces:?}");
            Ok(requested)
        })();
        ended.store(true, Ordering::Relaxed);
        outcome
    })?;

    // The requested upload arrives late: its URL works until it expires.
    let (status, reply) = user.caller.put_photo(&in_flight.upload, &faces::no_face()?.bytes)?;
    ensure!(status == 200, "S3 answered {status}: {reply}");
    ensure!(app.traces_of(&user, subject)?.len() == 1);
    let mut erase = bench.run("erase", &Faults { ahead_seconds: VERIFY_DUE, ..Faults::default() })?;
    erase.expect(&sample("erase/sweep.json")?)?;
    ensure!(app.state(&requested)? == "erased", "verified although the verify pass found data");
    ensure!(app.traces_of(&user, subject)?.is_empty(), "the late photo remains");
    bench.sweep_erasures(2 * VERIFY_DUE)?;
    ensure!(app.state(&requested)? == "verified");
    ensure!(app.traces_of(&user, subject)?.is_empty());

    let receipt = app.receipt(&requested)?;
    ensure!(receipt.scope == ErasureScope::Account && receipt.request_id.to_string() == requested.id);
    ensure!(receipt.received_at <= receipt.hidden_at && receipt.hidden_at <= receipt.erased_at);
    ensure!(receipt.erased_at < receipt.verified_at && receipt.verified_at < receipt.unrecoverable_at);
    let refused = user.request_erasure("account", "once-more")?;
    ensure!(refused.status == 403 && refused.body["code"] == "account_erased", "{}", refused.body);
    Ok(())
}

#[test]
fn an_old_token_cannot_reopen_an_erased_account_and_a_new_account_has_a_new_subject() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    let requested = user.erase("account")?;
    let under_way = user.try_request_upload(&faces::no_face()?)?;
    ensure!(under_way.status == 409 && under_way.body["code"] == "erasure_under_way", "{}", under_way.body);
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;

    let photo = faces::no_face()?;
    for answer in [user.try_request_upload(&photo)?, user.save_favorite("template", TEMPLATE)?] {
        ensure!(answer.status == 403 && answer.body["code"] == "account_erased", "{}", answer.body);
    }
    ensure!(user.list()?.is_empty() && user.favorites()?.is_empty());
    ensure!(user.subject().is_err(), "the identity leads to a subject");

    let refused = user.start_account()?;
    ensure!(refused.status == 403 && refused.body["code"] == "token_too_old", "{}", refused.body);
    let user = user.sign_in_again()?;
    user.start_account()?.expect(200)?;
    let anew = user.subject()?;
    ensure!(anew != subject);
    ensure!(user.list()?.is_empty() && user.favorites()?.is_empty());
    user.request_upload(&photo)?;
    // The old request completes and does not touch the new subject.
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "verified");
    ensure!(user.list()?.len() == 1 && user.subject()? == anew);
    Ok(())
}

#[test]
fn erasing_only_works_or_favorites_keeps_later_ones() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, in_flight) = user_with_data(&bench, &mut synthesize)?;
    let (status, _) = user.caller.put_photo(&in_flight.upload, &faces::no_face()?.bytes)?;
    ensure!(status == 200);
    let event = bench.photo_event(subject, in_flight.work)?;

    let favorites = user.erase("favorites")?;
    ensure!(user.favorites()?.is_empty() && user.list()?.len() == 2);
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    bench.run("erase", &Faults::default())?.expect(&stream_event(&favorites)?)?;
    ensure!(app.state(&favorites)? == "verified", "an erasure of favorites needs no later verify pass");
    ensure!(user.favorites()?.len() == 1, "the favorite saved after the request is gone");
    let stored = app.rows(subject)?.iter().filter(|row| is_favorite(row)).count();
    ensure!(stored == 1, "{stored} favorites are stored");

    let works = user.erase("works")?;
    ensure!(user.list()?.is_empty());
    ensure!(user.show(in_flight.work)?.status == 404);
    ensure!(user.save_favorite("work", &in_flight.work.to_string())?.status == 404);
    let later = user.send(&faces::portrait()?)?;
    let later_event = bench.photo_event(subject, later.work)?;
    // The photo uploaded before the request belongs to an earlier generation and is not fitted.
    synthesize.expect(&event)?;
    bench.run("erase", &Faults::default())?.expect(&stream_event(&works)?)?;
    ensure!(app.settled_status(subject, in_flight.work)? == "gone");
    synthesize.expect(&later_event)?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(app.state(&works)? == "verified");
    ensure!(app.receipt(&works)?.scope == ErasureScope::Works);
    ensure!(app.settled_status(subject, later.work)? == "ready", "the work made after the request is gone");
    ensure!(user.list()?.len() == 1 && user.favorites()?.len() == 1);
    Ok(())
}

#[test]
fn a_repeated_key_returns_the_same_request_and_a_new_key_makes_another() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let first = user.request_erasure("works", "key")?.expect(201)?;
    let again = user.request_erasure("works", "key")?.expect(200)?;
    ensure!(first["request_id"] == again["request_id"] && first["salt"] == again["salt"], "{first} {again}");
    let second = user.request_erasure("works", "another-key")?.expect(201)?;
    ensure!(first["request_id"] != second["request_id"] && first["salt"] != second["salt"]);
    let other_scope = user.request_erasure("favorites", "key")?;
    ensure!(other_scope.status == 422 && other_scope.body["code"] == "idempotency_key_reused");
    let listed = user.caller.get("/v1/deletion-requests")?.expect(200)?;
    let listed = listed["deletion_requests"].as_array().context("no list")?;
    ensure!(
        listed.len() == 2
            && listed.iter().all(|request| request["contact"] == format!("{}@example.com", user.name))
    );
    // A repeated request returns the salt even while the account is being erased.
    let account = user.request_erasure("account", "all")?.expect(201)?;
    let again = user.request_erasure("account", "all")?.expect(200)?;
    ensure!(account["salt"] == again["salt"]);
    ensure!(user.request_erasure("works", "late")?.body["code"] == "erasure_under_way");
    for malformed in [json!({}), json!({ "scope": "everything" }), json!({ "scope": "works", "idfa": "x" })] {
        let headers = [("Idempotency-Key", "x"), ("Content-Type", "application/json")];
        let answer = user.caller.send(
            "POST",
            "/v1/deletion-requests",
            &headers,
            malformed.to_string().into_bytes(),
        )?;
        ensure!(answer.status == 400, "{malformed}: {}", answer.body);
    }
    Ok(())
}

#[test]
fn a_deletion_request_is_shown_only_with_its_salt() -> Result<()> {
    let bench = Workbench::open();
    let (user, other) = (bench.app.user()?, bench.app.user()?);
    let (requested, others) = (user.erase("favorites")?, other.erase("favorites")?);
    ensure!(bench.app.show_deletion_request(&requested.id, &requested.salt)?.status == 200);
    for salt in [others.salt.as_str(), "", "x", &"A".repeat(43)] {
        for path in [requested.id.clone(), format!("{}/receipt", requested.id)] {
            let answer = bench.app.show_deletion_request(&path, salt)?;
            ensure!(answer.status == 404, "{path}: {}", answer.body);
        }
    }
    let early = bench.app.show_deletion_request(&format!("{}/receipt", requested.id), &requested.salt)?;
    ensure!(early.status == 409 && early.body["code"] == "not_verified", "{}", early.body);
    ensure!(user.caller.get("/v1/deletion-requests")?.body.to_string().contains(&requested.id));
    ensure!(!other.caller.get("/v1/deletion-requests")?.body.to_string().contains(&requested.id));
    Ok(())
}

#[test]
fn a_request_loses_its_subject_with_the_last_backup_and_keeps_its_receipt() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let subject = user.subject()?;
    let (works, account) = (user.erase("works")?, user.erase("account")?);
    bench.sweep_erasures(VERIFY_DUE)?;
    let row = |requested: &DeletionRequest| {
        let rows = app.all_rows("ErasuresTable")?;
        let key = format!("REQUEST#{}", requested.id);
        rows.into_iter().find(|row| row["pk"] == key.as_str()).context("the request has no row")
    };
    for requested in [&works, &account] {
        ensure!(
            row(requested)?.to_string().contains(&subject.to_string()),
            "the request has lost its subject, so no replay can clear a restored copy"
        );
    }
    bench.sweep_erasures(BACKUPS_EXPIRED)?;
    for requested in [&works, &account] {
        let row = row(requested)?.to_string();
        ensure!(!row.contains(&subject.to_string()), "{row}");
        ensure!(app.receipt(requested)?.request_id.to_string() == requested.id);
    }
    bench.sweep_erasures(BACKUPS_EXPIRED + 731 * 24 * 3_600)?;
    ensure!(app.show_deletion_request(&account.id, &account.salt)?.status == 404, "kept beyond its period");
    Ok(())
}

#[test]
fn the_stream_triggers_an_erasure_without_the_sweep() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let pending = user.send(&faces::portrait()?)?;
    user.wait(pending.work)?;
    user.wait_until_photo_is_gone(pending.work)?;
    let subject = user.subject()?;
    let requested = user.erase("account")?;
    eventually("the stream triggers erase", || Ok((app.state(&requested)? == "erased").then_some(())))?;
    let traces = app.traces_of(&user, subject)?;
    ensure!(traces.is_empty(), "data remains: {traces:?}");
    Ok(())
}

#[test]
fn receipt_keys_are_published_all_together_or_not_at_all() -> Result<()> {
    let bench = Workbench::open();
    let account = bench.app.stack.account();
    let key = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let retired = account.call("kms", "create_key", &key)?["KeyMetadata"]["Arn"].clone();
    let retired = retired.as_str().context("no key")?;
    let may_read = |key: &str| bench.allow("deletion-requests", "kms:GetPublicKey", key);
    let get_keys = |function: &mut Run| -> Result<Value> {
        match function.handle_with_any_status(&sample("deletion-requests/keys.json")?)? {
            Answer::Returned(answer) => Ok(answer),
            other => anyhow::bail!("{other:?}"),
        }
    };
    let settings = [("RETIRED_RECEIPT_KEYS", retired)];
    let mut function = bench.run_with("deletion-requests", &Faults::default(), &settings)?;
    // While KMS refuses one key, the function publishes no set without it.
    may_read("arn:aws:kms:us-east-1:000000000000:key/another")?;
    let answer = get_keys(&mut function)?;
    ensure!(answer["statusCode"] == 500 && answer["headers"]["cache-control"] == "no-store", "{answer}");
    // Grants what the parameter `RetiredReceiptKeys` grants.
    may_read(retired)?;
    let answer = get_keys(&mut function)?;
    let jwks: Jwks = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
    ensure!(jwks.keys.len() == 2, "{} keys", jwks.keys.len());
    ensure!(answer["headers"]["cache-control"] == "public, max-age=300", "{answer}");
    // From now on the process serves the keys from its memory and does not call KMS.
    may_read("arn:aws:kms:us-east-1:000000000000:key/another")?;
    ensure!(get_keys(&mut function)?["body"] == answer["body"]);
    Ok(())
}
