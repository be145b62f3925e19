//! Checks that nothing covers the face: an object over a part of it, a mask over the mouth, dark lenses over the eyes.

pub(crate) mod eyes_and_mouth;
pub(crate) mod parts;
