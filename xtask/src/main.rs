//! `cargo xtask TASK`: the project's own commands. One file per task; this one only names them.

use clap::Parser;

mod test;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
enum Task {
    Test(test::Test),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Test(task) => task.run(),
    }
}
