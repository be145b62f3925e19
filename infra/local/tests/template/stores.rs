//! P01, P10, P15: keys, tables and logs.

use domain::retention::Record;
use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

fn storage_key() -> Value {
    json!({ "Fn::GetAtt": ["StorageKey", "Arn"] })
}

/// The resource stays when the stack goes, or when another takes its place. It goes with a deployment that fails while it
/// creates it: its name would be in the way of the next one.
fn assert_outlives_the_stack(name: &str) {
    let resource = &TEMPLATE["Resources"][name];
    assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
    assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
}

#[test]
fn nothing_else_is_retained() {
    for (name, resource) in TEMPLATE["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        // A version of the layer is named by its number.
        let stays = ["AWS::KMS::Key", "AWS::DynamoDB::Table"].contains(&kind);
        assert_eq!(resource["DeletionPolicy"] == "RetainExceptOnCreate", stays, "{name}");
        assert_ne!(resource["DeletionPolicy"], "Retain", "{name} cannot be created again after a failure");
    }
}

#[test]
fn no_table_can_be_deleted_unless_the_deployment_says_so() {
    for (name, table) in resources("AWS::DynamoDB::Table") {
        let protected = json!({ "Fn::If": ["ProtectsTables", true, false] });
        assert_eq!(table["DeletionProtectionEnabled"], protected, "{name}");
    }
    let condition = json!({ "Fn::Equals": [{ "Ref": "ProtectTables" }, "true"] });
    assert_eq!(TEMPLATE["Conditions"]["ProtectsTables"], condition);
    assert_eq!(TEMPLATE["Parameters"]["ProtectTables"]["Default"], "true");
}

#[test]
fn keys_rotate_and_are_never_lost_with_the_stack() {
    for (name, key) in resources("AWS::KMS::Key") {
        // KMS rotates no asymmetric key; of those there is the one below.
        assert_eq!(key["EnableKeyRotation"] == true, name != "ReceiptKey", "{name}");
        assert_outlives_the_stack(name);
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
        assert_outlives_the_stack(name);
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
