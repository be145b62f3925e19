//! `cargo xtask template add PICTURE … | demo`: makes templates with the tool `template` of `fitting-tools`.
//!
//! The tool is a separate program, so that no other task waits for the build of the inference engine.

use std::process::Command;

use local_stack::build_binaries;

use crate::{tools, workspace};

/// The templates that `template demo` makes.
pub(crate) const DEMO_PACK: [&str; 2] = ["astronaut", "joconde"];

/// Make templates from pictures: `template add PICTURE --id … --title … --licence …`, or `template demo`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Template {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Template {
    /// Makes the demo templates that are missing.
    pub(crate) fn demo() -> Self {
        Self { arguments: vec!["demo".to_owned()] }
    }

    pub(crate) fn run(self) -> anyhow::Result<()> {
        let binaries = build_binaries(&["template"])?;
        let mut tool = Command::new(&binaries["template"]);
        tool.args(self.arguments).arg("--root").arg(workspace::root());
        tools::run(&mut tool)
    }
}
