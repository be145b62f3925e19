//! The local stack with everything it needs: models, demo templates, function binaries.

use local_stack::{LocalStack, Options, build_functions};

use crate::models::Models;
use crate::template::Template;
use crate::workspace;

/// Brings what is missing, builds, starts and deploys a stack of that name and publishes the demo templates.
/// `report` is told each step.
pub(crate) fn start_stack(
    name: &str,
    parameters: &[(String, String)],
    environment: &[(String, String)],
    report: &mut dyn FnMut(&str),
) -> anyhow::Result<LocalStack> {
    report("Bring the face models and the test pictures");
    Models {}.run()?;
    report("Make the demo templates");
    Template::demo().run()?;
    report("Build the functions");
    let binaries = build_functions()?;
    let options = Options {
        name: name.to_owned(),
        parameters: parameters.to_vec(),
        environment: environment.to_vec(),
        models: workspace::root().join("models/weights"),
    };
    report("Start the AWS emulator, deploy infra/template.yaml");
    let stack = LocalStack::start(&options, &binaries, &workspace::say)?;
    report("Publish the templates");
    stack.publish_templates(&workspace::root().join("templates"))?;
    Ok(stack)
}
