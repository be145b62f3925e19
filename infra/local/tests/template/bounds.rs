//! P06: the times that bound a photo's life, in their order.

use serde_json::json;

use crate::{TEMPLATE, resource};

/// Seconds before Lambda retries an asynchronous event for the first time (Lambda developer guide, "How Lambda
/// handles errors and retries with asynchronous invocation").
const FIRST_RETRY_SECONDS: u64 = 60;
/// Seconds for which a function's claim on a record holds.
const LEASE_SECONDS: u64 = 50;
/// Seconds after which the sweep takes a photo for an orphan.
const ORPHAN_SECONDS: u64 = 15 * 60;

#[test]
fn a_run_ends_before_its_lease_and_the_lease_before_the_first_retry() {
    let run = resource("SynthesizeFunction")["Timeout"].as_u64().unwrap();
    assert!(run < LEASE_SECONDS, "{run}");
    const { assert!(LEASE_SECONDS < FIRST_RETRY_SECONDS) };
}

#[test]
fn an_event_is_given_up_before_its_photo_counts_as_an_orphan() {
    let bounds = resource("SynthesizeFunctionEventInvokeConfig");
    assert!(bounds["MaximumEventAgeInSeconds"].as_u64().unwrap() < ORPHAN_SECONDS);
    assert_eq!(bounds["MaximumRetryAttempts"], 2);
}

#[test]
fn an_event_that_is_given_up_goes_to_purge() {
    let destination = &resource("SynthesizeFunctionEventInvokeConfig")["DestinationConfig"]["OnFailure"];
    assert_eq!(destination["Destination"], json!({ "Fn::GetAtt": ["PurgeFunction", "Arn"] }));
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
fn an_upload_url_dies_before_the_sweep_takes_its_photo_for_an_orphan() {
    let longest = TEMPLATE["Parameters"]["UploadUrlSeconds"]["MaxValue"].as_u64().unwrap();
    assert!(longest < ORPHAN_SECONDS);
}

#[test]
fn photos_reach_synthesize_from_this_accounts_bucket_only() {
    let permission = resource("SynthesizeFromUploads");
    assert_eq!(permission["Principal"], "s3.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().ends_with("-uploads-${AWS::AccountId}"));
    let notification = &resource("UploadsBucket")["NotificationConfiguration"]["LambdaConfigurations"][0];
    assert_eq!(notification["Event"], "s3:ObjectCreated:*");
    assert_eq!(notification["Filter"]["S3Key"]["Rules"], json!([{ "Name": "prefix", "Value": "uploads/" }]));
}
