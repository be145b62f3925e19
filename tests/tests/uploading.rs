//! Upload requests: a presigned PUT is bound to one photo, one key and a few minutes; a request is bound to one work.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ureq::http::Request;

use crate::app::{App, PendingUpload, TEMPLATE, User};
use crate::faces::{self, Photo};
use crate::workbench::Workbench;

/// Sends this PUT to S3 and returns the status.
fn put(app: &App, url: &str, headers: &[(String, String)], body: &[u8]) -> Result<u16> {
    let mut request = Request::builder().method("PUT").uri(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    Ok(app.stack.agent().run(request.body(body.to_vec())?)?.status().as_u16())
}

/// The URL and the headers of an upload, without `content-length`: the client sets it from the body.
fn url_and_headers(pending: &PendingUpload) -> Result<(String, Vec<(String, String)>)> {
    let url = pending.upload["url"].as_str().context("no url")?.to_owned();
    let headers = pending.upload["headers"].as_object().context("no headers")?.iter();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    Ok((url, headers.filter(|(name, _)| name != "content-length").collect()))
}

#[test]
fn a_put_that_differs_from_what_was_signed_is_refused() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let photo = faces::no_face()?;
    let pending = user.request_upload(&photo)?;
    let (url, headers) = url_and_headers(&pending)?;
    let subject = user.subject()?;

    let mut longer = photo.bytes.clone();
    longer.push(0);
    let mut other = photo.bytes.clone();
    other[100] ^= 1;
    assert!(put(app, &url, &headers, &longer)? >= 400, "another length");
    assert!(put(app, &url, &headers, &other)? >= 400, "other bytes");
    for (dropped, _) in &headers {
        let fewer: Vec<_> = headers.iter().filter(|(name, _)| name != dropped).cloned().collect();
        assert!(put(app, &url, &fewer, &photo.bytes)? >= 400, "without {dropped}");
    }
    for (name, value) in [
        ("content-type", "image/png"),
        ("if-none-match", "\"etag\""),
        ("x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ] {
        let mut changed = headers.clone();
        changed
            .iter_mut()
            .filter(|(header, _)| header == name)
            .for_each(|header| header.1 = value.to_owned());
        assert!(changed != headers, "{name} is not among the signed headers");
        assert!(put(app, &url, &changed, &photo.bytes)? >= 400, "{name}: {value}");
    }
    // An upload names no encryption, so that the bucket's default applies. A PUT that names one is refused.
    for encryption in ["AES256", "aws:kms"] {
        let mut added = headers.clone();
        added.push(("x-amz-server-side-encryption".to_owned(), encryption.to_owned()));
        assert!(put(app, &url, &added, &photo.bytes)? >= 400, "encrypted by {encryption}");
    }
    let elsewhere = url.replace(&pending.work.to_string(), "01BX5ZZKBKACTAV9WEVGEMMVRZ");
    assert!(put(app, &elsewhere, &headers, &photo.bytes)? >= 400, "another key");
    let longer_lived = url.replace("X-Amz-Expires=", "X-Amz-Expires=9");
    assert!(longer_lived != url && put(app, &longer_lived, &headers, &photo.bytes)? >= 400, "a longer life");

    assert_eq!(app.photos_of(subject)?, Vec::<String>::new(), "a refused PUT stored an object");
    assert_eq!(put(app, &url, &headers, &photo.bytes)?, 200, "the PUT as signed is refused");
    Ok(())
}

#[test]
fn an_upload_answer_holds_exactly_the_signed_headers() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let pending = user.request_upload(&faces::no_face()?)?;
    let headers = pending.upload["headers"].as_object().context("no headers")?;
    let names: Vec<_> = headers.keys().map(|name| name.to_ascii_lowercase()).collect();
    assert_eq!(names, ["content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"]);
    Ok(())
}

#[test]
fn a_second_put_is_refused_while_the_photo_is_there() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    let pending = user.send(&photo)?;
    let (status, _) = user.caller.put_photo(&pending.upload, &photo.bytes)?;
    assert_eq!(status, 412);
    Ok(())
}

/// Builds a valid upload request.
pub(crate) fn request(photo: &Photo) -> Value {
    json!({
        "template_id": TEMPLATE, "source": "camera", "content_type": photo.content_type,
        "content_length": photo.bytes.len(),
        "sha256": BASE64.encode(Sha256::digest(&photo.bytes)),
    })
}

/// Calls `POST /v1/uploads` and returns the status and the body.
pub(crate) fn post(user: &User<'_>, key: Option<&str>, body: &[u8]) -> Result<(u16, Value)> {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    let answer = user.caller.send("POST", "/v1/uploads", &headers, body.to_vec())?;
    Ok((answer.status, answer.body))
}

/// An invalid request: what is wrong, `Idempotency-Key`, body, and the answer's status and code.
type RefusedRequest<'a> = (&'a str, Option<&'a str>, Vec<u8>, u16, &'a str);

#[test]
fn each_invalid_upload_request_is_refused_with_its_own_code() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let right = request(&faces::no_face()?);
    let changed = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body.to_string().into_bytes()
    };
    let key = Some("a-key");
    let cases: [RefusedRequest<'_>; 14] = [
        ("no key", None, right.to_string().into_bytes(), 400, "invalid_idempotency_key"),
        (
            "a long key",
            Some(&"x".repeat(256)),
            right.to_string().into_bytes(),
            400,
            "invalid_idempotency_key",
        ),
        ("no JSON", key, b"{".to_vec(), 400, "invalid_body"),
        ("no body", key, Vec::new(), 400, "invalid_body"),
        ("an unknown field", key, changed("idfa", json!("x")), 400, "invalid_body"),
        ("no template", key, changed("template_id", Value::Null), 400, "invalid_body"),
        ("another source", key, changed("source", json!("web")), 400, "invalid_body"),
        ("another type", key, changed("content_type", json!("image/heic")), 415, "bad_format"),
        ("a short digest", key, changed("sha256", json!("AAAA")), 400, "invalid_body"),
        ("a negative size", key, changed("content_length", json!(-1)), 400, "invalid_body"),
        ("no photo", key, changed("content_length", json!(0)), 422, "empty_photo"),
        ("a huge photo", key, changed("content_length", json!(1_u64 << 40)), 413, "too_large"),
        ("an unknown template", key, changed("template_id", json!("nowhere")), 422, "unknown_template"),
        ("a huge body", key, vec![b' '; 20_000], 413, "body_too_large"),
    ];
    for (what, key, body, status, code) in cases {
        let (answered, problem) = post(&user, key, &body)?;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{what}: {problem}");
        assert_eq!(problem["status"], status, "{what}: problem+json repeats the status");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
    }
    assert!(user.subject().is_err(), "a refused request created a subject");
    Ok(())
}

#[test]
fn the_same_idempotency_key_returns_the_same_work() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let body = request(&faces::no_face()?);
    let bytes = body.to_string().into_bytes();
    let (status, first) = post(&user, Some("key"), &bytes)?;
    assert_eq!(status, 201, "{first}");
    let (status, again) = post(&user, Some("key"), &bytes)?;
    assert_eq!((status, &again["work_id"]), (200, &first["work_id"]));
    let mut other = body;
    other["source"] = json!("album");
    let (status, problem) = post(&user, Some("key"), other.to_string().as_bytes())?;
    assert_eq!((status, problem["code"].as_str()), (422, Some("idempotency_key_reused")));
    assert_eq!(user.list()?.len(), 1);
    assert_eq!(user.quota_count("uploads")?, 1);

    // The same key of another user makes another work.
    let stranger = app.user()?;
    let (status, theirs) = post(&stranger, Some("key"), &bytes)?;
    assert_eq!(status, 201);
    assert_ne!(theirs["work_id"], first["work_id"]);
    Ok(())
}

#[test]
fn concurrent_requests_with_the_same_key_make_one_work() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let bytes = request(&faces::no_face()?).to_string().into_bytes();
    let answers = std::thread::scope(|scope| {
        let send = || post(&user, Some("key"), &bytes);
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(send)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<Vec<_>>>()
    })?;
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(created, 1, "{answers:?}");
    let (_, first) = &answers[0];
    for (status, body) in &answers {
        assert!([200, 201].contains(status), "{body}");
        assert_eq!(body["work_id"], first["work_id"]);
    }
    let (status, _) = post(&user, Some("key"), &bytes)?;
    assert_eq!(status, 200);
    assert_eq!(user.list()?.len(), 1);
    assert_eq!(user.quota_count("uploads")?, 1);
    Ok(())
}
