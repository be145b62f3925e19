//! The local overlay: small, listed, and each entry needed.

use std::collections::BTreeSet;

use local_stack::transformed_template;
use serde_json::Value;

use crate::{PYTHON, TEMPLATE};

/// Every path at which two JSON values differ.
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
fn the_local_stack_differs_from_the_deployed_one_in_these_places_only() {
    let overlaid = transformed_template(&PYTHON, true).unwrap();
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
            "SynthesizeFunction.Properties.Environment.Variables.MODELS_DIR",
            "SynthesizeFunction.Properties.Layers",
            "UploadsBucketPolicy.Properties.PolicyDocument.Statement"
        ]
    );
    let statements = |template: &Value| {
        let statements =
            &template["Resources"]["UploadsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"];
        statements.as_array().unwrap().clone()
    };
    let mut deployed = statements(&TEMPLATE);
    deployed.retain(|statement| statement["Sid"] != "OnlyWhereNoPhotoIs");
    assert_eq!(deployed, statements(&overlaid));
    for key in ["Rules", "Parameters", "Mappings", "Outputs"] {
        assert_eq!(TEMPLATE[key], overlaid[key], "{key}");
    }
}
