//! Measurements of a face on the coarse raster: light, skin, features.

pub(crate) mod exposure;
pub(crate) mod features;
pub(crate) mod shading;
pub(crate) mod skin;
pub(crate) mod surface;
