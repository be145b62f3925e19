//! The cost of a first `cargo xtask demo`: everything it compiles, built from nothing in a folder of its own.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use local_stack::{FUNCTIONS, Stopwatch};
use serde::Serialize;
use serde_json::json;

use crate::workspace::{root, say};

/// The clock ticks per second in `/proc/PID/stat`; every Linux that Rust supports reports 100 (proc(5), `USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// The cost of one build.
#[derive(Serialize)]
struct Cost {
    wall_s: f64,
    cpu_s: f64,
}

/// Builds `xtask` and then the programs that the demo runs, and prints wall time, CPU time and disk space as one JSON
/// line. The crates must have been downloaded before.
///
/// # Errors
/// When a build fails or `/proc` cannot be read.
pub(crate) fn measure() -> anyhow::Result<()> {
    let folder = root().join("target/setup");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let programs: Vec<&str> =
        FUNCTIONS.iter().chain(&["template"]).flat_map(|name| ["--bin", name]).collect();
    let xtask = build(&folder, &["--package", "xtask"])?;
    let demo = build(&folder, &[&["--workspace"][..], &programs].concat())?;
    let bytes = size(&folder)?;
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let wall_s = xtask.wall_s + demo.wall_s;
    let cpu_s = xtask.cpu_s + demo.cpu_s;
    print(&json!({ "xtask": xtask, "demo": demo, "wall_s": wall_s, "cpu_s": cpu_s, "bytes": bytes }));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are this command's result")]
fn print(result: &serde_json::Value) {
    println!("{result}");
}

fn build(folder: &Path, arguments: &[&str]) -> anyhow::Result<Cost> {
    say(&format!("── cargo build --locked {}", arguments.join(" ")));
    let (start, cpu_before) = (Stopwatch::start(), cpu_of_children()?);
    let mut command = local_stack::cargo();
    command.args(["build", "--locked", "--target-dir"]).arg(folder).args(arguments);
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "the build failed: {status}; its messages are above");
    Ok(Cost { wall_s: start.elapsed().as_secs_f64(), cpu_s: cpu_of_children()? - cpu_before })
}

/// The CPU time, in seconds, of all ended child processes and of their own ended children.
fn cpu_of_children() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    // The second field is the program's name in parentheses and may hold spaces. `cutime` and `cstime` are the 16th
    // and 17th field, so the 14th and 15th after the name.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| -> anyhow::Result<f64> {
        Ok(fields.get(at).context("/proc/self/stat is too short")?.parse()?)
    };
    Ok((ticks(13)? + ticks(14)?) / TICKS_PER_SECOND)
}

/// The bytes of all files below a folder.
fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
