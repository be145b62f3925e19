//! P01, P10, P15: keys, tables and logs.

use domain::retention::Record;
use serde_json::{Value, json};

use crate::{TEMPLATE, list, resource, resources};

fn storage_key() -> Value {
    json!({ "Fn::GetAtt": ["StorageKey", "Arn"] })
}

/// Checks that the resource remains when the stack is deleted or the resource is replaced. A deployment that fails
/// while it creates the resource deletes it, because its name would block the next deployment.
fn assert_outlives_the_stack(name: &str) {
    let resource = &TEMPLATE["Resources"][name];
    assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
    assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
}

#[test]
fn only_keys_and_tables_are_retained() {
    for (name, resource) in TEMPLATE["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        // A layer version need not remain: each has its own number.
        let stays = ["AWS::KMS::Key", "AWS::DynamoDB::Table"].contains(&kind);
        assert_eq!(resource["DeletionPolicy"] == "RetainExceptOnCreate", stays, "{name}");
        assert_ne!(
            resource["DeletionPolicy"], "Retain",
            "{name} would block the next deployment after a failed one"
        );
    }
}

#[test]
fn tables_have_deletion_protection_unless_a_parameter_disables_it() {
    for (name, table) in resources("AWS::DynamoDB::Table") {
        let protected = json!({ "Fn::If": ["ProtectsTables", true, false] });
        assert_eq!(table["DeletionProtectionEnabled"], protected, "{name}");
    }
    let condition = json!({ "Fn::Equals": [{ "Ref": "ProtectTables" }, "true"] });
    assert_eq!(TEMPLATE["Conditions"]["ProtectsTables"], condition);
    assert_eq!(TEMPLATE["Parameters"]["ProtectTables"]["Default"], "true");
}

#[test]
fn keys_rotate_and_outlive_the_stack() {
    for (name, key) in resources("AWS::KMS::Key") {
        // KMS does not rotate asymmetric keys; the receipt key is the only one.
        assert_eq!(key["EnableKeyRotation"] == true, name != "ReceiptKey", "{name}");
        assert_outlives_the_stack(name);
    }
}

#[test]
fn the_receipt_key_can_only_sign_with_es256() {
    let key = resource("ReceiptKey");
    assert_eq!(key["KeySpec"], "ECC_NIST_P256");
    assert_eq!(key["KeyUsage"], "SIGN_VERIFY");
    assert_eq!(TEMPLATE["Outputs"]["ReceiptKey"]["Value"], json!({ "Fn::GetAtt": ["ReceiptKey", "Arn"] }));
}

#[test]
fn key_policies_allow_the_account_and_services_but_no_role() {
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
        // The only stream carries request ids and nothing else.
        let stream = (name == "ErasuresTable").then(|| json!({ "StreamViewType": "KEYS_ONLY" }));
        assert_eq!(table.get("StreamSpecification"), stream.as_ref(), "{name}");
    }
}

#[test]
fn records_have_backups_of_a_week_and_identities_have_none() {
    let week = json!({ "PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7 });
    for table in ["RecordsTable", "ErasuresTable"] {
        assert_eq!(resource(table)["PointInTimeRecoverySpecification"], week, "{table}");
    }
    let none = json!({ "PointInTimeRecoveryEnabled": false });
    assert_eq!(resource("IdentitiesTable")["PointInTimeRecoverySpecification"], none);
}

#[test]
fn the_default_periods_match_the_retention_table() {
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
fn every_function_has_an_encrypted_log_with_a_retention_period() {
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
