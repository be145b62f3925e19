//! Two stacks can live in one account: every name that AWS must keep apart begins with the stack's.

use serde_json::{Value, json};

use crate::{TEMPLATE, resources};

/// Names within something that is the stack's already, and names of what others count.
const SCOPED: [(&str, &str); 3] = [
    ("AWS::ApiGatewayV2::Authorizer", "Name"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
];

/// Types whose resources get a name from CloudFormation, which begins with the stack's, unless the template gives one.
const NAMED_BY_CLOUDFORMATION: [&str; 3] = ["AWS::CloudWatch::Alarm", "AWS::IAM::Role", "AWS::SNS::Topic"];

/// Whether a name carries the stack's, or is that of a resource of the stack.
fn is_of_the_stack(name: &Value) -> bool {
    let text = name["Fn::Sub"].as_str().unwrap_or_default();
    let reference = name["Ref"].as_str().unwrap_or_default();
    text.trim_start_matches('/').starts_with("${AWS::StackName}")
        || reference == "AWS::StackName"
        || TEMPLATE["Resources"].get(reference).is_some()
}

#[test]
fn every_name_carries_the_stacks() {
    let mut looked = 0;
    for (logical, resource) in TEMPLATE["Resources"].as_object().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        for (property, name) in resource["Properties"].as_object().into_iter().flatten() {
            if !property.ends_with("Name") || SCOPED.contains(&(kind, property.as_str())) {
                continue;
            }
            assert!(is_of_the_stack(name), "{logical}: {property} is {name}, in every stack of the account");
            looked += 1;
        }
    }
    assert!(looked > 40, "{looked} names are too few to be all");
}

#[test]
fn nothing_gets_its_name_from_the_sam_transform() {
    // SAM names what is not named, and not after the stack.
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
fn a_schedule_belongs_to_the_group_of_its_stack() {
    let groups: Vec<_> = resources("AWS::Scheduler::ScheduleGroup").collect();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].1["Name"], json!({ "Ref": "AWS::StackName" }));
}
