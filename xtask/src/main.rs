//! `cargo xtask TASK`: the project's own commands. Each task has its own file; this file only dispatches.

use std::process::ExitCode;

use clap::Parser;

mod arm64;
mod bench;
mod demo;
mod dev;
mod fuzz;
mod gallery;
mod local;
mod marks;
mod models;
mod publish;
mod python;
mod quality;
mod registry;
mod replay;
mod template;
mod test;
mod tools;
mod verify_receipt;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
enum Task {
    Arm64(arm64::Arm64),
    Bench(bench::Bench),
    Demo(demo::Demo),
    Dev(dev::Dev),
    Fit(tools::Fit),
    Fuzz(fuzz::Fuzz),
    Gallery(gallery::Gallery),
    Lambda(tools::Lambda),
    Marks(marks::Marks),
    Models(models::Models),
    Publish(publish::Publish),
    Quality(quality::Quality),
    Replay(replay::Replay),
    Template(template::Template),
    Test(test::Test),
    VerifyReceipt(verify_receipt::VerifyReceipt),
}

/// A child command failed and has already printed why. Holds its exit status; `main` exits with it and prints nothing.
#[derive(Debug)]
pub(crate) struct CommandFailed(u8);

impl std::fmt::Display for CommandFailed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the command ended with status {}", self.0)
    }
}

impl std::error::Error for CommandFailed {}

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    if let Some(CommandFailed(status)) = error.downcast_ref() {
        return ExitCode::from(*status);
    }
    workspace::say(&format!("error: {error:#}"));
    ExitCode::FAILURE
}

fn run() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Arm64(task) => task.run(),
        Task::Bench(task) => task.run(),
        Task::Demo(task) => task.run(),
        Task::Dev(task) => task.run(),
        Task::Fit(task) => task.run(),
        Task::Fuzz(task) => task.run(),
        Task::Gallery(task) => task.run(),
        Task::Lambda(task) => task.run(),
        Task::Marks(task) => task.run(),
        Task::Models(task) => task.run(),
        Task::Publish(task) => task.run(),
        Task::Quality(task) => task.run(),
        Task::Replay(task) => task.run(),
        Task::Template(task) => task.run(),
        Task::Test(task) => task.run(),
        Task::VerifyReceipt(task) => task.run(),
    }
}
