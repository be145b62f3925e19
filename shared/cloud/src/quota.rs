//! What a person may do in a day, counted by the hash of their identity: in the table without backups, beside the link to
//! the subject and not behind it. So the count outlives the account: who is erased and starts anew goes on with it.

use domain::limits::{DELETION_REQUESTS_PER_DAY_MAX, UPLOADS_PER_DAY_MAX};
use domain::retention::Record;
use domain::{IdentityHash, UnixSeconds};

use crate::table::{self, Item};
use crate::write::{Change, Condition, Vacant};

/// The prefix of the key in the `identities` table under which a day's counts lie.
pub(crate) const QUOTA: &str = "QUOTA#";

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Uploads,
    DeletionRequests,
}

impl Counted {
    /// The attribute that holds the count, and how many there may be.
    fn attribute(self) -> (&'static str, u32) {
        match self {
            Self::Uploads => ("uploads", UPLOADS_PER_DAY_MAX),
            Self::DeletionRequests => ("deletion_requests", DELETION_REQUESTS_PER_DAY_MAX),
        }
    }
}

/// Counts one more, if there are fewer than the day's number. DynamoDB's TTL deletes the row.
pub(crate) struct Quota {
    pub(crate) key: Item,
    pub(crate) count: Change,
    pub(crate) is_left: Condition<Vacant>,
}

impl Quota {
    /// The quota of this identity on the day (UTC) of `now`.
    pub(crate) fn of(identity: &IdentityHash, counted: Counted, now: UnixSeconds) -> Self {
        let day = &now.to_rfc3339()[..10];
        let (attribute, max) = counted.attribute();
        let ttl = now.plus(Record::Quota.retention().period);
        let count = Change::of("ADD #counted :one SET #ttl = :ttl")
            .name("#ttl", "ttl")
            .value(":one", table::number(1))
            .value(":ttl", table::number(ttl.as_second()));
        let is_left = Condition::vacant_or("attribute_not_exists(#counted) OR #counted < :max")
            .name("#counted", attribute)
            .value(":max", table::number(max));
        Self { key: table::identity_key(&format!("{QUOTA}{day}#{}", identity.as_str())), count, is_left }
    }
}
