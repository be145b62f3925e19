//! Isolation of users: no route, id or cursor lets a user read, list or delete another user's data. Without a valid
//! token, only the open routes answer.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::app::App;
use crate::faces;
use crate::routes::{self, request};
use crate::workbench::Workbench;

/// The routes that need no token, and their status for a caller without a salt.
const OPEN_ROUTES: [(&str, u16); 3] = [
    ("GET /v1/deletion-requests/{id}", 404),
    ("GET /v1/deletion-requests/{id}/receipt", 404),
    ("GET /v1/receipts/keys", 200),
];

#[test]
fn no_route_shows_a_work_of_another_user() -> Result<()> {
    let app = App::live();
    let (owner, stranger) = (app.user()?, app.user()?);
    let pending = owner.send(&faces::portrait()?)?;
    owner.wait(pending.work)?;
    owner.wait_until_photo_is_gone(pending.work)?;
    // The stranger has a subject and a work too, so that their own lists are not empty.
    let own = stranger.request_upload(&faces::no_face()?)?;
    let (owners, work) = (owner.subject()?.to_string(), pending.work.to_string());
    let before = owner.show(pending.work)?.expect(200)?;
    let marked = owner.save_favorite("work", &work)?.expect(200)?;
    // A cursor of the owner's own list.
    let cursor = format!("9999999999.work.{work}");

    let mut tried = 0;
    for route in routes::all()? {
        for id in [&work, &owners, &format!("{owners}%2F{work}"), &format!("..%2F{owners}")] {
            let (method, path) = request(&route, id)?;
            for query in [
                "",
                &format!("?cursor={work}"),
                &format!("?cursor={work}&limit=1"),
                &format!("?cursor={cursor}&limit=1"),
            ] {
                let answer = stranger.caller.send(&method, &format!("{path}{query}"), &[], Vec::new())?;
                let reply = answer.text;
                assert!(answer.status < 500, "{route}: {reply}");
                assert!(!reply.contains(&work) && !reply.contains(&owners), "{route}: {reply}");
                tried += 1;
            }
        }
    }
    println!("{tried} requests for another user's data");
    // Deleting another user's work answers the same as deleting an unknown one.
    assert_eq!(stranger.delete(pending.work)?.status, 204);
    assert_eq!(stranger.show(pending.work)?.status, 404);
    assert_eq!(stranger.save_favorite("work", &work)?.status, 404);
    assert_eq!(stranger.remove_favorite("work", &work)?.status, 204);
    assert!(stranger.favorites()?.is_empty());
    let favorites = owner.favorites()?;
    assert_eq!((favorites.len(), &favorites[0]["saved_at"]), (1, &marked["saved_at"]), "{favorites:?}");
    let after = owner.show(pending.work)?.expect(200)?;
    assert_eq!((&after["status"], &after["work_id"]), (&before["status"], &before["work_id"]));
    assert_eq!(app.settled_status(owner.subject()?, pending.work)?, "ready");
    assert_eq!(stranger.list()?[0]["work_id"], own.work.to_string());
    Ok(())
}

/// Uses the workbench, because no erasure is carried out there: data can be compared before and after.
#[test]
fn no_route_shows_a_deletion_request_of_another_user() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let (owner, stranger) = (app.user()?, app.user()?);
    let work = owner.request_upload(&faces::no_face()?)?.work.to_string();
    let mut requested = Vec::new();
    for key in ["first", "second", "third"] {
        let answer = owner.request_erasure("favorites", key)?.expect(201)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned).context("an incomplete answer");
        requested.push((text("request_id")?, text("salt")?));
    }
    let strangers = stranger.erase("favorites")?;
    let page = owner.caller.get("/v1/deletion-requests?limit=1")?.expect(200)?;
    let cursor = page["next_cursor"].as_str().context("one page")?.to_owned();
    let (id, salt) = &requested[0];
    let list = || owner.caller.get("/v1/deletion-requests")?.expect(200);
    let before = (
        list()?,
        app.show_deletion_request(id, salt)?.expect(200)?,
        owner.list()?,
        app.rows(owner.subject()?)?,
    );

    // The requests name the owner's ids and cursor. The salt is the stranger's, an unknown one, empty, or missing.
    let contact = format!("{}@example.com", owner.name);
    let secrets = [salt.clone(), contact, work.clone(), owner.subject()?.to_string()];
    let nobody = app.stack.caller(None)?;
    let foreign = "A".repeat(43);
    let salts = [None, Some(strangers.salt.as_str()), Some(foreign.as_str()), Some("")];
    let body = json!({ "scope": "account", "contact": "x@example.com" }).to_string();
    let mut tried = 0;
    for route in routes::all()? {
        for own_id in [id, &requested[2].0, &work] {
            let (method, path) = request(&route, own_id)?;
            // This route would erase the stranger's own account, so it gets an empty body here.
            let erases = route == "POST /v1/deletion-requests";
            for query in ["".to_owned(), format!("?cursor={cursor}&limit=1"), format!("?cursor={own_id}")] {
                for salt in salts {
                    for caller in [&stranger.caller, &nobody] {
                        let mut headers: Vec<_> =
                            salt.map(|salt| ("Erasure-Salt", salt)).into_iter().collect();
                        headers.extend([("Idempotency-Key", "first"), ("Content-Type", "application/json")]);
                        let sent = if erases { Vec::new() } else { body.clone().into_bytes() };
                        let answer = caller.send(&method, &format!("{path}{query}"), &headers, sent)?;
                        ensure!(answer.status < 500, "{route}: {}", answer.text);
                        for secret in &secrets {
                            ensure!(!answer.text.contains(secret), "{route}: {}", answer.text);
                        }
                        let listed = requested.iter().any(|(id, _)| answer.text.contains(id));
                        ensure!(!listed, "{route}: {}", answer.text);
                        tried += 1;
                    }
                }
            }
        }
    }
    println!("{tried} requests for another user's data");
    // The owner's idempotency key makes a new request of the stranger.
    let own = stranger.request_erasure("account", "first")?.expect(201)?;
    ensure!(requested.iter().all(|(id, _)| own["request_id"] != id.as_str()));
    let after = (
        list()?,
        app.show_deletion_request(id, salt)?.expect(200)?,
        owner.list()?,
        app.rows(owner.subject()?)?,
    );
    ensure!(before == after, "the owner's data has changed");
    Ok(())
}

#[test]
fn the_pages_of_a_list_hold_all_own_works_and_no_others() -> Result<()> {
    let app = App::live();
    let (user, other) = (app.user()?, app.user()?);
    let photo = faces::no_face()?;
    let mut own = BTreeSet::new();
    for _ in 0..5 {
        own.insert(user.request_upload(&photo)?.work.to_string());
        other.request_upload(&photo)?;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = user.caller.get(&format!("/v1/works?limit=2{cursor}"))?.expect(200)?;
        let works = page["works"].as_array().context("no works")?;
        assert!(works.len() <= 2);
        seen.extend(works.iter().filter_map(|work| Some(work["work_id"].as_str()?.to_owned())));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(seen.is_sorted_by(|newer, older| newer > older), "the list is not sorted newest first");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), own);
    Ok(())
}

#[test]
fn every_protected_route_refuses_an_invalid_token() -> Result<()> {
    let app = App::live();
    let stack = &app.stack;
    let far_past = 1_600_000_000;
    let valid = stack.token(&json!({ "sub": "somebody" }))?;
    let unsigned = valid.rsplit_once('.').context("no token")?.0.to_owned();
    let tokens: [(&str, Option<String>); 6] = [
        ("no token", None),
        ("another audience", Some(stack.token(&json!({ "sub": "somebody", "aud": "another" }))?)),
        ("another issuer", Some(stack.token(&json!({ "sub": "somebody", "iss": "http://127.0.0.1:9" }))?)),
        ("expired", Some(stack.token(&json!({ "sub": "somebody", "iat": far_past, "exp": far_past + 60 }))?)),
        ("without a signature", Some(format!("{unsigned}."))),
        ("with another's signature", Some(format!("{unsigned}.{}", "A".repeat(342)))),
    ];
    for (what, token) in tokens {
        let caller = stack.caller(token)?;
        for route in routes::all()? {
            let (method, path) = request(&route, "01BX5ZZKBKACTAV9WEVGEMMVRZ")?;
            let answer = caller.send(&method, &path, &[], Vec::new())?;
            let expected =
                OPEN_ROUTES.iter().find(|(open, _)| *open == route).map_or(401, |(_, status)| *status);
            assert_eq!(answer.status, expected, "{what}: {route}: {}", answer.body);
        }
    }
    assert_eq!(stack.caller(Some(valid))?.get("/v1/works")?.status, 200, "a valid token is refused");
    Ok(())
}

#[test]
fn a_download_link_opens_only_its_own_object() -> Result<()> {
    let app = App::live();
    let (user, other) = (app.user()?, app.user()?);
    let mut links = Vec::new();
    for person in [&user, &other] {
        let pending = person.send(&faces::portrait()?)?;
        let work = person.wait(pending.work)?;
        links.push((
            person.subject()?,
            pending.work,
            work["image"]["url"].as_str().context("no url")?.to_owned(),
        ));
    }
    let [(subject, work, link), (other_subject, other_work, _)] = links.as_slice() else { unreachable!() };
    let forged = link
        .replace(&subject.to_string(), &other_subject.to_string())
        .replace(&work.to_string(), &other_work.to_string());
    assert_ne!(&forged, link);
    assert_eq!(user.caller.download(&forged)?.0, 403);
    let unsigned = link.split_once('?').context("no signature")?.0;
    assert_eq!(user.caller.download(unsigned)?.0, 403);
    Ok(())
}
