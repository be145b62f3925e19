//! Fits the face of a photo onto a template: decode, detect, mesh, quality gate, compose, mark, encode.
//!
//! Pure computation on bytes: no clock, no network, no cloud. The caller passes the photo's bytes, the loaded models
//! and the template. It gets a work, or the reason why there is none. Faces are held in [`Mesh`] and [`RgbImage`],
//! which are wiped on drop and cannot be written out by accident.

mod colour;
mod compose;
pub mod decode;
mod detect;
pub mod encode;
mod error;
mod find;
mod fit;
mod gate;
pub mod hash;
mod label;
mod landmarks;
pub mod mark;
mod mesh;
mod models;
mod outcome;
mod photo;
mod pixels;
mod refusal;
mod region;
mod resize;
pub mod template;
mod topology;

pub use colour::ProfileFault;
pub use error::FittingError;
pub use find::find_mesh;
pub use fit::{Stage, fit, fit_observed};
pub use mark::Mark;
pub use mesh::{MESH_POINTS, Mesh};
pub use models::Models;
pub use outcome::{FitOptions, Fitted, Format, Outcome, Report};
pub use photo::Photo;
pub use pixels::{GreyImage, RgbImage};
pub use refusal::Refusal;
pub use region::Region;
pub use template::Template;
