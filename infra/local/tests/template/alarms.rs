//! P15: every alarm is on a metric that exists, under the dimensions that it is written with, and reaches somebody.
//!
//! What the functions write themselves is compared with the alarms where they run: `tests/tests/alarms.rs`.

use serde_json::{Value, json};

use crate::{TEMPLATE, resource, resources};

/// The metrics of AWS that alarms may be on: namespace, name, the dimension and the type of what it names. From "Types of
/// metrics for Lambda functions" in the Lambda developer guide, and "Monitor CloudWatch metrics for HTTP APIs" in that of
/// API Gateway.
const OF_AWS: [(&str, &str, &str, &str); 6] = [
    ("AWS/Lambda", "Errors", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/Lambda", "Throttles", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/Lambda", "Duration", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/Lambda", "AsyncEventsDropped", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/Lambda", "DestinationDeliveryFailures", "FunctionName", "AWS::Lambda::Function"),
    ("AWS/ApiGateway", "5xx", "ApiId", "AWS::ApiGatewayV2::Api"),
];

fn alarms_on(metric: &str) -> impl Iterator<Item = &'static Value> {
    resources("AWS::CloudWatch::Alarm").map(|(_, alarm)| alarm).filter(move |a| a["MetricName"] == metric)
}

/// The functions that an alarm on this metric watches.
fn watched(metric: &str) -> Vec<&'static str> {
    alarms_on(metric).filter_map(|alarm| alarm["Dimensions"][0]["Value"]["Ref"].as_str()).collect()
}

/// The functions behind the API, by logical name.
fn of_the_api() -> Vec<&'static str> {
    resources("AWS::ApiGatewayV2::Integration")
        .map(|(_, integration)| integration["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap())
        .collect()
}

#[test]
fn every_alarm_on_a_metric_of_aws_names_one_that_there_is() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm").filter(|(_, a)| a["Namespace"] != "AiFitting") {
        let known = OF_AWS.iter().find(|(namespace, metric, ..)| {
            alarm["Namespace"] == *namespace && alarm["MetricName"] == *metric
        });
        let (_, _, dimension, kind) = known.unwrap_or_else(|| panic!("{name} is on no metric of AWS"));
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
        assert_eq!(alarm["Dimensions"], json!([{ "Name": dimension, "Value": { "Ref": of } }]), "{name}");
        assert_eq!(TEMPLATE["Resources"][of]["Type"], *kind, "{name}");
    }
}

#[test]
fn every_alarm_on_a_metric_of_ours_is_by_function() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm").filter(|(_, a)| a["Namespace"] == "AiFitting") {
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
        assert_eq!(alarm["Dimensions"], json!([{ "Name": "function", "Value": { "Ref": of } }]), "{name}");
        assert_eq!(TEMPLATE["Resources"][of]["Type"], "AWS::Lambda::Function", "{name}");
    }
}

#[test]
fn every_function_is_watched_by_what_its_failures_look_like() {
    let (faults, errors) = (watched("server_faults"), watched("Errors"));
    for (name, _) in resources("AWS::Lambda::Function") {
        // A function of the API answers 500, which Lambda takes for a success; the others return an error.
        let watched = if of_the_api().contains(&name) { &faults } else { &errors };
        assert!(watched.contains(&name), "{name} may fail unseen");
    }
    assert_eq!(alarms_on("5xx").count(), 1, "a function that does not answer at all");
}

#[test]
fn every_function_that_events_reach_is_watched_for_those_it_never_saw() {
    for (name, bounds) in resources("AWS::Lambda::EventInvokeConfig") {
        let function = bounds["FunctionName"]["Ref"].as_str().unwrap();
        assert!(watched("AsyncEventsDropped").contains(&function), "{name}");
        let has_destination = bounds["DestinationConfig"].get("OnFailure").is_some();
        assert_eq!(watched("DestinationDeliveryFailures").contains(&function), has_destination, "{name}");
    }
    for metric in ["Throttles", "Duration"] {
        assert_eq!(watched(metric), ["SynthesizeFunction"], "{metric}");
    }
}

#[test]
fn too_much_of_a_metric_of_ours_is_one_alarm_and_its_silence_another() {
    for metric in ["oldest_photo_age_seconds", "overdue_requests", "residue_found"] {
        assert!(
            alarms_on(metric).any(|alarm| alarm["ComparisonOperator"] == "GreaterThanThreshold"),
            "{metric}"
        );
        let silent =
            |alarm: &Value| alarm["Statistic"] == "SampleCount" && alarm["TreatMissingData"] == "breaching";
        assert!(alarms_on(metric).any(silent), "{metric}");
    }
}

#[test]
fn an_alarm_fires_within_what_its_metric_can_reach() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let seconds = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
        // CloudWatch looks back for a day, or for a week in periods of an hour or more (API reference, PutMetricAlarm).
        let max = if alarm["Period"].as_u64() >= Some(3_600) { 604_800 } else { 86_400 };
        assert!(seconds <= max, "{name}");
        if alarm["MetricName"] == "Duration" {
            let function = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
            let limit = resource(function)["Timeout"].as_u64().unwrap() * 1_000;
            assert!(alarm["Threshold"].as_u64() < Some(limit), "{name}: nothing runs that long");
        }
    }
}

#[test]
fn every_alarm_reaches_whoever_the_deployment_names() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmTopic" }]), "{name}");
        assert!(alarm.get("ActionsEnabled").is_none(), "{name}");
    }
    for (protocol, parameter) in [("email", "AlarmEmail"), ("https", "AlarmUrl")] {
        let (name, subscription) = resources("AWS::SNS::Subscription")
            .find(|(_, subscription)| subscription["Protocol"] == protocol)
            .unwrap_or_else(|| panic!("no subscription by {protocol}"));
        assert_eq!(subscription["TopicArn"], json!({ "Ref": "AlarmTopic" }), "{name}");
        assert_eq!(subscription["Endpoint"], json!({ "Ref": parameter }), "{name}");
        let condition = TEMPLATE["Resources"][name]["Condition"].as_str().unwrap();
        let is_set = json!({ "Fn::Not": [{ "Fn::Equals": [{ "Ref": parameter }, ""] }] });
        assert_eq!(TEMPLATE["Conditions"][condition], is_set, "{name}");
    }
}
