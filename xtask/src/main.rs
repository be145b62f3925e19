//! `cargo xtask TASK`: the project's own commands. One file per task; this one only names them.

use clap::Parser;

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
mod verify_receipt;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands.", version)]
enum Task {
    Bench(bench::Bench),
    Demo(demo::Demo),
    Dev(dev::Dev),
    Fuzz(fuzz::Fuzz),
    Gallery(gallery::Gallery),
    Marks(marks::Marks),
    Models(models::Models),
    Publish(publish::Publish),
    Quality(quality::Quality),
    Replay(replay::Replay),
    Template(template::Template),
    Test(test::Test),
    VerifyReceipt(verify_receipt::VerifyReceipt),
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Bench(task) => task.run(),
        Task::Demo(task) => task.run(),
        Task::Dev(task) => task.run(),
        Task::Fuzz(task) => task.run(),
        Task::Gallery(task) => task.run(),
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
