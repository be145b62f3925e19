//! Transforms the SAM template to CloudFormation, for lint and for the template tests.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::ensure;
use serde_json::Value;

use crate::python::Python;
use crate::workspace::{local_directory, program, workspace_root};

/// The overlay to apply to the transformed template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// No overlay: the template as it is deployed to AWS.
    None,
    /// The overlay of the local stack.
    Local,
    /// The overlay of the local stack whose functions `cargo lambda watch` compiles.
    Watched,
}

/// Transforms the SAM template to CloudFormation and applies this overlay.
///
/// # Errors
/// When the template does not transform, or an overlay entry changes nothing.
pub fn transformed_template(python: &Python, overlay: Overlay) -> anyhow::Result<Value> {
    let mut command = python.command();
    command.arg(program("sam.py")).arg(workspace_root().join("infra/template.yaml"));
    command.args(match overlay {
        Overlay::None => None,
        Overlay::Local => Some("--overlay"),
        Overlay::Watched => Some("--watched"),
    });
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "sam.py cannot transform infra/template.yaml; its messages are above");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs cfn-lint on the transformed template. Returns its findings; empty if there are none.
///
/// # Errors
/// When the template does not transform or the linter does not start.
pub fn lint_template(python: &Python) -> anyhow::Result<String> {
    let template = transformed_template(python, Overlay::None)?;
    let path = local_directory("lint").join("template.json");
    fs::create_dir_all(local_directory("lint"))?;
    fs::write(&path, serde_json::to_vec_pretty(&template)?)?;
    let output = Command::new(python.programs().join("cfn-lint"))
        .args(["--regions", "us-east-1", "us-west-2", "--"])
        .arg(path)
        .output()?;
    let findings = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() || !findings.is_empty(),
        "cfn-lint failed without a message: {}",
        output.status
    );
    Ok(findings.trim().to_owned())
}
