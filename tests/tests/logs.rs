//! Logs say what happened, and identify no user.

use anyhow::{Context as _, Result};
use domain::{IdentityHash, Sha256};
use local_stack::FUNCTIONS;
use serde_json::{Value, json};

use crate::app::App;
use crate::faces;

/// Reads every line that a function has logged so far.
pub(crate) fn lines(app: &App, function: &str) -> Result<Vec<String>> {
    let group = format!("/{}/{function}", app.stack.description().name);
    let (mut lines, mut parameters) = (Vec::new(), json!({ "logGroupName": group }));
    loop {
        let page = app.stack.account().call("logs", "filter_log_events", &parameters)?;
        let events = page["events"].as_array().context("no events")?;
        lines.extend(events.iter().filter_map(|event| Some(event["message"].as_str()?.to_owned())));
        match page.get("nextToken") {
            Some(token) if !events.is_empty() => parameters["nextToken"] = token.clone(),
            _ => return Ok(lines),
        }
    }
}

#[test]
fn no_log_line_identifies_a_user_or_contains_a_secret() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let claims = json!({ "sub": user.name });
    let token = app.stack.token(&claims)?;
    let caller = app.stack.caller(Some(token.clone()))?;
    let photo = faces::portrait()?;

    // Causes everything that can happen to a photo and a work, refused requests, and events that fail.
    let made = user.send(&photo)?;
    let ready = user.wait(made.work)?;
    user.wait_until_photo_is_gone(made.work)?;
    let refused = user.send(&faces::no_face()?)?;
    user.wait(refused.work)?;
    caller.get("/v1/works?limit=x")?.expect(400)?;
    caller.get("/v1/templates")?.expect(200)?;
    caller
        .send("POST", "/v1/uploads", &[("idempotency-key", "a-telling-key")], b"{\"sub".to_vec())?
        .expect(400)?;
    user.save_favorite("work", &made.work.to_string())?.expect(200)?;
    user.save_favorite("work", &user.name)?.expect(404)?;
    user.delete(made.work)?.expect(204)?;
    let subject = user.subject()?;
    app.put_photo_object(&format!("uploads/{subject}/stray"), b"stray")?;
    crate::app::eventually("the stray object is deleted", || {
        Ok(app.photos_of(subject)?.is_empty().then_some(()))
    })?;
    let unknown = app.stack.account().invoke(&app.stack.function("purge"), &json!({ "sub": user.name }));
    assert!(unknown.is_err(), "purge accepts an unknown event");

    user.start_account()?.expect(200)?;
    let requested = user.erase("account")?;
    app.show_deletion_request(&requested.id, "a wrong salt")?.expect(404)?;
    user.try_request_upload(&photo)?;
    crate::app::eventually("the account is erased", || {
        Ok((app.state(&requested)? == "erased").then_some(()))
    })?;

    let signature = |url: &Value| {
        let url = url.as_str().unwrap_or_default();
        url.split_once("X-Amz-Signature=").map(|(_, signature)| signature[..64].to_owned())
    };
    let secrets = [
        ("the subject", subject.to_string()),
        ("the work", made.work.to_string()),
        ("the identity", IdentityHash::new(&app.stack.description().issuer, &user.name).as_str().to_owned()),
        ("the name", user.name.clone()),
        ("the token", token.rsplit('.').next().context("no token")?.to_owned()),
        ("the upload's signature", signature(&made.upload["url"]).context("not signed")?),
        ("the download's signature", signature(&ready["image"]["url"]).context("not signed")?),
        ("the checksum", Sha256::of(&photo.bytes).as_base64().to_owned()),
        ("the idempotency key", "a-telling-key".to_owned()),
        ("the contact", format!("{}@example.com", user.name)),
        ("the salt", requested.salt.clone()),
        ("the deletion request", requested.id.clone()),
    ];
    let mut read = 0;
    for function in FUNCTIONS {
        for line in lines(app, function)? {
            for (what, secret) in &secrets {
                assert!(!line.contains(secret), "{function} logs {what}: {line}");
            }
            read += 1;
        }
    }
    println!("{read} lines read");
    let synthesize = lines(app, "synthesize")?.concat();
    assert!(
        synthesize.contains("photo handled"),
        "the log of synthesize lacks its photo line, so these are other logs"
    );
    Ok(())
}
