//! Tests the transformed template for every property that the local emulator stores but does not enforce.

#![expect(clippy::unwrap_used, reason = "a missing part of the template must fail the test")]

mod alarms;
mod api;
mod bounds;
mod buckets;
mod names;
mod overlay;
mod roles;
mod stores;

use std::sync::LazyLock;

use local_stack::{Overlay, Python, lint_template, transformed_template};
use serde_json::Value;

static PYTHON: LazyLock<Python> = LazyLock::new(|| Python::for_stack(&|_| ()).unwrap());
static TEMPLATE: LazyLock<Value> = LazyLock::new(|| transformed_template(&PYTHON, Overlay::None).unwrap());

/// Every resource of that type, by logical name. Fails if there is none, so that no test passes without checking
/// anything.
fn resources(kind: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let all = TEMPLATE["Resources"].as_object().unwrap();
    assert!(
        all.values().any(|resource| resource["Type"] == kind),
        "the template has no resource of type {kind}"
    );
    all.iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

/// The properties of one resource.
fn resource(name: &str) -> &'static Value {
    let properties = &TEMPLATE["Resources"][name]["Properties"];
    assert!(properties.is_object(), "the template has no resource {name} with properties");
    properties
}

/// The values of a property that may be one value or a list.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

#[test]
fn lint_finds_nothing() {
    assert_eq!(lint_template(&PYTHON).unwrap(), "");
}
