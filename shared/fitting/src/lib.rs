//! Fits the face of a photo onto a template: decode, detect, mesh, gate, compose, mark, encode.
//!
//! Pure computation on bytes: no clock, no network, no cloud. The caller brings the photo's bytes, the
//! loaded models and the template, and gets a work or the reason why there is none. Faces are handled in
//! [`Mesh`] and [`RgbImage`], which are wiped on drop and cannot be written out by accident.

#[expect(dead_code, reason = "the fit of a photo will call it")]
mod compose;
pub mod decode;
mod error;
pub mod hash;
pub mod mark;
mod mesh;
mod pixels;
pub mod template;
mod topology;

pub use error::FittingError;
pub use mesh::{MESH_POINTS, Mesh};
pub use pixels::{GreyImage, RgbImage};
