//! How much of the photo shows, and in which light.

pub(crate) mod alpha;
pub(crate) mod edge;
pub(crate) mod fallback;
pub(crate) mod placement;
pub(crate) mod relight;
pub(crate) mod tone;
