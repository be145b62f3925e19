//! `cargo xtask arm64`: builds the functions for arm64, the default architecture, and compares the works of an arm64
//! `fit` with those of this machine's `fit`.
//!
//! The arm64 programs run under qemu's user emulation. If qemu is missing, the command builds the programs and then
//! fails.

mod compare;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use local_stack::{FUNCTIONS, Python};

use crate::arm64::compare::Difference;
use crate::quality::contenders::build;
use crate::workspace::{self, say};
use crate::{models, python};

/// The pairs to fit: a photo and a picture to fit it onto, by their names in `models/pictures.toml`.
const PAIRS: [(&str, &str); 2] = [("obama.jpg", "joconde.jpg"), ("astronaut.png", "joconde.jpg")];

/// The emulator's program names on Debian (packages `qemu-user-static` and `qemu-user`).
const EMULATORS: [&str; 2] = ["qemu-aarch64-static", "qemu-aarch64"];

/// The folder of the libraries that the programs load (Debian packages `libc6-arm64-cross` and
/// `libgcc-s1-arm64-cross`).
const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The machine number of an ELF file for arm64 (`EM_AARCH64`), and its offset in the file.
const MACHINE: (u16, usize) = (183, 18);

/// Build the functions for arm64, start each under emulation, and compare an arm64 fit with this machine's.
#[derive(clap::Args)]
pub(crate) struct Arm64 {
    /// Build and compare `fit` alone, without the functions.
    #[arg(long)]
    fit_only: bool,
    /// Cargo profile of the arm64 programs.
    #[arg(long, default_value = "release")]
    profile: String,
}

/// The emulator that runs arm64 programs on this machine.
struct Emulator {
    program: &'static str,
}

impl Arm64 {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let root = workspace::root();
        let functions: &[&str] = if self.fit_only { &[] } else { &FUNCTIONS };
        let programs: Vec<&str> = functions.iter().copied().chain(["fit"]).collect();
        let built = build_for_arm64(root, &self.profile, &programs)?;
        for (name, path) in &built {
            let bytes = fs::read(path).with_context(|| path.display().to_string())?;
            ensure!(is_for_arm64(&bytes), "{name} was not built for arm64");
            say(&format!("   {name}: {:.1} MB", bytes.len() as f64 / 1e6));
        }
        let Some(emulator) = Emulator::find() else {
            bail!(
                "the arm64 programs were built but not run: qemu or the arm64 libraries are missing. Install them:\n\
                 apt-get install qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross"
            );
        };
        for name in functions {
            emulator.start(&built[*name]).with_context(|| (*name).to_owned())?;
        }
        say(&format!("✔  {} functions start on arm64", functions.len()));
        compare_fits(root, &emulator, &built["fit"], &self.profile)
    }
}

/// Builds these programs of the workspace with `cargo lambda`, which provides the linker. Returns the path of each.
fn build_for_arm64(
    root: &Path,
    profile: &str,
    programs: &[&str],
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let cargo_lambda = Python::for_cargo_lambda(&say)?;
    let mut command = local_stack::cargo();
    // `PATH` must lead to both the `cargo-lambda` program and the Python interpreter that has the linker.
    #[expect(clippy::disallowed_methods, reason = "the tool adds folders in front of the inherited PATH")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(cargo_lambda.programs()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders)?);
    command.args(["lambda", "build", "--arm64", "--locked", "--profile", profile]);
    for program in programs {
        command.args(["--bin", program]);
    }
    say(&format!("── build for arm64, profile {profile}: {}", programs.join(", ")));
    let status = command.status().context("cannot start cargo lambda")?;
    ensure!(status.success(), "cargo lambda build failed: {status}; its messages are above");
    let folder = root.join("target/lambda");
    Ok(programs.iter().map(|name| ((*name).to_owned(), folder.join(name).join("bootstrap"))).collect())
}

fn is_for_arm64(elf: &[u8]) -> bool {
    let (machine, offset) = MACHINE;
    elf.starts_with(b"\x7fELF") && elf.get(offset..offset + 2) == Some(&machine.to_le_bytes())
}

impl Emulator {
    fn find() -> Option<Self> {
        let runs = |program: &&str| Command::new(program).arg("--version").output().is_ok();
        let program = EMULATORS.into_iter().find(runs)?;
        Path::new(LIBRARIES).is_dir().then_some(Self { program })
    }

    /// A command that runs an arm64 program.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(["-L", LIBRARIES]).arg(program);
        command
    }

    /// Starts a function without its settings. It must fail because a setting is missing: then its libraries were
    /// loaded and its own code ran.
    fn start(&self, function: &Path) -> anyhow::Result<()> {
        let output = self.command(function).env_clear().output()?;
        let message = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        ensure!(
            message.contains("the environment variable"),
            "the function does not start on arm64: {}",
            message.trim()
        );
        Ok(())
    }
}

/// Fits each pair on both architectures; fails if the works differ by more than the tolerance.
fn compare_fits(root: &Path, emulator: &Emulator, arm64: &Path, profile: &str) -> anyhow::Result<()> {
    models::fetch_models(root)?;
    models::fetch_pictures(root)?;
    let native = build("fit", profile)?;
    let folder = root.join("target/arm64");
    fs::create_dir_all(&folder)?;
    for (photo, template) in PAIRS {
        let pictures = root.join("target/pictures");
        let fit = |mut command: Command, out: PathBuf| -> anyhow::Result<Vec<u8>> {
            command.arg(pictures.join(photo)).arg(pictures.join(template)).arg(&out).current_dir(root);
            python::run(&mut command)?;
            Ok(fs::read(out)?)
        };
        let ours = fit(Command::new(&native), folder.join("native.png"))?;
        let theirs = fit(emulator.command(arm64), folder.join("arm64.png"))?;
        let difference = Difference::of(&ours, &theirs)?;
        say(&format!("   {photo} on {template}: {difference}"));
        if !difference.is_within_tolerance() {
            bail!(
                "the works of {photo} on {template} differ on arm64; compare the pictures in {}",
                folder.display()
            );
        }
    }
    say(&format!("✔  {} works are the same on arm64, within the tolerance", PAIRS.len()));
    Ok(())
}
