//! Starts the local stack with everything it needs: models, demo templates, function binaries.

use local_stack::{LocalStack, Options, Reservation, build_functions};

use crate::models::Models;
use crate::template::Template;
use crate::workspace;

/// The settings in which a stack differs from the default.
#[derive(Default)]
pub(crate) struct Start {
    /// Template parameters.
    pub(crate) parameters: Vec<(String, String)>,
    /// Environment variables of the emulator's process.
    pub(crate) environment: Vec<(String, String)>,
    /// Whether `cargo lambda watch` compiles a function when it is called.
    pub(crate) watched: bool,
}

/// Fetches the models and test pictures and makes the demo templates that are missing. Calls `report` with each step.
pub(crate) fn prepare_inputs(report: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    report("Fetch the face models and the test pictures");
    Models {}.run()?;
    report("Make the demo templates");
    Template::demo().run()
}

/// Builds the functions, starts and deploys the reserved stack, and publishes the templates. Calls `report` with each
/// step.
pub(crate) fn start_stack(
    reservation: Reservation,
    start: Start,
    report: &mut dyn FnMut(&str),
) -> anyhow::Result<LocalStack> {
    report("Build the functions");
    let binaries = build_functions()?;
    let options = Options {
        parameters: start.parameters,
        environment: start.environment,
        models: workspace::root().join("models/weights"),
        watched: start.watched,
    };
    report("Start the AWS emulator and deploy infra/template.yaml");
    let stack = LocalStack::start(reservation, &options, &binaries, &workspace::say)?;
    report("Publish the templates");
    stack.publish_templates(&workspace::root().join("templates"))?;
    Ok(stack)
}
