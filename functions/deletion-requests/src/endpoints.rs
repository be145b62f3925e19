//! The stores and settings of the endpoints of deletion requests.

use cloud::{Erasures, ReceiptKeys, Subjects};
use domain::WorkingDays;

/// The stores and settings that the endpoints use.
pub(crate) struct Endpoints {
    pub(crate) subjects: Subjects,
    pub(crate) erasures: Erasures,
    pub(crate) receipt_keys: ReceiptKeys,
    pub(crate) working_days: WorkingDays,
    pub(crate) data_key: String,
}
