//! Each alarm can go off: its metric is one that is written, under the dimensions it is looked for, and its limit is one
//! that the metric can pass.

use std::fs;
use std::path::Path;

use local_stack::workspace_root;
use serde_json::{Value, json};

use crate::{list, resource, resources};

/// The alarms on one metric. One on an expression of several would need another look.
fn alarms() -> impl Iterator<Item = (&'static str, &'static Value)> {
    resources("AWS::CloudWatch::Alarm").filter(|(_, alarm)| alarm.get("Metrics").is_none())
}

/// Whether any source below a folder has this text.
fn is_in_sources(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            is_in_sources(&path, text)
        } else {
            fs::read_to_string(&path).unwrap().contains(text)
        }
    })
}

/// The function that a dimension's value refers to: its name without the stack's.
fn function_of(value: &Value) -> &'static str {
    let function = resource(value["Ref"].as_str().unwrap_or_else(|| panic!("no resource: {value}")));
    let name = function["FunctionName"]["Fn::Sub"].as_str().unwrap();
    name.strip_prefix("${AWS::StackName}-").unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn every_metric_of_ours_is_written_by_the_function_that_its_alarm_names() {
    let mut seen = 0;
    for (name, alarm) in alarms().filter(|(_, alarm)| alarm["Namespace"] == "AiFitting") {
        let metric = alarm["MetricName"].as_str().unwrap();
        // `lambda::Metrics` writes every metric under the function's name, and under the function's name and a kind.
        let dimensions = list(&alarm["Dimensions"]);
        let [function] = dimensions.iter().filter(|d| d["Name"] == "function").collect::<Vec<_>>()[..] else {
            panic!("{name}: no dimension for the function")
        };
        assert!(dimensions.iter().all(|d| d["Name"] == "function" || d["Name"] == "kind"), "{name}");
        let sources = workspace_root().join("functions").join(function_of(&function["Value"])).join("src");
        assert!(is_in_sources(&sources, &format!("\"{metric}\"")), "{name}: nobody writes {metric}");
        seen += 1;
    }
    assert!(seen > 0, "no alarm on a metric of ours");
}

#[test]
fn every_metric_of_lambda_is_looked_for_under_a_function_that_there_is() {
    let mut seen = 0;
    for (name, alarm) in alarms().filter(|(_, alarm)| alarm["Namespace"] == "AWS/Lambda") {
        let dimensions = list(&alarm["Dimensions"]);
        let [dimension] = dimensions[..] else { panic!("{name}: {dimensions:?}") };
        assert_eq!(dimension["Name"], "FunctionName", "{name}");
        let function = resource(dimension["Value"]["Ref"].as_str().unwrap());
        if alarm["MetricName"] == "Duration" {
            // In milliseconds; at the time-out itself Lambda has ended the run, which is an error and no duration.
            let timeout = function["Timeout"].as_f64().unwrap() * 1_000.0;
            assert!(alarm["Threshold"].as_f64().unwrap() < timeout, "{name}");
        } else {
            // These count events: one is one too many.
            assert_eq!((&alarm["Statistic"], &alarm["Threshold"]), (&json!("Sum"), &json!(0)), "{name}");
        }
        seen += 1;
    }
    assert!(seen > 0, "no alarm on a metric of Lambda's");
}

#[test]
fn every_alarm_is_on_too_much_or_on_silence_and_says_what_no_data_means() {
    for (name, alarm) in alarms() {
        assert!(alarm["ActionsEnabled"].as_bool().unwrap_or(true), "{name}");
        let missing = alarm["TreatMissingData"].as_str().unwrap_or_else(|| panic!("{name}: by default"));
        let threshold = alarm["Threshold"].as_f64().unwrap();
        match alarm["ComparisonOperator"].as_str().unwrap() {
            // A metric that is not written says nothing of too much.
            "GreaterThanThreshold" => {
                assert_ne!(missing, "breaching", "{name}");
                assert_ne!(alarm["Statistic"], "SampleCount", "{name}");
            }
            // Silence is no sample at all, or too few.
            "LessThanThreshold" => {
                assert_eq!((&alarm["Statistic"], missing), (&json!("SampleCount"), "breaching"), "{name}");
                assert!(threshold >= 1.0, "{name}: there are never fewer than none");
            }
            other => panic!("{name}: {other}"),
        }
        let number = |field: &str| alarm[field].as_u64();
        let (period, periods) = (number("Period").unwrap(), number("EvaluationPeriods").unwrap());
        assert!(number("DatapointsToAlarm").is_none_or(|points| (1..=periods).contains(&points)), "{name}");
        // Periods of a minute or more; a day in all, or a week where periods are of an hour (CloudWatch API reference,
        // "PutMetricAlarm").
        let longest = if period >= 3_600 { 7 * 86_400 } else { 86_400 };
        assert!(period % 60 == 0 && periods * period <= longest, "{name}: {periods} periods of {period} s");
    }
}
