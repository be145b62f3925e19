//! What depends on the template alone.

pub(crate) mod backdrop;
pub(crate) mod grain;
pub(crate) mod plate;
pub(crate) mod prepared;
