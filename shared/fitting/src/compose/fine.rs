//! The pixels of the work, row by row.

pub(crate) mod face_rows;
pub(crate) mod levels;
pub(crate) mod render;
pub(crate) mod row_renderer;
