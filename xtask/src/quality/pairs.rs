//! Reads `xtask/quality/quality.toml` and lists its pairs of photo and template.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::models;
use crate::registry::Package;

/// The content of `quality.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    tuned: Pictures,
    held_out: Pictures,
    same_person: BTreeMap<String, String>,
    /// Pictures that `derived.py` makes from other pictures.
    pub(crate) derived: Vec<Derived>,
    self_check: SelfCheck,
    pub(crate) embedder: Embedder,
    pub(crate) package: Vec<Package>,
}

#[derive(Deserialize)]
struct Pictures {
    photos: Vec<String>,
    templates: Vec<String>,
    /// Additional pairs, each a photo and a template.
    #[serde(default)]
    pairs: Vec<[String; 2]>,
}

/// A picture of a hard kind, and how it is made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Derived {
    pub(crate) file: String,
    /// The picture it is made from.
    pub(crate) of: String,
    /// The names of its steps in `derived.py`, in order.
    pub(crate) steps: Vec<String>,
}

#[derive(Deserialize)]
struct SelfCheck {
    photo: String,
    templates: Vec<String>,
}

/// The source of the descriptor network's weights.
#[derive(Deserialize)]
pub(crate) struct Embedder {
    pub(crate) package: String,
    pub(crate) file: Vec<EmbedderFile>,
}

/// One file of the network's weights.
#[derive(Deserialize)]
pub(crate) struct EmbedderFile {
    pub(crate) member: String,
    pub(crate) sha256: String,
}

/// The kind of a pair: whether the method's constants were chosen with it in view.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// In view while constants were chosen.
    Tuned,
    /// Only used to judge the method; no constant was chosen with it.
    HeldOut,
    /// Held out, with a derived picture: coloured or dim light, grey photos, a fringe, glasses.
    Hard,
}

/// The selection of pairs for a command.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Which {
    /// Every pair.
    All,
    /// The demo photos on the demo templates.
    Tuned,
    /// The pairs with which no constant was chosen.
    HeldOut,
    /// Held-out pairs of hard kinds.
    Hard,
}

/// A photo and the template it is fitted onto, by file name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) photo: String,
    pub(crate) template: String,
    pub(crate) kind: Kind,
}

impl Manifest {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        models::read(&root.join("xtask/quality/quality.toml"))
    }

    /// The selected pairs: every photo with every template of another person, and the additional pairs. Tuned pairs
    /// come first.
    pub(crate) fn pairs(&self, which: Which) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (photo, tuned_photo) in
            self.tuned.photos.iter().map(|p| (p, true)).chain(held_out(&self.held_out.photos))
        {
            let templates =
                self.tuned.templates.iter().map(|t| (t, true)).chain(held_out(&self.held_out.templates));
            for (template, tuned_template) in templates {
                let kind = if tuned_photo && tuned_template { Kind::Tuned } else { Kind::HeldOut };
                if self.person(photo) != self.person(template) {
                    pairs.push(Pair { photo: photo.clone(), template: template.clone(), kind });
                }
            }
        }
        for (additional, kind) in [(&self.tuned.pairs, Kind::Tuned), (&self.held_out.pairs, Kind::Hard)] {
            pairs.extend(additional.iter().map(|[photo, template]| Pair {
                photo: photo.clone(),
                template: template.clone(),
                kind,
            }));
        }
        pairs.retain(|pair| which.includes(pair.kind));
        pairs.sort_by_key(|pair| pair.kind);
        pairs
    }

    /// The pairs whose works the self-check spoils.
    pub(crate) fn self_check_pairs(&self) -> Vec<Pair> {
        let pair = |template: &String| Pair {
            photo: self.self_check.photo.clone(),
            template: template.clone(),
            kind: Kind::Tuned,
        };
        self.self_check.templates.iter().map(pair).collect()
    }

    /// Every photo, with the first picture of the same person.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&str, &str)> {
        let photos = self.tuned.photos.iter().chain(&self.held_out.photos);
        photos.map(|photo| (photo.as_str(), self.person(photo)))
    }

    /// How a picture is made, if it is derived from another.
    pub(crate) fn derived(&self, picture: &str) -> Option<&Derived> {
        self.derived.iter().find(|derived| derived.file == picture)
    }

    fn person<'a>(&'a self, picture: &'a str) -> &'a str {
        let origin = self.derived(picture).map_or(picture, |derived| derived.of.as_str());
        self.same_person.get(origin).map_or(origin, String::as_str)
    }
}

fn held_out(pictures: &[String]) -> impl Iterator<Item = (&String, bool)> {
    pictures.iter().map(|picture| (picture, false))
}

impl Which {
    fn includes(self, kind: Kind) -> bool {
        match self {
            Self::All => true,
            Self::Tuned => kind == Kind::Tuned,
            Self::HeldOut => kind == Kind::HeldOut,
            Self::Hard => kind == Kind::Hard,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tuned => "tuned",
            Self::HeldOut => "held out",
            Self::Hard => "hard",
        })
    }
}

impl fmt::Display for Pair {
    /// Writes, for example, `astronaut-joconde`: also the stem of the pair's files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stem = |file: &str| file.split('.').next().unwrap_or(file).to_owned();
        write!(f, "{}-{}", stem(&self.photo), stem(&self.template))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    fn manifest() -> Manifest {
        Manifest::read(workspace::root()).expect("quality.toml is readable")
    }

    #[test]
    fn no_pair_shows_one_person_twice() {
        let manifest = manifest();
        for pair in manifest.pairs(Which::All) {
            assert_ne!(manifest.person(&pair.photo), manifest.person(&pair.template), "{pair}");
        }
    }

    #[test]
    fn no_pair_is_both_tuned_and_held_out() {
        let manifest = manifest();
        let [tuned, mut held_out, hard] =
            [Which::Tuned, Which::HeldOut, Which::Hard].map(|w| manifest.pairs(w));
        assert!(!tuned.is_empty() && held_out.len() >= 2 * tuned.len());
        held_out.extend(hard);
        let is_tuned =
            |pair: &Pair| tuned.iter().any(|t| (&t.photo, &t.template) == (&pair.photo, &pair.template));
        assert!(!held_out.iter().any(is_tuned));
        assert_eq!(manifest.pairs(Which::All).len(), tuned.len() + held_out.len());
    }

    #[test]
    fn at_least_fifteen_held_out_pairs_are_of_hard_kinds() {
        let manifest = manifest();
        let hard = manifest.pairs(Which::Hard);
        assert!(hard.len() >= 15);
        for kind in ["fringe", "dim", "violet", "red", "grey", "glasses"] {
            let shows = |picture: &str| {
                manifest
                    .derived(picture)
                    .is_some_and(|made| made.steps.iter().any(|step| step.contains(kind)))
            };
            assert!(hard.iter().any(|pair| shows(&pair.photo) || shows(&pair.template)), "{kind}");
        }
        for pair in &hard {
            assert!(manifest.derived.iter().any(|made| [&pair.photo, &pair.template].contains(&&made.file)));
        }
    }
}
