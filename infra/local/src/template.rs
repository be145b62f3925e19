//! The template as CloudFormation sees it: what lint and assertions look at.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::ensure;
use serde_json::Value;

use crate::python::Python;
use crate::workspace::{local_directory, program, workspace_root};

/// What is laid over the transformed template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlay {
    /// Nothing: the template as it is deployed to AWS.
    None,
    /// That of the local stack.
    Local,
    /// That of the local stack whose functions `cargo lambda watch` compiles.
    Watched,
}

/// The SAM template transformed to CloudFormation, with this overlay.
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
    ensure!(output.status.success(), "infra/template.yaml does not transform");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What cfn-lint says of the transformed template; empty when it has nothing to say.
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
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() || !said.is_empty(), "cfn-lint did not run: {}", output.status);
    Ok(said.trim().to_owned())
}
