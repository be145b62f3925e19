//! Whose work it is: nobody else reads, lists or deletes it, by any route, id or cursor; and without a valid token
//! nobody does anything.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use local_stack::{Python, transformed_template};
use serde_json::{Value, json};

use crate::app::App;
use crate::faces;

/// The routes that ask for no token, and what they answer to somebody who has no salt either.
const OPEN_ROUTES: [(&str, u16); 3] = [
    ("GET /v1/deletion-requests/{id}", 404),
    ("GET /v1/deletion-requests/{id}/receipt", 404),
    ("GET /v1/receipts/keys", 200),
];

/// The routes of the deployed template, such as `GET /v1/works/{id}`.
fn routes() -> Result<BTreeSet<String>> {
    let template = transformed_template(&Python::for_stack(&|_step| {})?, true)?;
    let resources = template["Resources"].as_object().context("no resources")?;
    let routes = resources.values().filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::Route");
    Ok(routes.filter_map(|route| Some(route["Properties"]["RouteKey"].as_str()?.to_owned())).collect())
}

/// A route's method and path, with the kind of a favorite set to `work` and every other parameter to `id`.
fn request(route: &str, id: &str) -> Result<(String, String)> {
    let (method, path) = route.split_once(' ').context("a route without a method")?;
    let steps = path.split('/').map(|step| match step {
        "{kind}" => "work",
        parameter if parameter.starts_with('{') => id,
        step => step,
    });
    Ok((method.to_owned(), steps.collect::<Vec<_>>().join("/")))
}

#[test]
fn a_strangers_work_is_nowhere() -> Result<()> {
    let app = App::live();
    let (owner, stranger) = (app.user()?, app.user()?);
    let asked = owner.send(&faces::portrait()?)?;
    owner.wait(asked.work)?;
    owner.wait_until_photo_is_gone(asked.work)?;
    // The stranger has a subject and a work, so that there is something to find instead.
    let own = stranger.ask(&faces::no_face()?)?;
    let (owners, work) = (owner.subject()?.to_string(), asked.work.to_string());
    let before = owner.show(asked.work)?.expect(200)?;
    let marked = owner.mark("work", &work)?.expect(200)?;
    // A cursor of the owner's own list.
    let cursor = format!("9999999999.work.{work}");

    let mut tried = 0;
    for route in routes()? {
        for id in [&work, &owners, &format!("{owners}%2F{work}"), &format!("..%2F{owners}")] {
            let (method, path) = request(&route, id)?;
            for query in [
                "",
                &format!("?cursor={work}"),
                &format!("?cursor={work}&limit=1"),
                &format!("?cursor={cursor}&limit=1"),
            ] {
                let answer = stranger.caller.send(&method, &format!("{path}{query}"), &[], Vec::new())?;
                let said = answer.body.to_string();
                assert!(!said.contains(&work) && !said.contains(&owners), "{route}: {said}");
                tried += 1;
            }
        }
    }
    println!("{tried} foreign requests");
    // A deletion of what is not one's own answers as one of what never was.
    assert_eq!(stranger.delete(asked.work)?.status, 204);
    assert_eq!(stranger.show(asked.work)?.status, 404);
    assert_eq!(stranger.mark("work", &work)?.status, 404);
    assert_eq!(stranger.unmark("work", &work)?.status, 204);
    assert!(stranger.favorites()?.is_empty());
    let favorites = owner.favorites()?;
    assert_eq!((favorites.len(), &favorites[0]["saved_at"]), (1, &marked["saved_at"]), "{favorites:?}");
    let after = owner.show(asked.work)?.expect(200)?;
    assert_eq!((&after["status"], &after["work_id"]), (&before["status"], &before["work_id"]));
    assert_eq!(app.settled(owner.subject()?, asked.work)?, "ready");
    assert_eq!(stranger.list()?[0]["work_id"], own.work.to_string());
    Ok(())
}

#[test]
fn a_list_goes_through_all_of_ones_own_works_and_no_others() -> Result<()> {
    let app = App::live();
    let (user, other) = (app.user()?, app.user()?);
    let photo = faces::no_face()?;
    let mut own = BTreeSet::new();
    for _ in 0..5 {
        own.insert(user.ask(&photo)?.work.to_string());
        other.ask(&photo)?;
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
    assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), own);
    Ok(())
}

#[test]
fn without_a_valid_token_no_route_answers() -> Result<()> {
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
        for route in routes()? {
            let (method, path) = request(&route, "01BX5ZZKBKACTAV9WEVGEMMVRZ")?;
            let answer = caller.send(&method, &path, &[], Vec::new())?;
            let expected =
                OPEN_ROUTES.iter().find(|(open, _)| *open == route).map_or(401, |(_, status)| *status);
            assert_eq!(answer.status, expected, "{what}: {route}: {}", answer.body);
        }
    }
    assert_eq!(stack.caller(Some(valid))?.get("/v1/works")?.status, 200, "the right one is let in");
    Ok(())
}

#[test]
fn a_download_link_of_ones_own_opens_nothing_else() -> Result<()> {
    let app = App::live();
    let (user, other) = (app.user()?, app.user()?);
    let mut links = Vec::new();
    for person in [&user, &other] {
        let asked = person.send(&faces::portrait()?)?;
        let work = person.wait(asked.work)?;
        links.push((
            person.subject()?,
            asked.work,
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
    let Value::Null = user.caller.get("/v1/templates")?.body["subject"] else { panic!("no subject is told") };
    Ok(())
}
