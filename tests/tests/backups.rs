//! A backup from before an erasure reveals nothing about the user, and the replay clears a restored copy before it
//! serves.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use domain::{IdentityHash, SubjectId};
use serde_json::{Value, json};

use crate::app::{App, User};
use crate::erasing::{VERIFY_DUE, stream_event, user_with_data};
use crate::faces;
use crate::workbench::{Faults, Workbench};

/// Makes a backup of the records and returns its ARN.
fn back_up(app: &App) -> Result<Value> {
    let parameters = json!({ "TableName": app.stack.output("RecordsTable")?, "BackupName": "before" });
    let backup = app.stack.account().call("dynamodb", "create_backup", &parameters)?;
    Ok(backup["BackupDetails"]["BackupArn"].clone())
}

/// Restores a backup to a table beside the records and returns the table's name. Replaces an earlier copy.
fn restore(app: &App, backup: &Value) -> Result<String> {
    let copy = format!("{}-restored", app.stack.output("RecordsTable")?);
    let account = app.stack.account();
    let _left_by_an_earlier_run = account.call("dynamodb", "delete_table", &json!({ "TableName": copy }));
    let parameters = json!({ "TargetTableName": copy, "BackupArn": backup });
    account.call("dynamodb", "restore_table_from_backup", &parameters)?;
    Ok(copy)
}

/// Finds the row of an identity.
fn identity_row<'a>(rows: &'a [Value], identity: &IdentityHash) -> Option<&'a Value> {
    rows.iter().find(|row| row["identity"] == identity.as_str())
}

/// Fails unless the backup's personal data is unreadable and its rows cannot be linked to the person.
fn ensure_backup_is_unreadable(
    app: &App,
    user: &User<'_>,
    subject: SubjectId,
    restored: &[Value],
    wrapped_key: &Value,
) -> Result<()> {
    let identity = IdentityHash::new(&app.stack.description().issuer, &user.name);
    let of_user: Vec<_> = restored.iter().filter(|row| row["pk"] == format!("SUBJECT#{subject}")).collect();
    ensure!(!of_user.is_empty(), "the backup holds no row of the subject, so this test proves nothing");
    // Personal fields are unreadable: no table holds their key any more, and neither does the backup.
    let sealed: Vec<_> = of_user.iter().filter_map(|row| row["contact"]["base64"].as_str()).collect();
    ensure!(!sealed.is_empty(), "no personal field in the backup");
    for contact in sealed {
        let bytes = BASE64.decode(contact)?;
        ensure!(!bytes.windows(6).any(|part| part == b"person"), "a contact in the clear");
    }
    let text = Value::from(restored.to_vec()).to_string();
    ensure!(!text.contains("@example.com"), "a contact in the clear");
    let after = app.all_rows("IdentitiesTable")?;
    let wrapped_key = wrapped_key["base64"].as_str().context("no wrapped key")?;
    for table in [
        Value::from(after.clone()).to_string(),
        text,
        Value::from(app.all_rows("ErasuresTable")?).to_string(),
    ] {
        ensure!(!table.contains(wrapped_key), "a table still holds the wrapped key");
    }
    // Rows cannot be linked to the person: the tombstone names no subject, and no row names both.
    let tombstone = identity_row(&after, &identity).context("no tombstone")?;
    let fields: BTreeSet<_> = tombstone.as_object().context("a row")?.keys().map(String::as_str).collect();
    ensure!(fields == BTreeSet::from(["erased_at", "identity", "ttl"]), "{tombstone}");
    for row in after.iter().chain(restored).chain(&app.all_rows("ErasuresTable")?) {
        let row = row.to_string();
        ensure!(
            !(row.contains(&subject.to_string()) && row.contains(identity.as_str())),
            "a row links identity and subject: {row}"
        );
    }
    Ok(())
}

/// The identity leads to the subject until the erasure ends. A copy from before the request has an open account gate,
/// or none if the account is younger than the copy. In both cases the next request would write into the account.
#[test]
fn a_replayed_copy_keeps_an_account_closed_during_its_erasure() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let user = app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let subject = user.subject()?;
    let backup = back_up(app)?;
    user.erase("account")?;
    let key = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": "GATE" } });
    for has_gate in [true, false] {
        let copy = restore(app, &backup)?;
        if !has_gate {
            app.stack.account().call("dynamodb", "delete_item", &json!({ "TableName": copy, "Key": key }))?;
        }
        bench.run("erase", &Faults::default())?.expect(&json!({ "task": "replay", "table": copy }))?;
        let rows = app.rows_of(&copy)?;
        let left: Vec<_> = rows.iter().filter(|row| row["pk"] == key["pk"]["S"]).collect();
        ensure!(
            left.len() == 1 && left[0]["erasing"] == true,
            "account gate in the copy: {has_gate}; rows after the replay: {left:?}"
        );
    }
    // After the erasure the replay deletes all rows of the account, the gate too.
    bench.sweep_erasures(0)?;
    let copy = restore(app, &backup)?;
    bench.run("erase", &Faults::default())?.expect(&json!({ "task": "replay", "table": copy }))?;
    ensure!(app.rows_of(&copy)?.iter().all(|row| row["pk"] != key["pk"]["S"]), "the erased account is back");
    app.stack.account().call("dynamodb", "delete_table", &json!({ "TableName": copy })).map(drop)
}

#[test]
fn a_restored_backup_is_unreadable_and_the_replay_clears_it() -> Result<()> {
    let bench = Workbench::open();
    let app = &bench.app;
    let account = app.stack.account();
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    let (user, subject, _) = user_with_data(&bench, &mut synthesize)?;
    let (bystander, other_subject, _) = user_with_data(&bench, &mut synthesize)?;
    let vanished = bystander.send(&faces::portrait()?)?.work;
    synthesize.expect(&bench.photo_event(other_subject, vanished)?)?;
    // These requests stay in the records, with contact data encrypted under the users' keys.
    for person in [&user, &bystander] {
        let earlier = person.erase("favorites")?;
        bench.run("erase", &Faults::default())?.expect(&stream_event(&earlier)?)?;
    }

    let backup = back_up(app)?;
    let identities_before = app.all_rows("IdentitiesTable")?;
    let identity = IdentityHash::new(&app.stack.description().issuer, &user.name);
    let wrapped_key =
        identity_row(&identities_before, &identity).context("no identity")?["wrapped_key"].clone();

    let requested = user.erase("account")?;
    bystander.delete(vanished)?.expect(204)?;
    bench.sweep_erasures(0)?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(app.state(&requested)? == "verified");

    let copy = restore(app, &backup)?;
    let restored = app.rows_of(&copy)?;
    ensure_backup_is_unreadable(app, &user, subject, &restored, &wrapped_key)?;

    // The replay deletes only what was erased or deleted since the backup.
    let mut erase = bench.run("erase", &Faults { ahead_seconds: VERIFY_DUE, ..Faults::default() })?;
    erase.expect(&json!({ "task": "replay", "table": copy }))?;
    let cleared = app.rows_of(&copy)?;
    ensure!(
        !Value::from(cleared.clone()).to_string().contains(&subject.to_string()),
        "the erased account is back"
    );
    let is_back = cleared.iter().any(|row| row["sk"] == format!("WORK#{vanished}"));
    ensure!(!is_back, "a deleted work is back");
    // A contact is deleted a week after its request is done; a later replay deletes it from the copy too.
    let has_contact = |rows: &[Value]| rows.iter().any(|row| row.get("contact").is_some());
    ensure!(has_contact(&cleared), "the contact was deleted before its week was over");
    bench.sweep_erasures(crate::erasing::BACKUPS_EXPIRED)?;
    erase.expect(&json!({ "task": "replay", "table": copy }))?;
    ensure!(!has_contact(&app.rows_of(&copy)?), "a deleted contact is back");
    let of_other =
        |rows: &[Value]| rows.iter().filter(|row| row["pk"] == format!("SUBJECT#{other_subject}")).count();
    ensure!(of_other(&cleared) == of_other(&restored) - 1, "the bystander lost more than the deleted work");
    account.call("dynamodb", "delete_table", &json!({ "TableName": copy })).map(drop)
}
