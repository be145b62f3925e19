//! Favorites: saving one is idempotent, lists are paged, and a favorite disappears with its work.

use anyhow::{Context as _, Result};
use domain::limits::FAVORITES_MAX;
use domain::{FavoriteTarget, WorkId};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::app::{App, TEMPLATE, User};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

const DAY: u32 = 24 * 3_600;

/// Reads the row of a work's favorite.
fn row_of(user: &User<'_>, work: WorkId) -> Result<Option<Value>> {
    user.app.row(user.subject()?, &format!("FAVORITE#work#{work}"))
}

#[test]
fn saving_a_favorite_twice_keeps_the_first() -> Result<()> {
    let user = App::live().user()?;
    // The user has no subject yet; the first favorite creates it.
    let first = user.save_favorite("template", TEMPLATE)?.expect(200)?;
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(
        user.save_favorite("template", TEMPLATE)?.expect(200)?,
        first,
        "a repeated save changed the time"
    );
    let favorites = user.favorites()?;
    assert_eq!(favorites.len(), 1, "{favorites:?}");
    let catalogue = user.caller.get("/v1/templates")?.expect(200)?;
    let mut listed = catalogue["templates"].as_array().context("no templates")?.iter();
    let listed = listed.find(|template| template["id"] == TEMPLATE).context("not in the catalogue")?;
    for field in ["id", "version", "title", "licence", "width", "height"] {
        assert_eq!(favorites[0]["template"][field], listed[field], "{field}");
    }
    let thumbnail = favorites[0]["template"]["thumbnail_url"].as_str().context("no thumbnail")?;
    assert_eq!(user.caller.download(thumbnail)?.0, 200);
    for _ in 0..2 {
        user.remove_favorite("template", TEMPLATE)?.expect(204)?;
        assert!(user.favorites()?.is_empty());
    }
    Ok(())
}

#[test]
fn a_hidden_or_unknown_item_cannot_be_saved() -> Result<()> {
    let user = App::live().user()?;
    for (kind, id) in [
        ("template", "no-such-template"),
        ("work", "01BX5ZZKBKACTAV9WEVGEMMVRZ"),
        ("work", TEMPLATE),
        ("subject", TEMPLATE),
    ] {
        assert_eq!(user.save_favorite(kind, id)?.status, 404, "{kind} {id}");
    }
    assert!(user.subject().is_err(), "a refused request created a subject");
    let work = user.request_upload(&faces::no_face()?)?.work;
    user.delete(work)?.expect(204)?;
    assert_eq!(user.save_favorite("work", &work.to_string())?.status, 404);
    Ok(())
}

#[test]
fn concurrent_saves_leave_one_favorite() -> Result<()> {
    let user = App::live().user()?;
    let work = user.request_upload(&faces::no_face()?)?.work.to_string();
    let answers = std::thread::scope(|scope| {
        let save = || user.save_favorite("work", &work).and_then(|answer| answer.expect(200));
        let requests: Vec<_> = (0..4).map(|_| scope.spawn(save)).collect();
        requests.into_iter().map(|request| request.join().unwrap_or_else(|_| panic!("panicked"))).collect()
    });
    let answers: Vec<Result<Value>> = answers;
    let kept = user.favorites()?;
    assert_eq!(kept.len(), 1);
    for answer in answers {
        assert_eq!(answer?["saved_at"], kept[0]["saved_at"]);
    }
    Ok(())
}

#[test]
fn pages_show_every_favorite_once_newest_first() -> Result<()> {
    let user = App::live().user()?;
    let photo = faces::no_face()?;
    let mut marked = vec![FavoriteTarget::of("template", TEMPLATE)?];
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    for _ in 0..4 {
        let work = user.request_upload(&photo)?.work;
        user.save_favorite("work", &work.to_string())?.expect(200)?;
        marked.push(FavoriteTarget::Work(work));
    }
    let (mut seen, mut times, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = user.caller.get(&format!("/v1/favorites?limit=2{cursor}"))?.expect(200)?;
        let favorites = page["favorites"].as_array().context("no favorites")?;
        assert!(favorites.len() <= 2);
        for favorite in favorites {
            let text = |field: &str| favorite[field].as_str().context("a field is missing");
            seen.push(FavoriteTarget::of(text("kind")?, text("id")?)?);
            times.push(text("saved_at")?.to_owned());
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        // The last item of this page is deleted before the next page is requested.
        cursor = format!("&cursor={next}");
        let last = seen.last().context("an empty page")?;
        user.remove_favorite(last.kind().as_str(), &last.id())?.expect(204)?;
    }
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    marked.sort();
    seen.sort();
    assert_eq!(seen, marked);
    for wrong in ["limit=0", "limit=51", "cursor=x", "cursor=1.work.x"] {
        assert_eq!(user.caller.get(&format!("/v1/favorites?{wrong}"))?.status, 400, "{wrong}");
    }
    Ok(())
}

#[test]
fn deleting_a_work_deletes_its_favorite() -> Result<()> {
    let user = App::live().user()?;
    let work = user.send(&faces::portrait()?)?.work;
    user.wait(work)?;
    user.wait_until_photo_is_gone(work)?;
    user.save_favorite("work", &work.to_string())?.expect(200)?;
    let shown = user.favorites()?;
    assert_eq!(shown[0]["work"]["status"], "ready");
    let thumbnail = shown[0]["work"]["thumbnail"]["url"].as_str().context("no thumbnail")?;
    assert_eq!(user.caller.download(thumbnail)?.0, 200);
    user.delete(work)?.expect(204)?;
    assert!(user.favorites()?.is_empty());
    assert!(row_of(&user, work)?.is_none(), "the favorite's row remains");
    Ok(())
}

#[test]
fn a_user_has_a_thousand_favorites_at_most() -> Result<()> {
    let user = App::live().user()?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    let partition = format!("SUBJECT#{}", user.subject()?);
    for number in 1..FAVORITES_MAX {
        user.app.put_row(&json!({
            "pk": { "S": partition }, "sk": { "S": format!("FAVORITE#template#t{number}") },
            "generation": { "N": "1" }, "saved_at": { "N": "1795000000" },
        }))?;
    }
    let work = user.request_upload(&faces::no_face()?)?.work.to_string();
    let refused = user.save_favorite("work", &work)?;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("too_many_favorites")));
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    user.remove_favorite("template", "t1")?.expect(204)?;
    user.save_favorite("work", &work)?.expect(200)?;
    Ok(())
}

/// Counts the favorites in the function's answer.
fn listed(favorites: &mut Run, user: &User<'_>) -> Result<usize> {
    let mut request = sample("favorites/list.json")?;
    let claims = &mut request["requestContext"]["authorizer"]["jwt"]["claims"];
    claims["iss"] = json!(user.app.stack.description().issuer);
    claims["sub"] = json!(user.name);
    let Answer::Returned(answer) = favorites.handle(&request)? else { anyhow::bail!("no answer") };
    let body: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
    Ok(body["favorites"].as_array().context("no favorites")?.len())
}

#[test]
fn a_favorite_of_an_expired_work_is_hidden_before_the_purge() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    let event = bench.photo_event(user.subject()?, work)?;
    bench.run("synthesize", &Faults::default())?.expect(&event)?;
    user.save_favorite("work", &work.to_string())?.expect(200)?;
    let at = |ahead_seconds| bench.run("favorites", &Faults { ahead_seconds, ..Faults::default() });
    assert_eq!(listed(&mut at(30 * DAY - 600)?, &user)?, 1, "hidden before its work expired");
    assert_eq!(listed(&mut at(30 * DAY + 1)?, &user)?, 0);
    assert!(row_of(&user, work)?.is_some(), "purged already, so this test proves nothing");
    bench.sweep(30 * DAY + 1)?;
    assert!(row_of(&user, work)?.is_none(), "the favorite's row remains");
    assert_eq!(bench.app.settled_status(user.subject()?, work)?, "gone");
    Ok(())
}

#[test]
fn a_work_deleted_while_it_is_being_saved_leaves_no_favorite() -> Result<()> {
    let bench = Workbench::open();
    let mut covered = 0;
    for point in 1.. {
        let user = bench.app.user()?;
        let work = user.request_upload(&faces::no_face()?)?.work;
        let mut request = sample("favorites/save.json")?;
        let claims = &mut request["requestContext"]["authorizer"]["jwt"]["claims"];
        claims["iss"] = json!(bench.app.stack.description().issuer);
        claims["sub"] = json!(user.name);
        request["pathParameters"]["id"] = json!(work.to_string());
        let mut favorites = bench.run("favorites", &Faults { pause_at: Some(point), ..Faults::default() })?;
        favorites.process.send(&request);
        if point > 2 {
            // Two points in all: before and after the one write.
            favorites.expect_no_more_points(2)?;
            break;
        }
        assert!(favorites.wait_for_pause()?);
        user.delete(work)?.expect(204)?;
        favorites.resume()?;
        let Answer::Returned(answer) = favorites.answer()? else { anyhow::bail!("no answer") };
        // At point 1 the work is deleted before the favorite is written; at point 2, after it.
        let status = if point == 1 { 404 } else { 200 };
        assert_eq!(answer["statusCode"], status, "point {point}: {answer}");
        assert!(row_of(&user, work)?.is_none(), "point {point}: a favorite without a work remains");
        assert!(user.favorites()?.is_empty());
        covered += 1;
    }
    println!("deleted while being saved: {covered} points");
    assert_eq!(covered, 2);
    Ok(())
}
