//! Values on a grid: planes and what is done to them, whatever they stand for.

pub(crate) mod blur;
pub(crate) mod grid;
pub(crate) mod logarithm;
pub(crate) mod morphology;
pub(crate) mod plane;
pub(crate) mod polygon;
pub(crate) mod texture;
