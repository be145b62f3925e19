//! `template add`, `check` and `demo`: makes templates out of pictures, run through `cargo xtask template`.
//!
//! Templates go to `templates/<id>/` below the checkout, which git ignores: which pictures an operator uses is the
//! operator's. The models and the demo pictures are where `cargo xtask models` put them. Exit status: 0 done, 1 not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use fitting::template::{Concern, DESCRIPTION_FILE, Draft, TemplateDescription, concerns, draft, read_files};
use fitting::{Models, Template};

/// Make and check templates. They lie in `templates/ID/`, from where `cargo xtask publish` takes them; to retire one,
/// remove its folder and publish again.
#[derive(Parser)]
#[command(name = "template", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
    /// The checkout, in which `templates/` and the models lie.
    #[arg(long, global = true, default_value = ".", hide = true)]
    root: PathBuf,
}

#[derive(clap::Subcommand)]
enum Task {
    /// Make a template out of a picture.
    Add(Add),
    /// Say what will look wrong with a template, and why.
    Check {
        /// The template's id.
        id: String,
    },
    /// Make the demo templates out of the public-domain pictures.
    Demo,
}

#[derive(clap::Args)]
struct Add {
    /// The picture, at most 4096 pixels a side.
    picture: PathBuf,
    /// Lower-case letters, digits and hyphens.
    #[arg(long)]
    id: String,
    /// What the catalogue shows.
    #[arg(long, value_parser = shown_text)]
    title: String,
    /// Under which terms the picture is used.
    #[arg(long, value_parser = shown_text)]
    licence: String,
    /// A grey picture of the same size; white stays in front of the fitted face.
    #[arg(long)]
    mask: Option<PathBuf>,
    /// Which face is replaced, counted from the largest.
    #[arg(long, default_value_t = 0)]
    face: usize,
}

/// The demo pack: picture in target/pictures, id, title, licence.
const DEMO: [[&str; 4]; 2] = [
    ["astronaut.png", "astronaut", "Astronaut", "public domain (NASA)"],
    ["joconde.jpg", "joconde", "La Joconde", "public domain (painting by Leonardo da Vinci)"],
];

/// The longest title or licence in characters: an app shows them below a thumbnail.
const SHOWN_CHARS_MAX: usize = 200;

/// One line that the app can show: every user of the template sees it.
fn shown_text(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty, and users see it".to_owned());
    }
    if text.chars().any(char::is_control) || text.chars().count() > SHOWN_CHARS_MAX {
        return Err(format!("it is not one line of at most {SHOWN_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match Checkout(arguments.root).run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("template: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Where everything lies.
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

    /// Prints what is wrong; nothing is also an answer.
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
            say(&format!("template {id}: nothing to object to"));
        }
        for Concern { message, measured, threshold } in concerns {
            say(&format!("template {id}: {message} (measured {measured:.2}, limit {threshold:.2})"));
        }
        Ok(())
    }

    /// The ids of all templates, for a person to choose from.
    fn ids(&self) -> anyhow::Result<String> {
        let directory = self.0.join("templates");
        if !directory.is_dir() {
            return Ok("none".to_owned());
        }
        let entries = fs::read_dir(&directory).with_context(|| directory.display().to_string())?;
        let folders = entries.flatten().filter(|entry| entry.path().join(DESCRIPTION_FILE).is_file());
        let mut ids: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        ids.sort();
        Ok(if ids.is_empty() { "none".to_owned() } else { ids.join(", ") })
    }

    /// Makes the demo templates that are not there yet.
    fn demo(&self) -> anyhow::Result<()> {
        let mut models = None;
        for [picture, id, title, licence] in DEMO {
            if Template::open(&self.folder(id)).is_ok() {
                say(&format!("template {id}: in place"));
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

    /// Writes the template's folder; a folder that is there gets the next version.
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
        fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
        for (name, bytes) in files {
            let path = target.join(name);
            fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        }
        let template = Template::open(&target).with_context(|| target.display().to_string())?;
        say(&format!("template {} version {version}: {}", add.id, template.hash()));
        let [left, top, right, bottom] = template.description().face.bounds;
        say(&format!(
            "  face {}, counted from the largest: {left:.0},{top:.0} to {right:.0},{bottom:.0}",
            add.face
        ));
        self.check(&add.id)
    }
}

/// The version after the one that lies there, or the first.
fn next_version(folder: &Path) -> anyhow::Result<u32> {
    let path = folder.join(DESCRIPTION_FILE);
    if !path.exists() {
        return Ok(1);
    }
    let json = fs::read(&path).with_context(|| path.display().to_string())?;
    let before = TemplateDescription::parse(&json).with_context(|| folder.display().to_string())?;
    let version = before.version.checked_add(1);
    version
        .with_context(|| format!("{}: the version {} is the last there is", folder.display(), before.version))
}

#[expect(clippy::print_stderr, reason = "a command-line tool talks to its user")]
fn say(line: &str) {
    eprintln!("{line}");
}
