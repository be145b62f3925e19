//! P15: every alarm is on an existing metric with the right dimensions, and notifies the deployment's address.
//!
//! `tests/tests/alarms.rs` runs the functions and compares the metrics that they write with the alarms.

use serde_json::{Value, json};

use crate::{TEMPLATE, resource, resources};

/// The AWS metrics that alarms may use: namespace, name, dimension, and the type of the resource in the dimension. From
/// "Types of metrics for Lambda functions" in the Lambda developer guide, and "Monitor CloudWatch metrics for HTTP
/// APIs" in that of API Gateway.
const AWS_METRICS: [(&str, &str, &str, &str); 6] = [
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

/// The functions that have an alarm on this metric.
fn watched(metric: &str) -> Vec<&'static str> {
    alarms_on(metric).filter_map(|alarm| alarm["Dimensions"][0]["Value"]["Ref"].as_str()).collect()
}

/// The functions behind the API, by logical name.
fn api_functions() -> Vec<&'static str> {
    resources("AWS::ApiGatewayV2::Integration")
        .map(|(_, integration)| integration["IntegrationUri"]["Fn::GetAtt"][0].as_str().unwrap())
        .collect()
}

#[test]
fn every_alarm_on_an_aws_metric_names_an_existing_metric() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm").filter(|(_, a)| a["Namespace"] != "AiFitting") {
        let known = AWS_METRICS.iter().find(|(namespace, metric, ..)| {
            alarm["Namespace"] == *namespace && alarm["MetricName"] == *metric
        });
        let (_, _, dimension, kind) =
            known.unwrap_or_else(|| panic!("the alarm {name} is on a metric that AWS_METRICS does not list"));
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
        assert_eq!(alarm["Dimensions"], json!([{ "Name": dimension, "Value": { "Ref": of } }]), "{name}");
        assert_eq!(TEMPLATE["Resources"][of]["Type"], *kind, "{name}");
    }
}

#[test]
fn every_alarm_on_our_own_metric_has_the_function_dimension() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm").filter(|(_, a)| a["Namespace"] == "AiFitting") {
        let of = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
        assert_eq!(alarm["Dimensions"], json!([{ "Name": "function", "Value": { "Ref": of } }]), "{name}");
        assert_eq!(TEMPLATE["Resources"][of]["Type"], "AWS::Lambda::Function", "{name}");
    }
}

#[test]
fn every_function_has_an_alarm_on_its_kind_of_failure() {
    let (faults, errors) = (watched("server_faults"), watched("Errors"));
    for (name, _) in resources("AWS::Lambda::Function") {
        // A function of the API answers 500, which Lambda counts as a success; the others return an error.
        let watched = if api_functions().contains(&name) { &faults } else { &errors };
        assert!(watched.contains(&name), "no alarm reports failures of {name}");
    }
    assert_eq!(alarms_on("5xx").count(), 1, "one alarm must report API functions that do not answer");
}

#[test]
fn every_event_driven_function_has_an_alarm_on_dropped_events() {
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
fn our_metrics_have_an_alarm_on_high_values_and_one_on_missing_data() {
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
fn every_alarm_has_a_period_and_threshold_that_can_fire() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        let seconds = alarm["Period"].as_u64().unwrap() * alarm["EvaluationPeriods"].as_u64().unwrap();
        // CloudWatch evaluates at most a day; at most a week if a period is an hour or more (API reference,
        // PutMetricAlarm).
        let max = if alarm["Period"].as_u64() >= Some(3_600) { 604_800 } else { 86_400 };
        assert!(seconds <= max, "{name}");
        if alarm["MetricName"] == "Duration" {
            let function = alarm["Dimensions"][0]["Value"]["Ref"].as_str().unwrap();
            let limit = resource(function)["Timeout"].as_u64().unwrap() * 1_000;
            assert!(
                alarm["Threshold"].as_u64() < Some(limit),
                "{name}: the threshold is not below the time limit of the function"
            );
        }
    }
}

#[test]
fn every_alarm_notifies_the_address_in_the_parameters() {
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
