//! `cargo xtask fit …` and `cargo xtask lambda …`: run a tool of this checkout from any folder.
//!
//! A tool is built with the features of the whole workspace, so nothing heavy is compiled again after the demo.

use std::process::Command;

use anyhow::Context as _;
use local_stack::{Python, build_binaries};

use crate::CommandFailed;
use crate::workspace::{root, say};

/// Fit local files as the Lambda does: `fit PHOTO TEMPLATE OUT`; `fit --help` lists the options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Fit {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Fit {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut tool = Command::new(&build_binaries(&["fit"])?["fit"]);
        let names_models = |argument: &String| argument == "--models" || argument.starts_with("--models=");
        if !self.arguments.iter().any(names_models) {
            tool.arg("--models").arg(root().join("models/weights"));
        }
        run(tool.args(self.arguments))
    }
}

/// Run `cargo lambda`: `lambda invoke NAME --data-file events/…` calls a function of `cargo xtask dev`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Lambda {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Lambda {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let program = Python::for_cargo_lambda(&say)?.programs().join("cargo-lambda");
        run(Command::new(program).arg("lambda").args(self.arguments))
    }
}

/// Runs a tool in the current folder and passes its exit status on.
///
/// # Errors
/// When the tool cannot be started, or fails; then it has already printed why.
pub(crate) fn run(tool: &mut Command) -> anyhow::Result<()> {
    let name = tool.get_program().display().to_string();
    let status = tool.status().with_context(|| format!("cannot start {name}"))?;
    if status.success() {
        return Ok(());
    }
    Err(CommandFailed(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)).into())
}
