//! Quotas of uploads and deletion requests: an erasure and a new account do not reset them.

use anyhow::{Result, bail, ensure};
use domain::IdentityHash;
use domain::limits::{DELETION_REQUESTS_PER_DAY_MAX, UPLOADS_PER_DAY_MAX, UPLOADS_PER_SLOT_MAX};
use serde_json::json;

use crate::app::User;
use crate::erasing::{VERIFY_DUE, stream_event};
use crate::faces;
use crate::workbench::{Faults, Workbench};

/// Erases the account and starts a new one with a newer token.
fn erase_and_restart_account<'a>(bench: &Workbench, user: &User<'a>, key: &str) -> Result<User<'a>> {
    let requested = crate::erasing::DeletionRequest::of(&user.request_erasure("account", key)?.expect(201)?)?;
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
    ensure!(bench.app.state(&requested)? == "erased");
    let refused = user.start_account()?;
    ensure!(refused.status == 403 && refused.body["code"] == "token_too_old", "{}", refused.body);
    let user = user.sign_in_again()?;
    user.start_account()?.expect(200)?;
    Ok(user)
}

/// Requests uploads until one is refused. Returns the number admitted and the refusal's code; fails after `most`.
fn request_uploads_until_refused(user: &User<'_>, most: u32) -> Result<(u32, String)> {
    let photo = faces::no_face()?;
    for admitted in 0..most {
        let answer = user.try_request_upload(&photo)?;
        if answer.status == 429 {
            return Ok((admitted, answer.body["code"].as_str().unwrap_or_default().to_owned()));
        }
        answer.expect(201)?;
    }
    bail!("{most} uploads were admitted")
}

/// Whether this is the key of the identity's counts of a day, not of a slot of 10 minutes.
fn is_day_count_of(key: &str, identity: &IdentityHash) -> bool {
    let date =
        key.strip_prefix("QUOTA#").and_then(|rest| rest.strip_suffix(&format!("#{}", identity.as_str())));
    date.is_some_and(|date| date.len() == "2026-01-01".len())
}

/// Sets the user's count of today's uploads to the maximum.
fn use_up_day_quota(bench: &Workbench, user: &User<'_>) -> Result<()> {
    let identity = IdentityHash::new(&bench.app.stack.description().issuer, &user.name);
    let rows = bench.app.all_rows("IdentitiesTable")?;
    let keys =
        rows.iter().filter_map(|row| row["identity"].as_str()).filter(|key| is_day_count_of(key, &identity));
    for key in keys {
        let parameters = json!({
            "TableName": bench.app.stack.output("IdentitiesTable")?,
            "Key": { "identity": { "S": key } },
            "UpdateExpression": "SET uploads = :all",
            "ExpressionAttributeValues": { ":all": { "N": UPLOADS_PER_DAY_MAX.to_string() } },
        });
        bench.app.stack.account().call("dynamodb", "update_item", &parameters)?;
    }
    Ok(())
}

#[test]
fn upload_quotas_survive_an_erasure_and_a_new_account() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    let photo = faces::no_face()?;
    for _ in 0..3 {
        user.request_upload(&photo)?;
    }
    let user = erase_and_restart_account(&bench, &user, "first")?;
    ensure!(user.list()?.is_empty());
    // A new slot of 10 minutes may begin during the test.
    let (admitted, code) = request_uploads_until_refused(&user, 2 * UPLOADS_PER_SLOT_MAX)?;
    ensure!(code == "too_many_uploads", "{code}");
    ensure!(admitted == UPLOADS_PER_SLOT_MAX - 3 || admitted >= UPLOADS_PER_SLOT_MAX, "{admitted} admitted");
    ensure!(user.quota_count("uploads")? == i64::from(3 + admitted));

    use_up_day_quota(&bench, &user)?;
    let refused = user.try_request_upload(&photo)?;
    ensure!(refused.status == 429 && refused.body["code"] == "quota_exceeded", "{}", refused.body);
    let user = erase_and_restart_account(&bench, &user, "second")?;
    let refused = user.try_request_upload(&photo)?;
    ensure!(refused.status == 429, "the day's quota was reset: {}", refused.body);
    ensure!(user.quota_count("uploads")? == i64::from(UPLOADS_PER_DAY_MAX));
    ensure!(user.quota_count("deletion_requests")? == 2);
    bench.sweep_erasures(VERIFY_DUE)?;
    bench.sweep_erasures(2 * VERIFY_DUE)
}

#[test]
fn the_daily_quota_of_deletion_requests_survives_an_erasure_and_a_new_account() -> Result<()> {
    let bench = Workbench::open();
    let mut user = bench.app.user()?;
    for request in 0..3 {
        user.start_account()?.expect(200)?;
        user = erase_and_restart_account(&bench, &user, &format!("account-{request}"))?;
    }
    for request in 3..DELETION_REQUESTS_PER_DAY_MAX {
        user.request_erasure("favorites", &format!("favorites-{request}"))?.expect(201)?;
    }
    for scope in ["favorites", "account"] {
        let refused = user.request_erasure(scope, "one-more")?;
        ensure!(refused.status == 429 && refused.body["code"] == "quota_exceeded", "{}", refused.body);
    }
    ensure!(user.list()?.is_empty() && user.subject().is_ok(), "a refused request closed the account gate");
    bench.sweep_erasures(VERIFY_DUE)
}

/// The count identifies nobody and is stored in the table without backups.
#[test]
fn a_quota_row_holds_only_a_hash_a_number_and_an_expiry() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let identity = IdentityHash::new(&bench.app.stack.description().issuer, &user.name);
    let rows = bench.app.all_rows("IdentitiesTable")?;
    let count =
        rows.iter().find(|row| is_day_count_of(row["identity"].as_str().unwrap_or_default(), &identity));
    let fields = count.and_then(|row| row.as_object()).map(|row| row.keys().cloned().collect::<Vec<_>>());
    ensure!(fields.as_deref() == Some(&["identity", "ttl", "uploads"].map(str::to_owned)), "{fields:?}");
    let rows = bench.app.rows(user.subject()?)?;
    ensure!(!rows.iter().any(|row| row["sk"].as_str().is_some_and(|key| key.starts_with("QUOTA"))));
    Ok(())
}
