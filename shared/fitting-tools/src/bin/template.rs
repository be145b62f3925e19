//! `template add`, `check` and `demo`: makes templates from pictures; `cargo xtask template` runs it.
//!
//! Templates are written to `templates/<id>/` in the checkout, which git ignores: the choice of pictures is the
//! operator's. `cargo xtask models` provides the models and the demo pictures. Exit status: 0 success, 1 failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use fitting::template::{Concern, DESCRIPTION_FILE, Draft, TemplateDescription, concerns, draft, read_files};
use fitting::{Models, Template};

/// Make and check templates. They are in `templates/ID/`; `cargo xtask publish` publishes them. To retire one, remove
/// its folder and publish again.
#[derive(Parser)]
#[command(name = "template", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
    /// The checkout, which contains `templates/` and the models.
    #[arg(long, global = true, default_value = ".", hide = true)]
    root: PathBuf,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Make a template from a picture.
    Add(Add),
    /// Report what will look wrong with a template, and why.
    Check {
        /// The template's id.
        id: String,
    },
    /// Make the demo templates from the public-domain pictures.
    Demo,
}

#[derive(clap::Args)]
struct Add {
    /// The picture, at most 4096 pixels a side.
    picture: PathBuf,
    /// Lower-case letters, digits and hyphens.
    #[arg(long)]
    id: String,
    /// The title that the catalogue shows.
    #[arg(long, value_parser = shown_text)]
    title: String,
    /// The terms under which the picture is used.
    #[arg(long, value_parser = shown_text)]
    licence: String,
    /// A grey picture of the same size; white keeps the template in front of the fitted face.
    #[arg(long)]
    mask: Option<PathBuf>,
    /// The face to replace, counted from the largest (0).
    #[arg(long, default_value_t = 0)]
    face: usize,
}

/// The demo pack: picture in target/pictures, id, title, licence.
const DEMO: [[&str; 4]; 2] = [
    ["astronaut.png", "astronaut", "Astronaut", "public domain (NASA)"],
    ["joconde.jpg", "joconde", "La Joconde", "public domain (painting by Leonardo da Vinci)"],
];

/// The longest title or licence in characters: an app shows both below a thumbnail.
const SHOWN_CHARS_MAX: usize = 200;

/// Checks that a text is one line that an app can show; every user of the template sees it.
fn shown_text(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it must not be empty: users see it".to_owned());
    }
    if text.chars().any(char::is_control) || text.chars().count() > SHOWN_CHARS_MAX {
        return Err(format!("it must be one line of at most {SHOWN_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Checkout(arguments.root).run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_line(&format!("template: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The checkout's root folder.
struct Checkout(PathBuf);

impl Checkout {
    fn run(&self, task: Task) -> anyhow::Result<()> {
        match task {
            Task::Add(add) => self.add(&add, &self.load_models()?),
            Task::Check { id } => self.check(&id),
            Task::Demo => self.demo(),
        }
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.0.join("templates").join(id)
    }

    fn load_models(&self) -> anyhow::Result<Models> {
        Ok(Models::load(&self.0.join("models/weights"))?)
    }

    /// Prints the concerns about a template, or that there are none.
    fn check(&self, id: &str) -> anyhow::Result<()> {
        let folder = self.folder(id);
        if !folder.join(DESCRIPTION_FILE).is_file() {
            bail!(
                "there is no template {id} in {}; there are: {}",
                self.0.join("templates").display(),
                self.ids()?
            );
        }
        let concerns = read_files(&folder).and_then(|files| concerns(&files));
        let concerns = concerns.with_context(|| folder.display().to_string())?;
        if concerns.is_empty() {
            print_line(&format!("template {id}: no problems found"));
        }
        for Concern { message, measured, threshold } in concerns {
            print_line(&format!("template {id}: {message} (measured {measured:.2}, limit {threshold:.2})"));
        }
        Ok(())
    }

    /// Returns the ids of all templates, for an error message.
    fn ids(&self) -> anyhow::Result<String> {
        let directory = self.0.join("templates");
        if !directory.is_dir() {
            return Ok("none".to_owned());
        }
        let entries =
            fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
        let folders = entries.flatten().filter(|entry| entry.path().join(DESCRIPTION_FILE).is_file());
        let mut ids: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        ids.sort();
        Ok(if ids.is_empty() { "none".to_owned() } else { ids.join(", ") })
    }

    /// Makes the demo templates that do not exist yet.
    fn demo(&self) -> anyhow::Result<()> {
        let mut models = None;
        for [picture, id, title, licence] in DEMO {
            if Template::open(&self.folder(id)).is_ok() {
                print_line(&format!("template {id}: in place"));
                continue;
            }
            let add = Add {
                picture: self.0.join("target/pictures").join(picture),
                id: id.to_owned(),
                title: title.to_owned(),
                licence: licence.to_owned(),
                mask: None,
                face: 0,
            };
            let models = match &mut models {
                Some(models) => models,
                None => models.insert(self.load_models()?),
            };
            self.add(&add, models)?;
        }
        Ok(())
    }

    /// Writes the template's folder. An existing template gets the next version.
    fn add(&self, add: &Add, models: &Models) -> anyhow::Result<()> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let (picture, mask) = (read(&add.picture)?, add.mask.as_deref().map(read).transpose()?);
        let target = self.folder(&add.id);
        let version = next_version(&target)?;
        let files = draft(
            models,
            &Draft {
                id: &add.id,
                version,
                title: &add.title,
                licence: &add.licence,
                picture: &picture,
                mask: mask.as_deref(),
                face: add.face,
            },
        );
        let files = files.with_context(|| add.picture.display().to_string())?;
        fs::create_dir_all(&target).with_context(|| format!("cannot create {}", target.display()))?;
        for (name, bytes) in files {
            let path = target.join(name);
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let template = Template::open(&target).with_context(|| target.display().to_string())?;
        print_line(&format!("template {} version {version}: {}", add.id, template.hash()));
        let [left, top, right, bottom] = template.description().face.bounds;
        print_line(&format!(
            "  face {}, counted from the largest: {left:.0},{top:.0} to {right:.0},{bottom:.0}",
            add.face
        ));
        self.check(&add.id)
    }
}

/// Returns the version after the existing one, or the first.
fn next_version(folder: &Path) -> anyhow::Result<u32> {
    let path = folder.join(DESCRIPTION_FILE);
    if !path.exists() {
        return Ok(1);
    }
    let json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let existing = TemplateDescription::parse(&json).with_context(|| folder.display().to_string())?;
    let version = existing.version.checked_add(1);
    version.with_context(|| {
        format!("{}: version {} is the highest possible", folder.display(), existing.version)
    })
}

#[expect(clippy::print_stderr, reason = "a command-line tool prints to its user")]
fn print_line(line: &str) {
    eprintln!("{line}");
}
