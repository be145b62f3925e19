//! The JSON documents that more than one function returns, so that a work or a template looks the same in every
//! answer. A document that only one function returns is defined in that function.

mod closed;
mod template;
mod work;

pub use closed::closed;
pub use template::TemplateResource;
pub use work::WorkResource;
