//! `cargo xtask TASK`: the project's own commands. One file per task; this one only names them.

use clap::Parser;

mod models;
mod python;
mod registry;
mod test;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
enum Task {
    Models(models::Models),
    Test(test::Test),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Models(task) => task.run(),
        Task::Test(task) => task.run(),
    }
}
