//! `template add`, `check` and `demo`: makes templates out of pictures, run through `cargo xtask template`.
//!
//! Templates go to `templates/<id>/` below the working folder, which git ignores: which pictures an operator
//! uses is the operator's. The models and the demo pictures are where `cargo xtask models` put them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use fitting::template::{Concern, DESCRIPTION_FILE, Draft, TemplateDescription, concerns, draft, read_files};
use fitting::{Models, Template};

/// Make and check templates.
#[derive(Parser)]
#[command(name = "template", version)]
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
    #[arg(long)]
    title: String,
    /// Under which terms the picture is used.
    #[arg(long)]
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

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Add(add) => add.run(&load_models()?),
        Task::Check { id } => check(&id),
        Task::Demo => demo(),
    }
}

/// Prints what is wrong; nothing is also an answer.
fn check(id: &str) -> anyhow::Result<()> {
    let concerns = concerns(&read_files(&folder(id))?)?;
    if concerns.is_empty() {
        say(&format!("template {id}: nothing to object to"));
    }
    for Concern { message, measured, threshold } in concerns {
        say(&format!("template {id}: {message} (measured {measured:.2}, limit {threshold:.2})"));
    }
    Ok(())
}

/// Makes the demo templates that are not there yet.
fn demo() -> anyhow::Result<()> {
    let mut models = None;
    for [picture, id, title, licence] in DEMO {
        if Template::open(&folder(id)).is_ok() {
            say(&format!("template {id}: in place"));
            continue;
        }
        let add = Add {
            picture: Path::new("target/pictures").join(picture),
            id: id.to_owned(),
            title: title.to_owned(),
            licence: licence.to_owned(),
            mask: None,
            face: 0,
        };
        let models = match &mut models {
            Some(models) => models,
            None => models.insert(load_models()?),
        };
        add.run(models)?;
    }
    Ok(())
}

impl Add {
    /// Writes the template's folder; a folder that is there gets the next version.
    fn run(self, models: &Models) -> anyhow::Result<()> {
        let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        let (picture, mask) = (read(&self.picture)?, self.mask.as_deref().map(read).transpose()?);
        let target = folder(&self.id);
        let before = fs::read(target.join(DESCRIPTION_FILE)).ok();
        let before = before.map(|json| TemplateDescription::parse(&json)).transpose()?;
        let version = before.map_or(1, |description| description.version + 1);
        let files = draft(
            models,
            &Draft {
                id: &self.id,
                version,
                title: &self.title,
                licence: &self.licence,
                picture: &picture,
                mask: mask.as_deref(),
                face: self.face,
            },
        )?;
        fs::create_dir_all(&target)?;
        for (name, bytes) in files {
            fs::write(target.join(name), bytes)?;
        }
        let template = Template::open(&target)?;
        say(&format!("template {} version {version}: {}", self.id, template.hash()));
        let [left, top, right, bottom] = template.description().face.bounds;
        say(&format!(
            "  face {}, counted from the largest: {left:.0},{top:.0} to {right:.0},{bottom:.0}",
            self.face
        ));
        check(&self.id)
    }
}

fn folder(id: &str) -> PathBuf {
    Path::new("templates").join(id)
}

fn load_models() -> anyhow::Result<Models> {
    Ok(Models::load(Path::new("models/weights"))?)
}

#[expect(clippy::print_stderr, reason = "a command-line tool talks to its user")]
fn say(line: &str) {
    eprintln!("{line}");
}
