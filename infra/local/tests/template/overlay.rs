//! The local overlay changes only the listed properties, and every entry changes something.

use std::collections::BTreeSet;

use local_stack::{Overlay, transformed_template};
use serde_json::Value;

use crate::{PYTHON, TEMPLATE, resources};

/// Collects every path at which two JSON values differ.
fn differences(path: &str, left: &Value, right: &Value, found: &mut BTreeSet<String>) {
    match (left, right) {
        (Value::Object(left_map), Value::Object(right_map)) => {
            for key in left_map.keys().chain(right_map.keys()) {
                let path = format!("{path}.{key}");
                differences(&path, &left[key], &right[key], found);
            }
        }
        _ if left == right => {}
        _ => {
            found.insert(path.trim_start_matches('.').to_owned());
        }
    }
}

#[test]
fn the_overlay_changes_only_the_listed_properties() {
    let overlaid = transformed_template(&PYTHON, Overlay::Local).unwrap();
    let mut found = BTreeSet::new();
    differences("", &TEMPLATE["Resources"], &overlaid["Resources"], &mut found);
    let mut layer = found.iter().filter(|path| path.starts_with("ModelsLayer"));
    assert!(layer.next().is_some() && layer.next().is_none(), "{found:?}");
    let mut rest: Vec<_> =
        found.iter().filter(|path| !path.starts_with("ModelsLayer")).map(String::as_str).collect();
    rest.retain(|path| !path.ends_with("Function.Properties.Environment.Variables.S3_PATH_STYLE"));
    assert_eq!(
        rest,
        [
            "EraseFunction.Properties.Environment.Variables.UPLOAD_URL_SECONDS",
            "SynthesizeFunction.Properties.Environment.Variables.MODELS_DIR",
            "SynthesizeFunction.Properties.Layers",
            "UploadsBucketPolicy.Properties.PolicyDocument.Statement",
            "WorksBucketPolicy.Properties.PolicyDocument.Statement"
        ]
    );
    for (policy, left_out) in
        [("UploadsBucketPolicy", "OnlyWhereNoPhotoIs"), ("WorksBucketPolicy", "NotWithTheAccountsKey")]
    {
        let statements = |template: &Value| {
            let statements = &template["Resources"][policy]["Properties"]["PolicyDocument"]["Statement"];
            statements.as_array().unwrap().clone()
        };
        let mut deployed = statements(&TEMPLATE);
        deployed.retain(|statement| statement["Sid"] != left_out);
        assert_eq!(deployed, statements(&overlaid), "{policy}");
    }
    for key in ["Rules", "Parameters", "Mappings", "Outputs"] {
        assert_eq!(TEMPLATE[key], overlaid[key], "{key}");
    }
}

#[test]
fn the_watched_overlay_changes_only_the_time_limits_of_functions() {
    let overlay = |overlay| transformed_template(&PYTHON, overlay).unwrap();
    let (local, watched) = (overlay(Overlay::Local), overlay(Overlay::Watched));
    let mut found = BTreeSet::new();
    differences("", &local, &watched, &mut found);
    let functions: BTreeSet<_> = resources("AWS::Lambda::Function")
        .map(|(name, _)| format!("Resources.{name}.Properties.Timeout"))
        .collect();
    assert!(!functions.is_empty());
    assert_eq!(found, functions);
    for path in &functions {
        let pointer = format!("/{}", path.replace('.', "/"));
        assert_eq!(watched.pointer(&pointer), Some(&Value::from(300)), "{path}");
    }
}
