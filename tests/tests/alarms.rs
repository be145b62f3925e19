//! Each alarm on the functions' own metrics can fire: a test causes the condition, reads the reported metric and
//! compares it with the deployed alarm.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use local_stack::Stack;
use serde_json::{Map, Value, json};

use crate::faces;
use crate::routes;
use crate::side_by_side::two_stacks;
use crate::workbench::{Faults, Workbench, sample};

/// The functions of the API. Each comes with the setting that names a store without which none of its routes works.
const API_FUNCTIONS: [(&str, &str); 6] = [
    ("account", "IDENTITIES_TABLE"),
    ("deletion-requests", "IDENTITIES_TABLE"),
    ("favorites", "IDENTITIES_TABLE"),
    ("templates", "TEMPLATES_BUCKET"),
    ("uploads", "IDENTITIES_TABLE"),
    ("works", "IDENTITIES_TABLE"),
];

/// One value of a metric, as CloudWatch reads it from a log line.
#[derive(Debug)]
struct Point {
    namespace: Value,
    metric: Value,
    /// In the form that alarms have.
    dimensions: Value,
    value: f64,
}

/// Reads a log line in the Embedded Metric Format as CloudWatch does: each metric under each set of dimensions.
fn points(line: &str) -> Vec<Point> {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let mut points = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        for set in directive["Dimensions"].as_array().into_iter().flatten() {
            let names = set.as_array().into_iter().flatten().filter_map(Value::as_str);
            let dimensions: Vec<_> = names.map(|name| json!({ "Name": name, "Value": line[name] })).collect();
            for metric in directive["Metrics"].as_array().into_iter().flatten() {
                let value = line[metric["Name"].as_str().unwrap_or_default()].as_f64();
                points.push(Point {
                    namespace: directive["Namespace"].clone(),
                    metric: metric["Name"].clone(),
                    dimensions: json!(dimensions),
                    value: value.unwrap_or(f64::NAN),
                });
            }
        }
    }
    points
}

/// Reads all metrics that the functions of a stack have reported so far.
fn reported(stack: &Stack) -> Result<Vec<Point>> {
    let mut all = Vec::new();
    for function in local_stack::FUNCTIONS {
        let group = format!("/{}/{function}", stack.description().name);
        let mut parameters = json!({ "logGroupName": group });
        loop {
            let page = stack.account().call("logs", "filter_log_events", &parameters)?;
            let events = page["events"].as_array().context("no events")?;
            all.extend(events.iter().filter_map(|event| event["message"].as_str()).flat_map(points));
            match page.get("nextToken") {
                Some(token) if !events.is_empty() => parameters["nextToken"] = token.clone(),
                _ => break,
            }
        }
    }
    Ok(all)
}

/// Reads the deployed alarms of a stack.
fn alarms(stack: &Stack) -> Result<Vec<Value>> {
    let name = json!({ "StackName": stack.description().name });
    let resources = stack.account().call("cloudformation", "describe_stack_resources", &name)?;
    let names: Vec<_> = resources["StackResources"]
        .as_array()
        .context("no resources")?
        .iter()
        .filter(|resource| resource["ResourceType"] == "AWS::CloudWatch::Alarm")
        .map(|resource| resource["PhysicalResourceId"].clone())
        .collect();
    let found = stack.account().call("cloudwatch", "describe_alarms", &json!({ "AlarmNames": names }))?;
    let found = found["MetricAlarms"].as_array().context("no alarms")?.clone();
    ensure!(found.len() == names.len(), "{} of {} alarms", found.len(), names.len());
    Ok(found)
}

/// Whether this value fires the alarm. Any value concerns an alarm on silence.
fn fires(alarm: &Value, value: f64) -> bool {
    let threshold = alarm["Threshold"].as_f64().unwrap_or(f64::NAN);
    alarm["Statistic"] == "SampleCount" || value > threshold
}

/// The metrics of the alarms that fire at these log lines of a function. At the workbench a function reports under its
/// bare name, without the stack's.
pub(crate) fn metrics_of_fired_alarms(stack: &Stack, function: &str, log: &str) -> Result<BTreeSet<String>> {
    let points: Vec<_> = log.lines().flat_map(points).collect();
    let deployed = json!([{ "Name": "function", "Value": stack.function(function) }]);
    let here = json!([{ "Name": "function", "Value": function }]);
    let mut fired = BTreeSet::new();
    for alarm in alarms(stack)? {
        let is_on = |point: &&Point| {
            point.namespace == alarm["Namespace"]
                && point.metric == alarm["MetricName"]
                && point.dimensions == here
        };
        let values = points.iter().filter(is_on).map(|point| point.value);
        let value = match alarm["Statistic"].as_str() {
            Some("Sum") => values.sum(),
            Some("Maximum") => values.fold(f64::NEG_INFINITY, f64::max),
            _ => continue,
        };
        if alarm["Dimensions"] == deployed && fires(&alarm, value) {
            fired.insert(alarm["MetricName"].as_str().context("no metric")?.to_owned());
        }
    }
    Ok(fired)
}

/// Points a function to a store that does not exist, calls each of its routes, and restores the setting.
fn break_and_call(stack: &Stack, function: &str, variable: &str) -> Result<Vec<(String, u16)>> {
    let set = |value: &str| -> Result<()> {
        let mut variables: Map<_, _> =
            stack.function_environment(function)?.into_iter().map(|(k, v)| (k, json!(v))).collect();
        variables.insert(variable.to_owned(), json!(value));
        let parameters = json!({
            "FunctionName": stack.function(function), "Environment": { "Variables": variables },
        });
        stack.account().call("lambda", "update_function_configuration", &parameters).map(drop)
    };
    let usual = stack.function_environment(function)?.remove(variable).context("no such variable")?;
    set("nowhere")?;
    let token = stack.token(&json!({ "sub": "somebody", "scope": "fitting/use" }))?;
    let caller = stack.caller(Some(token))?;
    let mut answers = Vec::new();
    for route in routes::all()?.into_iter().filter(|route| route.contains(&format!("/v1/{function}"))) {
        let (method, path) = routes::request(&route, "01BX5ZZKBKACTAV9WEVGEMMVRZ")?;
        let body = match route.as_str() {
            "POST /v1/uploads" => sample("uploads/create.json")?["body"].clone(),
            "POST /v1/deletion-requests" => json!({ "scope": "works" }).to_string().into(),
            _ => Value::Null,
        };
        let headers = [("idempotency-key", "key"), ("content-type", "application/json")];
        let answer = caller.send(&method, &path, &headers, body.as_str().unwrap_or_default().into())?;
        answers.push((route, answer.status));
    }
    set(&usual)?;
    Ok(answers)
}

/// The alarms on residue, on overdue requests and on data found after a receipt have tests in `residue`, `identity` and
/// `photos_after_erasure`.
#[test]
fn photo_alarms_fire_only_past_their_thresholds() -> Result<()> {
    let bench = Workbench::open();
    let stack = &bench.app.stack;
    bench.app.user()?.send(&faces::no_face()?)?;
    for (ahead_seconds, fires) in [(1_100, false), (1_300, true)] {
        // The sweep reports the photo's age before it deletes the photo.
        bench.app.user()?.send(&faces::no_face()?)?;
        let mut purge = bench.run("purge", &Faults { ahead_seconds, ..Faults::default() })?;
        purge.expect(&sample("purge/sweep.json")?)?;
        let fired = metrics_of_fired_alarms(stack, "purge", &purge.log()?)?;
        ensure!(fired.contains("oldest_photo_age_seconds") == fires, "{ahead_seconds} s: {fired:?}");
    }
    let mut unknown = sample("synthesize/unknown-key.json")?;
    unknown["Records"][0]["s3"]["bucket"]["name"] = json!(stack.output("UploadsBucket")?);
    let mut synthesize = bench.run("synthesize", &Faults::default())?;
    for events in 1..=21 {
        synthesize.expect(&unknown)?;
        let fired = metrics_of_fired_alarms(stack, "synthesize", &synthesize.log()?)?;
        ensure!(fired.contains("photos_deleted_unprocessed") == (events > 20), "{events}: {fired:?}");
    }
    Ok(())
}

#[test]
fn an_api_fault_fires_its_alarm_and_every_alarm_has_a_reported_metric() -> Result<()> {
    let stacks = two_stacks();
    let stack = &stacks.second;
    let mut faults = 0;
    for (function, variable) in API_FUNCTIONS {
        let answers = break_and_call(stack, function, variable)?;
        let failed: Vec<_> = answers.iter().filter(|(_, status)| *status >= 500).collect();
        ensure!(!failed.is_empty(), "{function} answers without its store: {answers:?}");
        faults += failed.len();
        // For Lambda, an answer with a status of 500 is a success.
        ensure!(errors(stack, function)? < 1.0, "{function}: Lambda counts an error");
    }
    for (function, task) in [("purge", "sweep"), ("purge", "residue"), ("erase", "sweep")] {
        stack.account().invoke(&stack.function(function), &json!({ "task": task }))?;
    }
    // A photo without a work.
    let mut unknown = sample("synthesize/unknown-key.json")?;
    unknown["Records"][0]["s3"]["bucket"]["name"] = json!(stack.output("UploadsBucket")?);
    stack.account().invoke(&stack.function("synthesize"), &unknown)?;
    let reported = reported(stack)?;
    let mut counted = 0;
    // `found_after_receipt` needs a clock that is a week ahead; `photos_after_erasure` tests it.
    let is_caused =
        |alarm: &&Value| alarm["Namespace"] == "AiFitting" && alarm["MetricName"] != "found_after_receipt";
    for alarm in alarms(stack)?.iter().filter(is_caused) {
        let on = |point: &&Point| {
            point.namespace == alarm["Namespace"]
                && point.metric == alarm["MetricName"]
                && point.dimensions == alarm["Dimensions"]
        };
        let points: Vec<_> = reported.iter().filter(on).collect();
        ensure!(!points.is_empty(), "no function reports the metric of the alarm {}", alarm["AlarmName"]);
        if alarm["MetricName"] == "server_faults" {
            ensure!(points.iter().all(|point| fires(alarm, point.value)), "{points:?}");
            counted += points.len();
        }
    }
    ensure!(counted == faults, "{counted} of {faults} answers were counted");
    // The metric exists by route too, so that the on-call engineer sees which route fails.
    let by_route = json!({ "Name": "kind", "Value": "GET /v1/works/{id}" });
    ensure!(reported.iter().any(|point| point.dimensions[1] == by_route), "{reported:?}");
    Ok(())
}

#[test]
fn an_event_that_a_function_cannot_handle_counts_as_an_error_of_lambda() -> Result<()> {
    let stacks = two_stacks();
    let stack = &stacks.second;
    let alarms = alarms(stack)?;
    // An unknown task, and a photo in another account's bucket.
    let unknown = json!({ "task": "unknown" });
    let foreign = sample("synthesize/photo.json")?;
    for (function, event) in [("erase", &unknown), ("purge", &unknown), ("synthesize", &foreign)] {
        let answer = stack.account().invoke(&stack.function(function), event);
        ensure!(answer.is_err(), "{function} accepts an event that it cannot handle");
        ensure!(errors(stack, function)? > 0.0, "{function}: Lambda counts no error");
        let dimensions = json!([{ "Name": "FunctionName", "Value": stack.function(function) }]);
        let watched = alarms.iter().any(|alarm| {
            alarm["Namespace"] == "AWS/Lambda"
                && alarm["MetricName"] == "Errors"
                && alarm["Dimensions"] == dimensions
                && fires(alarm, 1.0)
        });
        ensure!(watched, "{function}: no alarm on its errors");
    }
    Ok(())
}

/// The number of the function's runs that ended in an error, as Lambda counts them.
fn errors(stack: &Stack, function: &str) -> Result<f64> {
    let parameters = json!({
        "Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistics": ["Sum"], "Period": 86_400,
        "Dimensions": [{ "Name": "FunctionName", "Value": stack.function(function) }],
        "StartTime": "2000-01-01T00:00:00Z", "EndTime": "2100-01-01T00:00:00Z",
    });
    let answer = stack.account().call("cloudwatch", "get_metric_statistics", &parameters)?;
    Ok(answer["Datapoints"].as_array().into_iter().flatten().filter_map(|point| point["Sum"].as_f64()).sum())
}
