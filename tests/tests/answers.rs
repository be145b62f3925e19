//! Answers of the API reveal nothing about the AWS account that runs the service.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::app::App;
use crate::faces;
use crate::routes;

/// Collects every text of a document, including field names. It skips presigned URLs, because a bucket's name contains
/// the account's id.
fn texts(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::String(text) if !text.starts_with("https://") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                found.push(name.clone());
                texts(value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn no_answer_contains_an_account_id_key_role_or_trace() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    ensure!(user.wait(work)?["status"] == "ready");
    user.save_favorite("work", &work.to_string())?.expect(200)?;
    let requested = user.erase("favorites")?;
    let storage_key = app.stack.output("StorageKey")?;
    let account = storage_key.split(':').nth(4).context("a key without an account")?;
    let key = storage_key.rsplit('/').next().context("a key without an id")?;

    let photo = faces::no_face()?;
    let upload = user.try_request_upload(&photo)?;
    let mut answers = vec![("POST /v1/uploads".to_owned(), upload)];
    // Routes that delete come last, so that the others have something to answer.
    let (removing, others): (Vec<_>, Vec<_>) =
        routes::all()?.into_iter().partition(|route| route.starts_with("DELETE "));
    for route in others.into_iter().chain(removing).filter(|route| route != "POST /v1/uploads") {
        let id = if route.contains("deletion-requests") { requested.id.clone() } else { work.to_string() };
        let (method, path) = routes::request(&route, &id)?;
        let headers = [
            ("Erasure-Salt", requested.salt.as_str()),
            ("Idempotency-Key", "a"),
            ("Content-Type", "application/json"),
        ];
        let body = json!({ "scope": "favorites", "contact": "x@example.com" }).to_string();
        let body = if route == "POST /v1/deletion-requests" { body.into_bytes() } else { Vec::new() };
        answers.push((route, user.caller.send(&method, &path, &headers, body)?));
    }
    for (route, answer) in answers {
        // A receipt that is not ready yet answers 409; every other route succeeds.
        ensure!(answer.status < 300 || answer.status == 409, "{route}: {} {}", answer.status, answer.text);
        let mut shown = Vec::new();
        if answer.body.is_null() {
            shown.push(answer.text);
        } else {
            texts(&answer.body, &mut shown);
        }
        for text in shown {
            let lower = text.to_lowercase();
            for secret in ["arn:", "trace-id", account, key] {
                ensure!(!lower.contains(secret), "{route} reveals {text}");
            }
        }
    }
    Ok(())
}
