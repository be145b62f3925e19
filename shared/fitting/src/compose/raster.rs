//! Planes of values and the operations on them, independent of what the values mean.

pub(crate) mod blur;
pub(crate) mod grid;
pub(crate) mod logarithm;
pub(crate) mod morphology;
pub(crate) mod plane;
pub(crate) mod points;
pub(crate) mod polygon;
pub(crate) mod spans;
pub(crate) mod texture;
