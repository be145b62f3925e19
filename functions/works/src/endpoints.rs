//! The stores and settings of the endpoints of a caller's works.

use cloud::{Subjects, WorkStores};

/// The stores that the endpoints use.
pub(crate) struct Endpoints {
    pub(crate) subjects: Subjects,
    pub(crate) work_stores: WorkStores,
}
