//! The JSON documents that more than one function answers with, so that a work or a template looks the same wherever
//! it is shown. A document that only one function answers with stays there.

mod closed;
mod template;
mod work;

pub use closed::closed;
pub use template::TemplateResource;
pub use work::WorkResource;
