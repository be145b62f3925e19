//! P04, P07, P08, P15: each function has only the permissions that it needs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{TEMPLATE, list, resources};

/// Every action of every role, one per line. A change of permissions must change this file, so that it is reviewed.
const ACTIONS: &str = include_str!("roles.txt");

/// The only action that IAM cannot restrict to a resource: it lists log groups, with name and retention.
const ON_EVERYTHING: &str = "logs:DescribeLogGroups";

/// The actions of each role, each with a short name of its resource.
fn actions() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut roles = BTreeMap::new();
    for (name, role) in resources("AWS::IAM::Role") {
        assert!(
            role.get("ManagedPolicyArns").is_none(),
            "{name}: a managed policy may change outside this template"
        );
        let mut actions = BTreeSet::new();
        for policy in role["Policies"].as_array().unwrap() {
            for statement in list(&policy["PolicyDocument"]["Statement"]) {
                assert_eq!(statement["Effect"], "Allow", "{name}");
                for action in list(&statement["Action"]) {
                    for resource in list(&statement["Resource"]) {
                        actions.insert(format!("{} {}", action.as_str().unwrap(), short(resource)));
                    }
                }
            }
        }
        roles.insert(name, actions);
    }
    roles
}

/// A short name of a resource: its logical name, or the end of its ARN.
fn short(resource: &serde_json::Value) -> String {
    if let Some(everything) = resource.as_str() {
        return everything.to_owned();
    }
    if let Some(choice) = resource.get("Fn::If") {
        return format!("{}, or {}", choice[1]["Ref"].as_str().unwrap(), short(&choice[2]));
    }
    if let Some(attribute) = resource.get("Fn::GetAtt") {
        return attribute[0].as_str().unwrap().to_owned();
    }
    let address =
        resource["Fn::Sub"].as_str().unwrap_or_else(|| panic!("no short name for the resource {resource}"));
    let address = address.strip_prefix("arn:${AWS::Partition}:s3:::${AWS::StackName}-").unwrap_or(address);
    address
        .replace("-${AWS::AccountId}", "")
        .replace("${RecordsTable.Arn}", "RecordsTable")
        .replace("${ErasuresTable.Arn}", "ErasuresTable")
}

#[test]
fn every_role_has_exactly_the_listed_actions() {
    let found = actions()
        .iter()
        .flat_map(|(role, actions)| actions.iter().map(move |action| format!("{role} {action}")))
        .collect::<BTreeSet<_>>();
    let listed = ACTIONS.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let added: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(
        added.is_empty() && gone.is_empty(),
        "not in roles.txt: {added:#?}\nonly in roles.txt: {gone:#?}"
    );
}

#[test]
fn no_role_has_a_wildcard_action_or_resource() {
    for (role, actions) in actions() {
        for action in actions {
            let (verb, on) = action.split_once(' ').unwrap();
            assert!(!verb.contains('*'), "{role}: {action}");
            assert!(!on.starts_with('*') || verb == ON_EVERYTHING, "{role}: {action}");
        }
    }
}

#[test]
fn the_storage_key_is_used_only_through_s3_and_dynamodb() {
    let mut seen = 0;
    for (name, role) in resources("AWS::IAM::Role") {
        for policy in role["Policies"].as_array().unwrap() {
            for statement in list(&policy["PolicyDocument"]["Statement"]) {
                let on = list(&statement["Resource"]);
                if on.iter().any(|resource| resource["Fn::GetAtt"][0] == "StorageKey") {
                    let via = statement["Condition"]["StringEquals"]["kms:ViaService"].to_string();
                    assert!(via.contains("s3.$") || via.contains("dynamodb.$"), "{name}: {via}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 0, "no role uses the storage key");
}

#[test]
fn every_function_has_a_role_of_its_own() {
    let mut roles = BTreeSet::new();
    for (name, function) in resources("AWS::Lambda::Function") {
        let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        assert!(roles.insert(role), "{name} shares {role}");
        let assumed = &TEMPLATE["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(assumed["Principal"]["Service"], "lambda.amazonaws.com", "{name}");
    }
}

#[test]
fn only_the_schedules_of_this_stack_assume_the_other_roles() {
    let functions: Vec<_> =
        resources("AWS::Lambda::Function").map(|(_, function)| &function["Role"]["Fn::GetAtt"][0]).collect();
    let condition = json!({ "StringEquals": {
        "aws:SourceAccount": { "Ref": "AWS::AccountId" }, "aws:SourceArn": { "Fn::GetAtt": ["Schedules", "Arn"] },
    } });
    for (name, role) in resources("AWS::IAM::Role").filter(|(name, _)| !functions.contains(&&json!(name))) {
        for assumed in list(&role["AssumeRolePolicyDocument"]["Statement"]) {
            assert_eq!(assumed["Principal"]["Service"], "scheduler.amazonaws.com", "{name}");
            assert_eq!(assumed["Condition"], condition, "{name}");
        }
    }
    for (name, schedule) in resources("AWS::Scheduler::Schedule") {
        let role = schedule["Target"]["RoleArn"]["Fn::GetAtt"][0].as_str().unwrap();
        assert!(role.ends_with("ScheduleRole"), "{name}");
        assert_eq!(schedule["GroupName"], json!({ "Ref": "Schedules" }), "{name}");
    }
}

#[test]
fn only_synthesize_reads_photos_and_works_is_the_only_api_function_that_deletes() {
    for (role, actions) in actions() {
        for action in actions {
            let deletes = action.starts_with("s3:DeleteObject");
            assert!(
                !deletes || ["EraseRole", "PurgeRole", "SynthesizeRole", "WorksRole"].contains(&role),
                "{role}: {action}"
            );
            let reads_photos = action.starts_with("s3:GetObject uploads/");
            assert!(!reads_photos || role == "SynthesizeRole", "{role}: {action}");
        }
    }
}

#[test]
fn only_erase_may_delete_an_identity_or_a_whole_partition() {
    for (role, actions) in actions() {
        for action in ["dynamodb:DeleteItem IdentitiesTable", "dynamodb:BatchWriteItem RecordsTable"] {
            assert_eq!(actions.contains(action), role == "EraseRole", "{role}: {action}");
        }
        for action in ["kms:Sign ReceiptKey", "cognito-idp:AdminDeleteUser", "events:PutEvents"] {
            let may = actions.iter().any(|own| own.starts_with(action));
            assert_eq!(may, role == "EraseRole", "{role}: {action}");
        }
    }
}
