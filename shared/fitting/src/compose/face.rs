//! What is known of a face in its frame: light, skin, features.

pub(crate) mod exposure;
pub(crate) mod features;
pub(crate) mod shading;
pub(crate) mod skin;
pub(crate) mod surface;
