//! P06: the time limits of a photo's life are in the right order.

use std::collections::BTreeSet;

use domain::limits::{EVENT_AGE_MAX, LEASE, PHOTO_AGE_MAX, SYNTHESIZE_TIMEOUT, UPLOAD_WINDOW};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

/// The time until Lambda's first retry of an asynchronous event, approximately (Lambda developer guide, "How
/// Lambda handles errors and retries with asynchronous invocation").
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(60);

fn seconds(value: &Value) -> SignedDuration {
    SignedDuration::from_secs(value.as_i64().unwrap())
}

#[test]
fn synthesize_times_out_before_its_lease_and_the_lease_ends_before_the_first_retry() {
    let run = seconds(&resource("SynthesizeFunction")["Timeout"]);
    assert_eq!(run, SYNTHESIZE_TIMEOUT);
    assert!(run < LEASE && LEASE < FIRST_RETRY);
}

#[test]
fn an_event_expires_before_its_photo_counts_as_an_orphan() {
    let bounds = resource("SynthesizeFunctionEventInvokeConfig");
    let age = seconds(&bounds["MaximumEventAgeInSeconds"]);
    assert_eq!(age, EVENT_AGE_MAX);
    assert!(age < PHOTO_AGE_MAX);
    assert_eq!(bounds["MaximumRetryAttempts"], 2);
}

#[test]
fn failed_events_of_synthesize_go_to_purge() {
    let destination = &resource("SynthesizeFunctionEventInvokeConfig")["DestinationConfig"]["OnFailure"];
    assert_eq!(destination["Destination"], json!({ "Fn::GetAtt": ["PurgeFunction", "Arn"] }));
}

#[test]
fn every_event_driven_function_limits_retries_and_event_age() {
    // The asynchronous events: photos, schedules, on-failure records.
    let scheduled = resources("AWS::Scheduler::Schedule").map(|(_, schedule)| &schedule["Target"]["Arn"]);
    let notified = list(&resource("UploadsBucket")["NotificationConfiguration"]["LambdaConfigurations"]);
    let notified = notified.into_iter().map(|configuration| &configuration["Function"]);
    let failed = resources("AWS::Lambda::EventInvokeConfig")
        .map(|(_, bounds)| &bounds["DestinationConfig"]["OnFailure"]["Destination"])
        .filter(|destination| !destination.is_null());
    let reached: BTreeSet<_> = scheduled
        .chain(notified)
        .chain(failed)
        .map(|function| function["Fn::GetAtt"][0].as_str().unwrap())
        .collect();
    assert_eq!(Vec::from_iter(&reached), [&"EraseFunction", &"PurgeFunction", &"SynthesizeFunction"]);
    for function in reached {
        let bounds = resource(&format!("{function}EventInvokeConfig"));
        assert!(bounds["MaximumRetryAttempts"].is_u64(), "{function}");
        // An older event is useless: the sweep has taken over the photo, and a newer sweep has replaced an older one.
        assert!(seconds(&bounds["MaximumEventAgeInSeconds"]) < PHOTO_AGE_MAX, "{function}");
    }
    // The next sweep replaces a failed one. With a retry as well, two sweeps would run at once.
    assert_eq!(resource("EraseFunctionEventInvokeConfig")["MaximumRetryAttempts"], 0);
}

#[test]
fn concurrency_is_reserved_only_if_the_parameter_is_not_zero() {
    let reserved = &resource("SynthesizeFunction")["ReservedConcurrentExecutions"];
    let reference = json!({ "Ref": "SynthesizeConcurrency" });
    assert_eq!(*reserved, json!({ "Fn::If": ["ReservesConcurrency", reference, { "Ref": "AWS::NoValue" }] }));
    let condition = json!({ "Fn::Not": [{ "Fn::Equals": [reference, "0"] }] });
    assert_eq!(TEMPLATE["Conditions"]["ReservesConcurrency"], condition);
    assert_eq!(TEMPLATE["Parameters"]["SynthesizeConcurrency"]["MinValue"], 0);
}

#[test]
fn the_purge_sweep_runs_every_five_minutes_and_ends_before_the_next() {
    let schedule = resource("PurgeFunctionSweep");
    assert_eq!(schedule["ScheduleExpression"], "rate(5 minutes)");
    assert_eq!(schedule["State"].as_str().unwrap_or("ENABLED"), "ENABLED");
    assert_eq!(schedule["Target"]["Input"], r#"{"task":"sweep"}"#);
    // A sweep ends before the next one begins.
    assert!(resource("PurgeFunction")["Timeout"].as_u64().unwrap() < 5 * 60);
}

#[test]
fn a_photo_that_outlives_its_limit_and_the_next_sweep_raises_the_alarm() {
    let alarm = resource("OldestPhotoAlarm");
    assert_eq!(seconds(&alarm["Threshold"]), PHOTO_AGE_MAX + SignedDuration::from_mins(5));
    assert_eq!(alarm["MetricName"], "oldest_photo_age_seconds");
}

#[test]
fn an_upload_url_expires_before_its_photo_counts_as_an_orphan() {
    let parameter = &TEMPLATE["Parameters"]["UploadUrlSeconds"];
    assert_eq!(seconds(&parameter["Default"]), UPLOAD_WINDOW);
    // Markers and verify passes wait as long as the longest upload URL is valid.
    assert_eq!(seconds(&parameter["MaxValue"]), UPLOAD_WINDOW);
    assert!(UPLOAD_WINDOW < PHOTO_AGE_MAX);
    // The template must not pass the parameter to erase: it may be lowered while older URLs are still valid.
    let variables = &resource("EraseFunction")["Environment"]["Variables"];
    assert_eq!(variables["UPLOAD_URL_SECONDS"], Value::Null);
}

#[test]
fn only_the_bucket_of_this_account_sends_photos_to_synthesize() {
    let permission = resource("SynthesizeFromUploads");
    assert_eq!(permission["Principal"], "s3.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().ends_with("-uploads-${AWS::AccountId}"));
    let notification = &resource("UploadsBucket")["NotificationConfiguration"]["LambdaConfigurations"][0];
    // Copies send no event: synthesize puts its markers in the photos' places by copying.
    assert_eq!(notification["Event"], "s3:ObjectCreated:Put");
    assert_eq!(notification["Filter"]["S3Key"]["Rules"], json!([{ "Name": "prefix", "Value": "uploads/" }]));
}
