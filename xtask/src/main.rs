//! `cargo xtask TASK`: the project's own commands. One file per task; this one only names them.

use clap::Parser;

mod bench;
mod gallery;
mod models;
mod python;
mod quality;
mod registry;
mod template;
mod test;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
enum Task {
    Bench(bench::Bench),
    Gallery(gallery::Gallery),
    Models(models::Models),
    Quality(quality::Quality),
    Template(template::Template),
    Test(test::Test),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(task) => task.run(),
        Task::Gallery(task) => task.run(),
        Task::Models(task) => task.run(),
        Task::Quality(task) => task.run(),
        Task::Template(task) => task.run(),
        Task::Test(task) => task.run(),
    }
}
