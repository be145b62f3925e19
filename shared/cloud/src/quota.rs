//! Limits how many uploads and deletion requests a user may make in a day or in a few minutes. The counts are in the
//! `identities` table, which has no backups. Their key is the hash of the identity, not the subject. So a count
//! outlives the account: a new account after an erasure continues with the old count.

use domain::limits::{DELETION_REQUESTS_PER_DAY_MAX, UPLOAD_SLOT, UPLOADS_PER_DAY_MAX, UPLOADS_PER_SLOT_MAX};
use domain::retention::Record;
use domain::{IdentityHash, UnixSeconds};

use crate::table::{self, Item};
use crate::write::{Change, Condition, Vacant};

/// The prefix of a count's key in the `identities` table.
pub(crate) const QUOTA: &str = "QUOTA#";

/// What is counted per day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Uploads,
    DeletionRequests,
}

impl Counted {
    /// Returns the attribute that holds the count, and the highest count allowed.
    fn attribute(self) -> (&'static str, u32) {
        match self {
            Self::Uploads => ("uploads", UPLOADS_PER_DAY_MAX),
            Self::DeletionRequests => ("deletion_requests", DELETION_REQUESTS_PER_DAY_MAX),
        }
    }
}

/// The write that counts one more, if the limit is not reached. DynamoDB's TTL deletes the row.
pub(crate) struct Quota {
    pub(crate) key: Item,
    pub(crate) count: Change,
    pub(crate) is_left: Condition<Vacant>,
}

impl Quota {
    /// Returns the quota of this identity on the day (UTC) of `now`.
    pub(crate) fn of_day(identity: &IdentityHash, counted: Counted, now: UnixSeconds) -> Self {
        let (attribute, max) = counted.attribute();
        let ttl = now.plus(Record::Quota.retention().period);
        Self::of(&now.to_rfc3339()[..10], identity, (attribute, max), ttl)
    }

    /// Returns the quota of this identity's upload URLs in the slot of `now`.
    pub(crate) fn of_slot(identity: &IdentityHash, now: UnixSeconds) -> Self {
        let start = slot_start(now);
        Self::of(&start.to_rfc3339(), identity, ("urls", UPLOADS_PER_SLOT_MAX), start.plus(UPLOAD_SLOT))
    }

    fn of(time: &str, identity: &IdentityHash, (attribute, max): (&str, u32), ttl: UnixSeconds) -> Self {
        let count = Change::of("ADD #counted :one SET #ttl = :ttl")
            .name("#ttl", "ttl")
            .value(":one", table::number(1))
            .value(":ttl", table::number(ttl.as_second()));
        let is_left = Condition::vacant_or("attribute_not_exists(#counted) OR #counted < :max")
            .name("#counted", attribute)
            .value(":max", table::number(max));
        Self { key: table::identity_key(&format!("{QUOTA}{time}#{}", identity.as_str())), count, is_left }
    }
}

/// Returns the start of the slot that contains `now`.
pub(crate) fn slot_start(now: UnixSeconds) -> UnixSeconds {
    let (now, slot) = (now.as_second(), UPLOAD_SLOT.as_secs());
    UnixSeconds::from_second(now - now.rem_euclid(slot))
}
