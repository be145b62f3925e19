//! `erase` tells the identity provider of an erased account before the person's name is deleted.

use anyhow::{Context as _, Result, ensure};
use local_stack::Answer;
use serde_json::{Value, json};

use crate::alarms;
use crate::app::eventually;
use crate::erasing::{VERIFY_DUE, stream_event};
use crate::faces;
use crate::workbench::{Faults, Run, Workbench, sample};

/// Creates a queue that receives the events of `erase` from the account's event bus. Returns its URL.
fn create_event_queue(bench: &Workbench) -> Result<String> {
    let account = bench.app.stack.account();
    let queue = account.call("sqs", "create_queue", &json!({ "QueueName": "erased-accounts" }))?;
    let url = queue["QueueUrl"].as_str().context("no queue")?.to_owned();
    let pattern = json!({ "source": ["ai-fitting.workbench"], "detail-type": ["account.erased"] });
    let rule = json!({ "Name": "erased-accounts", "EventPattern": pattern.to_string() });
    account.call("events", "put_rule", &rule)?;
    let arn = "arn:aws:sqs:us-east-1:000000000000:erased-accounts";
    let targets = json!({ "Rule": "erased-accounts", "Targets": [{ "Id": "queue", "Arn": arn }] });
    account.call("events", "put_targets", &targets)?;
    Ok(url)
}

/// Takes the events that have arrived from the queue and returns their details.
fn receive_events(bench: &Workbench, queue: &str) -> Result<Vec<Value>> {
    let parameters = json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10 });
    let answer = bench.app.stack.account().call("sqs", "receive_message", &parameters)?;
    let bodies =
        answer["Messages"].as_array().into_iter().flatten().filter_map(|message| message["Body"].as_str());
    bodies.map(|body| Ok(serde_json::from_str::<Value>(body)?["detail"].take())).collect()
}

#[test]
fn an_event_tells_an_issuer_without_a_user_pool() -> Result<()> {
    let bench = Workbench::open();
    let queue = create_event_queue(&bench)?;
    let user = bench.app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let requested = user.erase("account")?;
    ensure!(receive_events(&bench, &queue)?.is_empty());
    bench.run("erase", &Faults::default())?.expect(&stream_event(&requested)?)?;
    let event = eventually("the event arrives", || Ok(receive_events(&bench, &queue)?.pop()))?;
    let issuer = &bench.app.stack.description().issuer;
    ensure!(event == json!({ "issuer": issuer, "sub": user.name }), "{event}");
    Ok(())
}

#[test]
fn an_erasure_waits_until_the_identity_provider_is_told() -> Result<()> {
    let bench = Workbench::open();
    let user = bench.app.user()?;
    user.request_upload(&faces::no_face()?)?;
    let subject = user.subject()?;
    let requested = user.erase("account")?;
    // The function takes this pool for the issuer's, but its role has no access to the pool yet.
    let pool = Pool::create(&bench)?;
    let mut erase = bench.run_with("erase", &Faults::default(), &[("USER_POOL", &pool.id)])?;
    let requested_there = pool.request_erasure(&bench)?;
    let answer = erase.handle(&stream_event(&requested_there)?)?;
    ensure!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    ensure!(bench.app.state(&requested_there)? == "hidden");
    ensure!(pool.has_user(&bench)?);
    // The waiting erasure does not stop the other one.
    let Answer::Failed(_) = erase.handle(&sample("erase/sweep.json")?)? else {
        anyhow::bail!("the sweep did not fail")
    };
    ensure!(bench.app.state(&requested)? == "erased");
    ensure!(bench.app.traces_of(&user, subject)?.is_empty());

    // The alarm on overdue requests fires after two days.
    for (ahead_seconds, is_called) in [(47 * 3_600, false), (49 * 3_600, true)] {
        let late = Faults { ahead_seconds, ..Faults::default() };
        let mut erase = bench.run_with("erase", &late, &[("USER_POOL", &pool.id)])?;
        let Answer::Failed(_) = erase.handle(&sample("erase/sweep.json")?)? else {
            anyhow::bail!("the sweep did not fail")
        };
        let fired = alarms::metrics_of_fired_alarms(&bench.app.stack, "erase", &erase.log()?)?;
        ensure!(fired.contains("overdue_requests") == is_called, "{ahead_seconds} s: {fired:?}");
    }

    pool.let_erase_delete_users(&bench)?;
    let mut erase = bench.run_with("erase", &Faults::default(), &[("USER_POOL", &pool.id)])?;
    erase.expect(&sample("erase/sweep.json")?)?;
    ensure!(bench.app.state(&requested_there)? == "erased");
    ensure!(!pool.has_user(&bench)?, "the user is still in the pool");
    bench.sweep_erasures(VERIFY_DUE)?;
    ensure!(bench.app.state(&requested_there)? == "verified");
    Ok(())
}

/// A Cognito user pool in the stack's account, with one user.
struct Pool {
    id: String,
    sub: String,
}

impl Pool {
    fn create(bench: &Workbench) -> Result<Self> {
        let account = bench.app.stack.account();
        let pool = account.call("cognito-idp", "create_user_pool", &json!({ "PoolName": "users" }))?;
        let id = pool["UserPool"]["Id"].as_str().context("no pool")?.to_owned();
        let user = json!({ "UserPoolId": id, "Username": "ada", "MessageAction": "SUPPRESS" });
        let user = account.call("cognito-idp", "admin_create_user", &user)?;
        let attributes = user["User"]["Attributes"].as_array().context("no attributes")?;
        let sub = attributes.iter().find(|attribute| attribute["Name"] == "sub").context("no sub")?;
        Ok(Self { sub: sub["Value"].as_str().context("no sub")?.to_owned(), id })
    }

    /// Requests the erasure of the pool's user, with a token of the pool.
    fn request_erasure(&self, bench: &Workbench) -> Result<crate::erasing::DeletionRequest> {
        let mut request = sample("deletion-requests/create.json")?;
        let claims = &mut request["requestContext"]["authorizer"]["jwt"]["claims"];
        claims["iss"] = json!(format!("https://cognito-idp.us-east-1.amazonaws.com/{}", self.id));
        claims["sub"] = json!(self.sub);
        request["body"] = json!(json!({ "scope": "account" }).to_string());
        let mut function: Run = bench.run("deletion-requests", &Faults::default())?;
        let Answer::Returned(answer) = function.handle(&request)? else { anyhow::bail!("no answer") };
        let body: Value = serde_json::from_str(answer["body"].as_str().context("no body")?)?;
        crate::erasing::DeletionRequest::of(&body)
    }

    fn has_user(&self, bench: &Workbench) -> Result<bool> {
        let users =
            bench.app.stack.account().call("cognito-idp", "list_users", &json!({ "UserPoolId": self.id }))?;
        Ok(!users["Users"].as_array().context("no users")?.is_empty())
    }

    /// Grants `erase` the permission that the SAM template's parameter `UserPoolId` grants.
    fn let_erase_delete_users(&self, bench: &Workbench) -> Result<()> {
        let resource = format!("arn:aws:cognito-idp:us-east-1:000000000000:userpool/{}", self.id);
        bench.allow("erase", "cognito-idp:AdminDeleteUser", &resource)
    }
}
