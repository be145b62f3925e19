//! The main job from end to end: a photo becomes a work, and the photo is deleted.

use anyhow::{Context as _, Result};
use domain::{PhotoKey, ReasonCode};
use serde_json::Value;

use crate::app::{App, TEMPLATE};
use crate::faces::{self, Photo};
use crate::workbench::Workbench;

#[test]
fn a_photo_becomes_a_work_and_the_photo_is_gone() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let pending = user.send(&faces::portrait()?)?;
    let work = user.wait(pending.work)?;
    assert_eq!(work["status"], "ready", "{work}");
    user.wait_until_photo_is_gone(pending.work)?;
    assert_eq!(app.settled_status(user.subject()?, pending.work)?, "ready");

    let (status, jpeg) = user.caller.download(work["image"]["url"].as_str().context("no url")?)?;
    assert_eq!(status, 200);
    let template = template_dimensions(&user.caller.get("/v1/templates")?.expect(200)?)?;
    assert_eq!(faces::dimensions(&jpeg)?, template);
    assert_eq!((&work["image"]["width"], &work["image"]["height"]), (&template.0.into(), &template.1.into()));
    assert_eq!(work["image"]["bytes"], jpeg.len());
    let contains = |text: &str| jpeg.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(contains("compositeWithTrainedAlgorithmicMedia"), "the work is not marked as made by AI");
    assert!(
        !contains(&pending.work.to_string()),
        "the mark contains the work's id instead of an id of its own"
    );

    let listed = user.list()?;
    let [entry] = listed.as_slice() else { panic!("one work, not {}", listed.len()) };
    assert_eq!(entry["work_id"], pending.work.to_string());
    let (status, jpeg) = user.caller.download(entry["thumbnail"]["url"].as_str().context("no thumbnail")?)?;
    assert_eq!(status, 200);
    assert!(faces::dimensions(&jpeg)? < template);
    Ok(())
}

/// The width and height of the template in the catalogue.
fn template_dimensions(catalogue: &Value) -> Result<(usize, usize)> {
    let templates = catalogue["templates"].as_array().context("no templates")?;
    let template = templates.iter().find(|template| template["id"] == TEMPLATE).context("not listed")?;
    let pixels = |name: &str| serde_json::from_value(template[name].clone());
    Ok((pixels("width")?, pixels("height")?))
}

/// An object's encryption: the algorithm and the key's ARN.
fn encryption(object: &Value) -> (&Value, &Value) {
    (&object["ServerSideEncryption"], &object["SSEKMSKeyId"])
}

/// Uses the workbench, because no function fetches and deletes the photo there.
#[test]
fn a_photo_is_stored_encrypted_with_the_storage_key() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let pending = user.send(&faces::no_face()?)?;
    let key = PhotoKey { subject: user.subject()?, work: pending.work }.to_string();
    let photo = bench.app.head_object("UploadsBucket", &key)?;
    assert_eq!(encryption(&photo), (&"aws:kms".into(), &bench.app.stack.output("StorageKey")?.into()));
    Ok(())
}

#[test]
fn a_work_is_stored_encrypted_with_the_storage_key() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let work = user.send(&faces::portrait()?)?.work;
    assert_eq!(user.wait(work)?["status"], "ready");
    let pictures = app.pictures_of(user.subject()?)?;
    assert_eq!(pictures.len(), 2);
    for name in pictures {
        let picture = app.head_object("WorksBucket", &name)?;
        assert_eq!(
            encryption(&picture),
            (&"aws:kms".into(), &app.stack.output("StorageKey")?.into()),
            "{name}"
        );
    }
    Ok(())
}

#[test]
fn a_refused_photo_fails_with_its_reason_and_is_gone() -> Result<()> {
    let app = App::live();
    let user = app.user()?;
    let cases: [(Photo, ReasonCode); 3] = [
        (faces::no_face()?, ReasonCode::NoFace),
        (faces::broken()?, ReasonCode::CorruptImage),
        (faces::heic(), ReasonCode::BadFormat),
    ];
    for (photo, reason) in cases {
        let pending = user.send(&photo)?;
        let work = user.wait(pending.work)?;
        assert_eq!(work["status"], "failed");
        assert_eq!(work["failure"]["reason"], reason.as_str());
        assert_eq!(work["failure"]["advice"], reason.advice());
        assert!(work.get("image").is_none() && work.get("thumbnail").is_none());
        user.wait_until_photo_is_gone(pending.work)?;
        assert_eq!(app.settled_status(user.subject()?, pending.work)?, "failed");
    }
    Ok(())
}
