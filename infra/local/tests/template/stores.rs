//! P01, P10, P13, P15: keys, tables, logs and alarms.

use domain::retention::Record;
use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

fn storage_key() -> Value {
    json!({ "Fn::GetAtt": ["StorageKey", "Arn"] })
}

#[test]
fn keys_rotate_and_are_never_lost_with_the_stack() {
    for (name, key) in resources("AWS::KMS::Key") {
        // KMS rotates no asymmetric key; of those there is the one below.
        assert_eq!(key["EnableKeyRotation"] == true, name != "ReceiptKey", "{name}");
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(TEMPLATE["Resources"][name][policy], "Retain", "{name}: {policy}");
        }
    }
}

#[test]
fn receipts_are_signed_by_a_key_for_es256_that_can_do_nothing_else() {
    let key = resource("ReceiptKey");
    assert_eq!(key["KeySpec"], "ECC_NIST_P256");
    assert_eq!(key["KeyUsage"], "SIGN_VERIFY");
    assert_eq!(TEMPLATE["Outputs"]["ReceiptKey"]["Value"], json!({ "Fn::GetAtt": ["ReceiptKey", "Arn"] }));
}

#[test]
fn key_policies_name_the_account_and_services_but_no_role() {
    for (name, key) in resources("AWS::KMS::Key") {
        for statement in key["KeyPolicy"]["Statement"].as_array().unwrap() {
            let principal = statement["Principal"].to_string();
            let service = statement["Principal"].get("Service").is_some();
            assert!(service || principal.contains(":root"), "{name}: {principal}");
            assert!(
                !service || statement.get("Condition").is_some(),
                "{name}: unconditional for {principal}"
            );
        }
    }
}

#[test]
fn every_table_is_encrypted_with_the_storage_key_and_outlives_the_stack() {
    for (name, table) in resources("AWS::DynamoDB::Table") {
        let wanted = json!({ "SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": storage_key() });
        assert_eq!(table["SSESpecification"], wanted, "{name}");
        assert_eq!(TEMPLATE["Resources"][name]["DeletionPolicy"], "Retain", "{name}");
        // The one stream carries the ids of requests and nothing else.
        let stream = (name == "ErasuresTable").then(|| json!({ "StreamViewType": "KEYS_ONLY" }));
        assert_eq!(table.get("StreamSpecification"), stream.as_ref(), "{name}");
    }
}

#[test]
fn backups_of_records_reach_back_a_week_and_identities_have_none() {
    let week = json!({ "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7 });
    for table in ["RecordsTable", "ErasuresTable"] {
        assert_eq!(resource(table)["PointInTimeRecoverySpecification"], week, "{table}");
    }
    let none = json!({ "PointInTimeRecoveryEnabled": false });
    assert_eq!(resource("IdentitiesTable")["PointInTimeRecoverySpecification"], none);
}

#[test]
fn the_periods_are_those_of_the_retention_table() {
    let days = |record: Record| record.retention().period.as_hours() / 24;
    let backups = &resource("RecordsTable")["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"];
    assert_eq!(backups.as_i64(), Some(days(Record::Backup)));
    for (parameter, record) in [("WorkPeriodDays", Record::Work), ("LogPeriodDays", Record::LogLine)] {
        let default = TEMPLATE["Parameters"][parameter]["Default"].as_i64();
        assert_eq!(default, Some(days(record)), "{parameter}");
    }
}

#[test]
fn the_due_index_holds_keys_only() {
    for table in ["RecordsTable", "ErasuresTable"] {
        let indexes = resource(table)["GlobalSecondaryIndexes"].as_array().unwrap();
        assert_eq!(indexes.len(), 1);
        assert_eq!(indexes[0]["Projection"], json!({ "ProjectionType": "KEYS_ONLY" }), "{table}");
    }
}

#[test]
fn every_function_writes_to_a_log_of_its_own_that_ends_and_is_encrypted() {
    for (name, function) in resources("AWS::Lambda::Function") {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(resource(group)["KmsKeyId"], storage_key(), "{name}");
        assert!(function.get("TracingConfig").is_none(), "{name} is traced");
    }
    for (name, group) in resources("AWS::Logs::LogGroup") {
        assert_eq!(group["RetentionInDays"], json!({ "Ref": "LogPeriodDays" }), "{name}");
    }
    let periods = list(&TEMPLATE["Parameters"]["LogPeriodDays"]["AllowedValues"]);
    assert!(periods.iter().all(|days| days.as_u64().unwrap() <= 30));
}

#[test]
fn the_access_log_names_nobody() {
    let format = resource("ApiStage")["AccessLogSettings"]["Format"].as_str().unwrap();
    let fields: Vec<_> =
        format.split("$context.").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(fields, ["requestId", "routeKey", "status", "responseLatency", "error.messageString"]);
}

/// Status and receipt outlive the account and are opened by their salt; anybody may check a receipt.
const OPEN_ROUTES: [&str; 3] =
    ["GET /v1/deletion-requests/{id}", "GET /v1/deletion-requests/{id}/receipt", "GET /v1/receipts/keys"];

#[test]
fn every_route_but_three_asks_for_a_token() {
    for (name, route) in resources("AWS::ApiGatewayV2::Route") {
        if OPEN_ROUTES.iter().any(|open| route["RouteKey"] == *open) {
            assert_eq!(route["AuthorizationType"], "NONE", "{name}");
            continue;
        }
        assert_eq!(route["AuthorizationType"], "JWT", "{name}");
        assert_eq!(route["AuthorizerId"], json!({ "Ref": "Caller" }), "{name}");
    }
}

#[test]
fn every_function_is_watched_and_every_alarm_tells_someone() {
    for (name, alarm) in resources("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "AlarmTopic" }]), "{name}");
    }
    for (name, _) in resources("AWS::Lambda::Function") {
        let watched = resources("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
            alarm["MetricName"] == "Errors" && alarm["Dimensions"][0]["Value"] == json!({ "Ref": name })
        });
        assert!(watched, "{name} may fail unseen");
    }
    // What a metric of ours tells too much of is one alarm, and its silence another.
    for metric in ["oldest_photo_age_seconds", "overdue_requests", "residue_found"] {
        let alarms = || {
            resources("AWS::CloudWatch::Alarm").map(|(_, alarm)| alarm).filter(|a| a["MetricName"] == metric)
        };
        assert!(alarms().any(|alarm| alarm["ComparisonOperator"] == "GreaterThanThreshold"), "{metric}");
        let silent =
            |alarm: &Value| alarm["Statistic"] == "SampleCount" && alarm["TreatMissingData"] == "breaching";
        assert!(alarms().any(silent), "{metric}");
    }
    // Silence of this one is good news.
    let unprocessed = resource("UnprocessedPhotosAlarm");
    assert_eq!(unprocessed["Namespace"], "AiFitting");
    assert_eq!(unprocessed["MetricName"], "photos_deleted_unprocessed");
    let dimension = json!([{ "Name": "function", "Value": { "Ref": "SynthesizeFunction" } }]);
    assert_eq!((&unprocessed["Dimensions"], &unprocessed["Statistic"]), (&dimension, &json!("Sum")));
    for metric in ["Throttles", "AsyncEventsDropped", "DestinationDeliveryFailures", "Duration"] {
        assert!(
            resources("AWS::CloudWatch::Alarm").any(|(_, alarm)| {
                alarm["MetricName"] == metric
                    && alarm["Dimensions"][0]["Value"] == json!({ "Ref": "SynthesizeFunction" })
            }),
            "{metric}"
        );
    }
}
