//! What the template promises, asserted on its transformed form: this stands in for everything that the
//! local emulator stores without enforcing.

#![expect(clippy::unwrap_used, reason = "a template that lacks what is asserted fails the test")]

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

/// Every resource of that type, by logical name; there is at least one, so that no test looks at nothing.
fn resources(kind: &str) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let all = TEMPLATE["Resources"].as_object().unwrap();
    assert!(all.values().any(|resource| resource["Type"] == kind), "there is no {kind}");
    all.iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
}

/// One resource's properties.
fn resource(name: &str) -> &'static Value {
    let properties = &TEMPLATE["Resources"][name]["Properties"];
    assert!(properties.is_object(), "no resource {name}");
    properties
}

/// What a template may say as one value or as a list of them.
fn list(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect())
}

#[test]
fn lint_finds_nothing() {
    assert_eq!(lint_template(&PYTHON).unwrap(), "");
}
