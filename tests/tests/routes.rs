//! Reads the routes from the deployed template, so that a test of all routes misses none.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use local_stack::{Overlay, Python, transformed_template};

/// Reads all routes of the deployed template, such as `GET /v1/works/{id}`.
pub(crate) fn all() -> Result<BTreeSet<String>> {
    let template = transformed_template(&Python::for_stack(&|_step| {})?, Overlay::Local)?;
    let resources = template["Resources"].as_object().context("no resources")?;
    let routes = resources.values().filter(|resource| resource["Type"] == "AWS::ApiGatewayV2::Route");
    Ok(routes.filter_map(|route| Some(route["Properties"]["RouteKey"].as_str()?.to_owned())).collect())
}

/// Splits a route into method and path. The parameter `kind` becomes `work`; every other parameter becomes `id`.
pub(crate) fn request(route: &str, id: &str) -> Result<(String, String)> {
    let (method, path) = route.split_once(' ').context("a route without a method")?;
    let steps = path.split('/').map(|step| match step {
        "{kind}" => "work",
        parameter if parameter.starts_with('{') => id,
        step => step,
    });
    Ok((method.to_owned(), steps.collect::<Vec<_>>().join("/")))
}
