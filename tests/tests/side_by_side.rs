//! Two stacks in one account do not disturb each other, and a failed first deployment does not block the next one.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::{Context as _, Result, ensure};
use local_stack::{CallError, LocalStack, Options, Reservation, Stack, workspace_root};
use serde_json::{Value, json};

use crate::app::{built, eventually};

/// The scope that the second stack requires.
const SCOPE: &str = "fitting/use";

/// Two stacks in one account.
pub(crate) struct TwoStacks {
    pub(crate) first: LocalStack,
    pub(crate) second: Stack,
}

/// Locks the two stacks for one test.
pub(crate) fn two_stacks() -> MutexGuard<'static, TwoStacks> {
    static STACKS: OnceLock<Mutex<TwoStacks>> = OnceLock::new();
    let stacks = STACKS.get_or_init(|| {
        Mutex::new(deploy().unwrap_or_else(|error| panic!("the stacks do not start: {error:#}")))
    });
    stacks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn options(parameters: &[(&str, &str)]) -> Options {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Options {
        parameters: parameters.collect(),
        models: workspace_root().join("models/weights"),
        ..Options::default()
    }
}

/// Deploys one stack with default parameters and one with every optional part.
fn deploy() -> Result<TwoStacks> {
    let first = LocalStack::start(Reservation::of("first")?, &options(&[]), &built().plain, &|_step| {})?;
    let parameters = [
        ("AuthorizationScopes", SCOPE),
        ("SynthesizeConcurrency", "0"),
        ("AlarmEmail", "on-call@example.com"),
        ("AlarmUrl", "https://on-call.example.com/alarms"),
        ("WorkPeriodDays", "1"),
    ];
    let second = first.deploy_second_stack("second", &options(&parameters))?;
    Ok(TwoStacks { first, second })
}

/// Whether the function has logged this text.
fn has_logged(stack: &Stack, function: &str, text: &str) -> Result<bool> {
    let group = format!("/{}/{function}", stack.description().name);
    let lines = stack.account().call("logs", "filter_log_events", &json!({ "logGroupName": group }))?;
    let lines = lines["events"].as_array().context("no events")?.clone();
    Ok(lines.iter().any(|line| line["message"].as_str().is_some_and(|line| line.contains(text))))
}

#[test]
fn both_stacks_have_their_own_schedules_and_both_sweep() -> Result<()> {
    let stacks = two_stacks();
    let account = stacks.first.account();
    let schedules = account.call("scheduler", "list_schedules", &json!({}))?;
    let schedules = schedules["Schedules"].as_array().context("no schedules")?.clone();
    for stack in ["first", "second"] {
        let mut own: Vec<_> = schedules
            .iter()
            .filter(|schedule| schedule["GroupName"] == stack)
            .filter_map(|schedule| schedule["Name"].as_str())
            .collect();
        own.sort_unstable();
        let names = ["erase-sweep", "purge-residue", "purge-sweep"].map(|name| format!("{stack}-{name}"));
        ensure!(own == names, "{stack}: {own:?}");
        // Runs every minute, so that the test need not wait for five minutes or a day.
        for name in &names[1..] {
            let key = json!({ "Name": name, "GroupName": stack });
            let mut schedule = account.call("scheduler", "get_schedule", &key)?;
            let fields = schedule.as_object_mut().context("no schedule")?;
            fields.retain(|field, _| {
                ["Name", "GroupName", "FlexibleTimeWindow", "Target"].contains(&field.as_str())
            });
            fields.insert("ScheduleExpression".to_owned(), json!("rate(1 minute)"));
            account.call("scheduler", "update_schedule", &schedule)?;
        }
    }
    for stack in [&*stacks.first, &stacks.second] {
        for (function, text) in [("erase", "swept"), ("purge", "swept"), ("purge", "residue_found")] {
            let name = &stack.description().name;
            eventually(&format!("{function} of the stack {name} logs {text}"), || {
                Ok(has_logged(stack, function, text)?.then_some(()))
            })?;
        }
    }
    Ok(())
}

#[test]
fn a_token_without_a_required_scope_is_refused() -> Result<()> {
    let stacks = two_stacks();
    let (first, second) = (&*stacks.first, &stacks.second);
    for (scope, by_second) in [(None, 403), (Some("openid"), 403), (Some(SCOPE), 200)] {
        let mut claims = json!({ "sub": "somebody" });
        if let Some(scope) = scope {
            claims["scope"] = json!(scope);
        }
        for (stack, status) in [(first, 200), (second, by_second)] {
            let answer = stack.caller(Some(stack.token(&claims)?))?.get("/v1/works")?;
            ensure!(answer.status == status, "{scope:?}: {} {}", answer.status, answer.body);
        }
    }
    Ok(())
}

#[test]
fn alarms_go_to_the_addresses_of_the_deployment() -> Result<()> {
    let stacks = two_stacks();
    let subscribed = |stack: &Stack| -> Result<Vec<Value>> {
        let topic = json!({ "TopicArn": stack.output("AlarmTopic")? });
        let answer = stack.account().call("sns", "list_subscriptions_by_topic", &topic)?;
        let subscriptions = answer["Subscriptions"].as_array().context("no subscriptions")?;
        let mut endpoints: Vec<_> =
            subscriptions.iter().map(|subscription| subscription["Endpoint"].clone()).collect();
        endpoints.sort_by_key(Value::to_string);
        Ok(endpoints)
    };
    ensure!(subscribed(&stacks.first)?.is_empty());
    let second = subscribed(&stacks.second)?;
    ensure!(second == ["https://on-call.example.com/alarms", "on-call@example.com"], "{second:?}");
    Ok(())
}

#[test]
fn dynamodb_refuses_to_delete_a_protected_table() -> Result<()> {
    let stacks = two_stacks();
    for table in ["RecordsTable", "IdentitiesTable", "ErasuresTable"] {
        let name = json!({ "TableName": stacks.first.output(table)? });
        let refused = stacks.first.account().call("dynamodb", "delete_table", &name);
        let code = refused.err().and_then(|error| error.downcast::<CallError>().ok()?.code);
        ensure!(code.as_deref() == Some("ValidationException"), "{table}: {code:?}");
    }
    Ok(())
}

#[test]
fn a_failed_first_deployment_does_not_block_the_next() -> Result<()> {
    let stacks = two_stacks();
    let account = stacks.first.account();
    // The name of the bucket that is created last is taken. `DisableValidation` keeps CloudFormation from checking
    // names before it creates the other resources.
    let taken = json!({ "Bucket": "third-uploads-000000000000" });
    account.call("s3", "create_bucket", &taken)?;
    let (endpoint, issuer) = (&stacks.first.description().endpoint, &stacks.first.description().issuer);
    let parameter = |name: &str, value: &str| json!({ "ParameterKey": name, "ParameterValue": value });
    let creation = json!({
        "StackName": "third", "Capabilities": ["CAPABILITY_IAM"], "DisableValidation": true,
        "TemplateURL": format!("{endpoint}/function-code/template.json"),
        "Parameters": [
            parameter("JwtIssuer", issuer), parameter("JwtAudience", "x"),
            parameter("Architecture", "x86_64"), parameter("ProtectTables", "false"),
        ],
    });
    account.call("cloudformation", "create_stack", &creation)?;
    let wait_for_end = |wanted: &'static str| {
        eventually(wanted, || {
            let stacks =
                account.call("cloudformation", "describe_stacks", &json!({ "StackName": "third" }))?;
            let status = stacks["Stacks"][0]["StackStatus"].as_str().unwrap_or_default().to_owned();
            Ok((!status.ends_with("IN_PROGRESS")).then_some(status))
        })
    };
    let status = wait_for_end("the deployment fails")?;
    ensure!(status == "ROLLBACK_COMPLETE", "{status}");
    let events = account.call("cloudformation", "describe_stack_events", &json!({ "StackName": "third" }))?;
    for resource in
        ["RecordsTable", "IdentitiesTable", "ErasuresTable", "StorageKey", "DataKey", "ReceiptKey"]
    {
        let deleted = events["StackEvents"].as_array().into_iter().flatten().any(|event| {
            event["LogicalResourceId"] == resource && event["ResourceStatus"] == "DELETE_COMPLETE"
        });
        ensure!(deleted, "the rollback did not delete {resource}");
    }
    let tables = account.call("dynamodb", "list_tables", &json!({}))?;
    ensure!(!tables.to_string().contains("third-"), "{tables}");

    account.call("s3", "delete_bucket", &taken)?;
    account.call("cloudformation", "delete_stack", &json!({ "StackName": "third" }))?;
    account.call("cloudformation", "create_stack", &creation)?;
    let status = wait_for_end("the deployment ends")?;
    ensure!(status == "CREATE_COMPLETE", "{status}");
    Ok(())
}
