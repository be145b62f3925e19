//! A request that pauses while its account is erased writes nothing when it resumes, whether it paused before a read or
//! before a write.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::app::{TEMPLATE, User};
use crate::erasing::{VERIFY_DUE, stream_event};
use crate::faces;
use crate::requests::{ApiRequest, answered};
use crate::workbench::{Faults, PauseOutcome, Workbench};

/// A function and a request that makes it write to the caller's account.
struct Writer {
    function: &'static str,
    route: &'static str,
    path: Vec<(&'static str, &'static str)>,
    body: Value,
}

/// A writing request for each function that writes for a user.
fn writers() -> Result<Vec<Writer>> {
    let photo = faces::no_face()?;
    let upload = json!({
        "template_id": TEMPLATE, "source": "album", "content_type": photo.content_type,
        "content_length": photo.bytes.len(), "sha256": domain::Sha256::of(&photo.bytes).as_base64(),
    });
    let favorite = vec![("kind", "template"), ("id", TEMPLATE)];
    let writer = |function, route, path, body| Writer { function, route, path, body };
    Ok(vec![
        writer("account", "POST /v1/account", Vec::new(), Value::Null),
        writer("uploads", "POST /v1/uploads", Vec::new(), upload),
        writer("favorites", "PUT /v1/favorites/{kind}/{id}", favorite, Value::Null),
        writer("deletion-requests", "POST /v1/deletion-requests", Vec::new(), json!({ "scope": "works" })),
    ])
}

/// Sends the request, pauses it before its call number `call`, and erases and verifies the account meanwhile. Returns
/// whether there is such a call.
fn erase_during_request(bench: &Workbench, writer: &Writer, call: u32) -> Result<bool> {
    let user: User<'_> = bench.app.user()?;
    user.start_account()?.expect(200)?;
    let subject = user.subject()?;
    let mut slow = bench.run(writer.function, &Faults { pause_at_call: Some(call), ..Faults::default() })?;
    let request = ApiRequest::of(writer.route, &writer.path).with("paused", writer.body.clone());
    slow.process.send(&request.event(&user)?);
    if let PauseOutcome::Answered(answer) = slow.wait_for_pause_or_answer()? {
        let (status, body) = answered(answer)?;
        ensure!(status < 300, "{status}: {body}");
        return Ok(false);
    }
    let requested = user.erase("account")?;
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "verified");
    bench.app.receipt(&requested)?;
    slow.resume()?;
    let (status, body) = answered(slow.answer()?)?;
    // A request that paused after its write is answered as usual; the erasure deleted its row.
    ensure!(status < 500, "answered {status}: {body}");
    let traces = bench.app.traces_of(&user, subject)?;
    ensure!(traces.is_empty(), "written after a verified erasure: {traces:?}");
    ensure!(user.subject().is_err(), "the account exists again");
    Ok(true)
}

#[test]
fn a_request_paused_at_any_call_during_an_erasure_writes_nothing() -> Result<()> {
    let bench = Workbench::open();
    for writer in writers()? {
        let mut calls = 0;
        while erase_during_request(&bench, &writer, calls + 1)
            .map_err(|error| error.context(format!("{} at call {}", writer.function, calls + 1)))?
        {
            calls += 1;
        }
        println!("{}: paused at {calls} calls during an erasure", writer.function);
        ensure!(calls >= 2, "{} makes {calls} calls", writer.function);
    }
    Ok(())
}

/// An identity without an account gate has records from an older backup: the next request makes the gate. If an erasure
/// completes before that write, the request makes no gate.
#[test]
fn a_missing_account_gate_is_restored_only_while_the_identity_exists() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.start_account()?.expect(200)?;
    let subject = user.subject()?;
    let gate = json!({ "pk": { "S": format!("SUBJECT#{subject}") }, "sk": { "S": "GATE" } });
    bench.app.delete_row(&gate)?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    ensure!(user.subject()? == subject && user.favorites()?.len() == 1, "the account gate is not restored");

    let requested = user.erase("account")?;
    bench.app.delete_row(&gate)?;
    let request = ApiRequest::of("POST /v1/account", &[]);
    let mut slow = bench.run("account", &Faults { pause_at: Some(1), ..Faults::default() })?;
    slow.process.send(&request.event(&user)?);
    ensure!(
        matches!(slow.wait_for_pause_or_answer()?, PauseOutcome::Paused),
        "the function writes no account gate"
    );
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "verified");
    slow.resume()?;
    let (status, body) = answered(slow.answer()?)?;
    ensure!(status == 409 && body["code"] == "account_changing", "{status}: {body}");
    let traces = bench.app.traces_of(&user, subject)?;
    ensure!(traces.is_empty(), "written after a verified erasure: {traces:?}");
    Ok(())
}

/// Any data that the verify pass finds prevents the verification, an account gate too.
#[test]
fn the_verify_pass_finds_a_leftover_account_gate() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.save_favorite("template", TEMPLATE)?.expect(200)?;
    let subject = user.subject()?;
    let gate = bench.app.raw_rows(subject)?.into_iter().find(|row| row["sk"]["S"] == "GATE");
    let requested = user.erase("account")?;
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
    bench.app.put_row(&gate.unwrap_or_default())?;
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "erased", "verified although an account gate remained");
    ensure!(bench.app.rows(subject)?.is_empty(), "the verify pass did not delete the account gate");
    bench.sweep_erasures(2 * VERIFY_DUE)?;
    ensure!(bench.app.state(&requested)? == "verified");
    Ok(())
}
