//! `cargo xtask template add PICTURE … | demo`: makes templates, with the `template` tool of `fitting`.
//!
//! The tool is run, not linked, so that no other task waits for the inference engine to be built.

use std::process::Command;

use local_stack::build_binaries;

use crate::python::run;
use crate::workspace;

/// Make templates out of pictures: `template add PICTURE --id … --title … --licence …`, or `template demo`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Template {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Template {
    /// Makes the demo templates where they are not in place yet.
    pub(crate) fn demo() -> Self {
        Self { arguments: vec!["demo".to_owned()] }
    }

    pub(crate) fn run(self) -> anyhow::Result<()> {
        let binaries = build_binaries(&["template"])?;
        run(Command::new(&binaries["template"]).args(self.arguments).current_dir(workspace::root()))
    }
}
