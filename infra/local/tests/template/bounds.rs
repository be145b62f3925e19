//! P06: the times that bound a photo's life, in their order.

use std::collections::BTreeSet;

use domain::limits::{EVENT_AGE_MAX, LEASE, PHOTO_AGE_MAX, SYNTHESIZE_TIMEOUT, UPLOAD_WINDOW};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

/// Lambda retries an asynchronous event for the first time after about this long (Lambda developer guide, "How
/// Lambda handles errors and retries with asynchronous invocation").
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(60);

fn seconds(value: &Value) -> SignedDuration {
    SignedDuration::from_secs(value.as_i64().unwrap())
}

#[test]
fn a_run_ends_before_its_lease_and_the_lease_before_the_first_retry() {
    let run = seconds(&resource("SynthesizeFunction")["Timeout"]);
    assert_eq!(run, SYNTHESIZE_TIMEOUT);
    assert!(run < LEASE && LEASE < FIRST_RETRY);
}

#[test]
fn an_event_is_given_up_before_its_photo_counts_as_an_orphan() {
    let bounds = resource("SynthesizeFunctionEventInvokeConfig");
    let age = seconds(&bounds["MaximumEventAgeInSeconds"]);
    assert_eq!(age, EVENT_AGE_MAX);
    assert!(age < PHOTO_AGE_MAX);
    assert_eq!(bounds["MaximumRetryAttempts"], 2);
}

#[test]
fn an_event_that_is_given_up_goes_to_purge() {
    let destination = &resource("SynthesizeFunctionEventInvokeConfig")["DestinationConfig"]["OnFailure"];
    assert_eq!(destination["Destination"], json!({ "Fn::GetAtt": ["PurgeFunction", "Arn"] }));
}

#[test]
fn every_function_that_events_reach_bounds_their_retries_and_their_age() {
    // What AWS hands over without waiting for an answer: photos, schedules, records of failures.
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
        // An event older than that is worth nothing: the photo is the sweep's, the sweep has been followed by another.
        assert!(seconds(&bounds["MaximumEventAgeInSeconds"]) < PHOTO_AGE_MAX, "{function}");
    }
    // A sweep that failed is followed by the next; retried besides, two would run at once.
    assert_eq!(resource("EraseFunctionEventInvokeConfig")["MaximumRetryAttempts"], 0);
}

#[test]
fn no_concurrency_is_reserved_where_a_new_account_has_none_to_give() {
    let reserved = &resource("SynthesizeFunction")["ReservedConcurrentExecutions"];
    let reference = json!({ "Ref": "SynthesizeConcurrency" });
    assert_eq!(*reserved, json!({ "Fn::If": ["ReservesConcurrency", reference, { "Ref": "AWS::NoValue" }] }));
    let condition = json!({ "Fn::Not": [{ "Fn::Equals": [reference, "0"] }] });
    assert_eq!(TEMPLATE["Conditions"]["ReservesConcurrency"], condition);
    assert_eq!(TEMPLATE["Parameters"]["SynthesizeConcurrency"]["MinValue"], 0);
}

#[test]
fn the_sweep_looks_more_often_than_photos_become_orphans() {
    let schedule = resource("PurgeFunctionSweep");
    assert_eq!(schedule["ScheduleExpression"], "rate(5 minutes)");
    assert_eq!(schedule["State"].as_str().unwrap_or("ENABLED"), "ENABLED");
    assert_eq!(schedule["Target"]["Input"], r#"{"task":"sweep"}"#);
    // A sweep ends before the next one begins.
    assert!(resource("PurgeFunction")["Timeout"].as_u64().unwrap() < 5 * 60);
}

#[test]
fn a_photo_that_outlives_its_bound_and_the_next_sweep_raises_the_alarm() {
    let alarm = resource("OldestPhotoAlarm");
    assert_eq!(seconds(&alarm["Threshold"]), PHOTO_AGE_MAX + SignedDuration::from_mins(5));
    assert_eq!(alarm["MetricName"], "oldest_photo_age_seconds");
}

#[test]
fn an_upload_url_dies_before_the_sweep_takes_its_photo_for_an_orphan() {
    let parameter = &TEMPLATE["Parameters"]["UploadUrlSeconds"];
    assert_eq!(seconds(&parameter["Default"]), UPLOAD_WINDOW);
    // Markers and second looks wait for as long as the longest URL works.
    assert_eq!(seconds(&parameter["MaxValue"]), UPLOAD_WINDOW);
    assert!(UPLOAD_WINDOW < PHOTO_AGE_MAX);
    // The parameter may be lowered while older URLs work.
    let variables = &resource("EraseFunction")["Environment"]["Variables"];
    assert_eq!(variables["UPLOAD_URL_SECONDS"], Value::Null);
}

#[test]
fn photos_reach_synthesize_from_this_accounts_bucket_only() {
    let permission = resource("SynthesizeFromUploads");
    assert_eq!(permission["Principal"], "s3.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().ends_with("-uploads-${AWS::AccountId}"));
    let notification = &resource("UploadsBucket")["NotificationConfiguration"]["LambdaConfigurations"][0];
    // Not of copies, by which synthesize puts markers in the places of photos.
    assert_eq!(notification["Event"], "s3:ObjectCreated:Put");
    assert_eq!(notification["Filter"]["S3Key"]["Rules"], json!([{ "Name": "prefix", "Value": "uploads/" }]));
}
