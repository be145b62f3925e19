//! Errors of the crate: a broken model, a broken template, or a violated invariant. An unusable photo is not an error
//! but a [`crate::Refusal`].

use std::io;
use std::path::PathBuf;

/// An error that does not come from the photo. A retry with the same input fails again.
#[derive(Debug, thiserror::Error)]
pub enum FittingError {
    /// A file of the models or of a template cannot be read.
    #[error(
        "cannot read {path}; run `cargo xtask models` for models, `cargo xtask template demo` for demo templates"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The hash of a model file differs from the manifest's.
    #[error("model {name} has the wrong hash; run `cargo xtask models` to restore it")]
    ModelHash {
        /// The model's name in the manifest.
        name: String,
    },
    /// The inference engine rejected a model or failed while running it.
    #[error("model {name}: {message}")]
    Model {
        /// The model's name in the manifest.
        name: String,
        /// The engine's message. It contains shapes and operators, never pixels.
        message: String,
    },
    /// The built-in manifest of the models is not valid.
    #[error("models/manifest.toml: {message}")]
    Manifest {
        /// What is wrong with it.
        message: String,
    },
    /// A template's files contradict each other or the description, or a picture cannot be made into a template.
    #[error("{message}")]
    Template {
        /// What is wrong with it.
        message: String,
    },
    /// A work could not be encoded.
    #[error("cannot encode the work: {message}")]
    Encode {
        /// The encoder's message.
        message: String,
    },
}
