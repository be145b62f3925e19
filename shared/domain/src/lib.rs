//! The product's rules: what works and erasures are and how they change, what identifies a user, and how long data is
//! kept.
//!
//! Invariants: no I/O, no clock (time is an argument), no randomness (random bits are an argument), no AWS, no
//! pixels. `cloud` stores the data, and the functions answer the app.

mod erasure;
mod favorite;
mod id;
mod key;
pub mod limits;
mod polling;
mod reason;
pub mod receipt;
pub mod retention;
mod salt;
mod time;
mod upload;
mod work;
mod working_days;

pub use erasure::{Erasure, ErasureScope, ErasureState, ErasureStep, ErasureTimes, Reach};
pub use favorite::{Favorite, FavoriteError, FavoriteKind, FavoriteTarget, FavoritesPage};
pub use id::{IdError, IdentityHash, LeaseToken, RequestId, Sha256, SubjectId, TemplateId, WorkId};
pub use key::{KeyError, PhotoKey, WorkObject, WorkObjectKey};
pub use reason::ReasonCode;
pub use salt::{Requester, Salt};
pub use time::UnixSeconds;
pub use upload::{ContentType, PhotoSource, UploadError, UploadRequest};
pub use work::{
    Admission, DueAction, ExpectedPhoto, Failure, Lease, Measured, Picture, TemplateVersion, View, Work,
    WorkKind, WorkState,
};
pub use working_days::{
    COMPLAINT_WORKING_DAYS, ERASURE_WORKING_DAYS, ESCALATION_AFTER, WorkingDays, WorkingDaysError,
};
