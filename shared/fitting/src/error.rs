//! What can be broken: models, templates, or an invariant of the pipeline. A bad photo is no error.

use std::io;
use std::path::PathBuf;

/// Something other than the photo is wrong; trying the same again does not help.
#[derive(Debug, thiserror::Error)]
pub enum FittingError {
    /// A file of the models or of a template cannot be read.
    #[error("cannot read {path}; `cargo xtask models` and `cargo xtask template demo` make it")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A model file is not the one the manifest names.
    #[error("model {name} has the wrong hash; `cargo xtask models` restores it")]
    ModelHash {
        /// The model's name in the manifest.
        name: String,
    },
    /// The inference engine refused a model or failed while running it.
    #[error("model {name}: {message}")]
    Model {
        /// The model's name in the manifest.
        name: String,
        /// What the engine said; it knows shapes and operators, no pixels.
        message: String,
    },
    /// The built-in manifest of the models is not valid.
    #[error("models/manifest.toml: {message}")]
    Manifest {
        /// What is wrong with it.
        message: String,
    },
    /// A template's files contradict each other or its description, or a picture makes no template.
    #[error("{message}")]
    Template {
        /// What is wrong with it.
        message: String,
    },
    /// A work could not be encoded.
    #[error("cannot encode the work: {message}")]
    Encode {
        /// What the encoder said.
        message: String,
    },
}
