//! While `purge` and `erase` are stopped, expired or erased data is not visible through any route.

use anyhow::{Context as _, Result, ensure};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{TEMPLATE, User};
use crate::erasing::user_with_data;
use crate::faces;
use crate::routes;
use crate::workbench::{Faults, Workbench, sample};

const DAY: u32 = 24 * 3_600;

/// The answers of all reading routes to a user: route, status and body.
type ShownAnswers = Vec<(String, u64, String)>;

/// The name of the function behind a path.
fn function(path: &str) -> Result<&str> {
    let name = path.split('/').nth(2).context("a path without a function")?;
    Ok(if name == "receipts" { "deletion-requests" } else { name })
}

/// Builds the event that API Gateway sends to a function.
fn event(bench: &Workbench, user: &User<'_>, route: &str, id: &str, salt: &str) -> Result<Value> {
    let (method, path) = routes::request(route, id)?;
    let mut event = sample("works/list.json")?;
    event["routeKey"] = json!(route);
    event["rawPath"] = json!(path);
    event["headers"]["erasure-salt"] = json!(salt);
    event["pathParameters"] = json!({ "id": id });
    let context = &mut event["requestContext"];
    context["routeKey"] = json!(route);
    context["http"]["method"] = json!(method);
    context["http"]["path"] = json!(path);
    let claims = &mut context["authorizer"]["jwt"]["claims"];
    claims["iss"] = json!(bench.app.stack.description().issuer);
    claims["sub"] = json!(user.name);
    Ok(event)
}

/// Calls every reading route for each of these ids, in functions with their clocks ahead. `templates` has no adjustable
/// clock and shows no user's data, so the deployed one answers.
fn read_all_routes(
    bench: &Workbench,
    user: &User<'_>,
    ids: &[&str],
    salt: &str,
    ahead_seconds: u32,
) -> Result<ShownAnswers> {
    let mut seen = ShownAnswers::new();
    for route in routes::all()?.iter().filter(|route| route.starts_with("GET ")) {
        let (_, path) = route.split_once(' ').context("no path")?;
        if function(path)? == "templates" {
            let answer = user.caller.get(path)?;
            seen.push((route.clone(), answer.status.into(), answer.text));
            continue;
        }
        let mut run = bench.run(function(path)?, &Faults { ahead_seconds, ..Faults::default() })?;
        for id in if path.contains('{') { ids } else { &ids[..1] } {
            let answer = run.handle(&event(bench, user, route, id, salt)?)?;
            let Answer::Returned(answer) = answer else { anyhow::bail!("{route}: {answer:?}") };
            let status = answer["statusCode"].as_u64().context("no status")?;
            seen.push((route.clone(), status, answer["body"].as_str().unwrap_or_default().to_owned()));
        }
    }
    Ok(seen)
}

/// The routes whose answers contain any of these texts.
fn routes_containing<'a>(seen: &'a ShownAnswers, secrets: &[&str]) -> Vec<&'a str> {
    let tells = |body: &str| secrets.iter().any(|secret| body.contains(secret));
    seen.iter().filter(|(_, _, body)| tells(body)).map(|(route, ..)| route.as_str()).collect()
}

#[test]
fn an_expired_work_is_hidden_while_purge_is_stopped() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let work = user.send(&faces::portrait()?)?.work;
    let subject = user.subject()?;
    synthesize.expect(&bench.photo_event(subject, work)?)?;
    user.save_favorite("work", &work.to_string())?.expect(200)?;

    let id = work.to_string();
    let before = read_all_routes(&bench, &user, &[&id], "", 30 * DAY - 600)?;
    let shown = routes_containing(&before, &[&id]);
    ensure!(shown == ["GET /v1/favorites", "GET /v1/works", "GET /v1/works/{id}"], "{shown:?}");
    for ahead in [30 * DAY + 1, 31 * DAY] {
        let seen = read_all_routes(&bench, &user, &[&id], "", ahead)?;
        ensure!(seen.len() == before.len());
        let shown = routes_containing(&seen, &[&id, &subject.to_string(), "X-Amz-Signature", "saved_at"]);
        // The catalogue's thumbnails have signed URLs too, but belong to no user.
        ensure!(shown.iter().all(|route| *route == "GET /v1/templates"), "{shown:?}");
        let by_id = seen.iter().find(|(route, ..)| route == "GET /v1/works/{id}").context("no such route")?;
        ensure!(by_id.1 == 404, "{by_id:?}");
    }
    // The data is still stored, so the routes did hide it.
    ensure!(bench.app.work_row(subject, work)?.is_some() && bench.app.pictures_of(subject)?.len() == 2);
    ensure!(bench.app.row(subject, &format!("FAVORITE#work#{work}"))?.is_some());
    bench.sweep(31 * DAY)
}

#[test]
fn an_account_under_erasure_is_hidden_while_erase_is_stopped() -> Result<()> {
    let bench = Workbench::open();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, pending) = user_with_data(&bench, &mut synthesize)?;
    let earlier = user.erase("favorites")?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    let works = user.list()?;
    let ready = works.iter().find(|work| work["status"] == "ready").context("no ready work")?;
    let ready = ready["work_id"].as_str().context("no id")?.to_owned();
    let waiting = pending.work.to_string();
    let contact = format!("{}@example.com", user.name);
    let secrets = [ready.as_str(), &waiting, &subject.to_string(), &contact, "saved_at"];
    let ids = [ready.as_str(), &waiting, &earlier.id];

    let before = read_all_routes(&bench, &user, &ids, "", 0)?;
    let mut shown = routes_containing(&before, &secrets);
    shown.dedup();
    let expected = ["GET /v1/deletion-requests", "GET /v1/favorites", "GET /v1/works", "GET /v1/works/{id}"];
    ensure!(shown == expected, "{shown:?}");
    let requested = user.erase("account")?;
    let ids = [ready.as_str(), &waiting, &earlier.id, &requested.id];
    for ahead in [0, DAY] {
        // With the salt, a route shows the state of the request and nothing else.
        for salt in ["", requested.salt.as_str()] {
            let seen = read_all_routes(&bench, &user, &ids, salt, ahead)?;
            let shown = routes_containing(&seen, &secrets);
            ensure!(shown.is_empty(), "{shown:?}");
            let found = routes_containing(&seen, &[&requested.id]);
            let expected: &[&str] = if salt.is_empty() { &[] } else { &["GET /v1/deletion-requests/{id}"] };
            ensure!(found == expected, "{found:?}");
        }
    }
    ensure!(!bench.app.traces_of(&user, subject)?.is_empty(), "no data remains, so this test proves nothing");
    Ok(())
}
