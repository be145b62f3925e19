//! Where the points of a face go, and how pixels are warped there.

pub(crate) mod coverage;
pub(crate) mod face_frame;
pub(crate) mod occlusion;
pub(crate) mod pose;
pub(crate) mod shape;
pub(crate) mod warp;
