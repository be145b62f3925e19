//! Two stacks fit in one account: every name that must be unique in an account begins with the stack's name.

use serde_json::{Value, json};

use crate::{TEMPLATE, resources};

/// Names that are unique within a resource of the stack, and names of metrics.
const SCOPED: [(&str, &str); 3] = [
    ("AWS::ApiGatewayV2::Authorizer", "Name"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
];

/// Types for which CloudFormation chooses a name that begins with the stack's, unless the template sets one.
const NAMED_BY_CLOUDFORMATION: [&str; 3] = ["AWS::CloudWatch::Alarm", "AWS::IAM::Role", "AWS::SNS::Topic"];

/// Whether a name begins with the stack's name, or refers to a resource of the stack.
fn is_named_after_the_stack(name: &Value) -> bool {
    let text = name["Fn::Sub"].as_str().unwrap_or_default();
    let reference = name["Ref"].as_str().unwrap_or_default();
    text.trim_start_matches('/').starts_with("${AWS::StackName}")
        || reference == "AWS::StackName"
        || TEMPLATE["Resources"].get(reference).is_some()
}

#[test]
fn every_name_contains_the_stack_name() {
    let mut checked = 0;
    for (logical, resource) in TEMPLATE["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        for (property, name) in resource["Properties"].as_object().into_iter().flatten() {
            if !property.ends_with("Name") || SCOPED.contains(&(kind, property.as_str())) {
                continue;
            }
            assert!(
                is_named_after_the_stack(name),
                "{logical}: {property} is {name}, the same in every stack of the account"
            );
            checked += 1;
        }
    }
    assert!(checked > 40, "only {checked} names were checked");
}

#[test]
fn no_resource_gets_its_name_from_the_sam_transform() {
    // SAM gives unnamed resources a name without the stack's name.
    for kind in ["AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup"] {
        assert!(resources(kind).all(|(_, schedule)| schedule.get("Name").is_some()), "{kind}");
    }
    assert!(resources("AWS::Lambda::LayerVersion").all(|(_, layer)| layer.get("LayerName").is_some()));
    for kind in NAMED_BY_CLOUDFORMATION {
        for (logical, properties) in resources(kind) {
            let last = kind.rsplit("::").next().unwrap();
            let name = properties.get(format!("{last}Name"));
            assert_eq!(name, None, "{logical}");
        }
    }
}

#[test]
fn the_schedule_group_has_the_name_of_the_stack() {
    let groups: Vec<_> = resources("AWS::Scheduler::ScheduleGroup").collect();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].1["Name"], json!({ "Ref": "AWS::StackName" }));
}
