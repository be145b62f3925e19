//! A template: the picture a user chose, with the mesh of the face that is replaced.

mod description;

pub use description::{DESCRIPTION_FILE, FaceChoice, FileEntry, TemplateDescription, TemplateFiles};
