//! What a person may do in a day or in a few minutes, counted by the hash of their identity: in the table without backups, beside the link to
//! the subject and not behind it. So the count outlives the account: who is erased and starts anew goes on with it.

use domain::limits::{DELETION_REQUESTS_PER_DAY_MAX, UPLOAD_SLOT, UPLOADS_PER_DAY_MAX, UPLOADS_PER_SLOT_MAX};
use domain::retention::Record;
use domain::{IdentityHash, UnixSeconds};

use crate::table::{self, Item};
use crate::write::{Change, Condition, Vacant};

/// The prefix of the key in the `identities` table under which counts lie.
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

/// Counts one more, if there are fewer than allowed. DynamoDB's TTL deletes the row.
pub(crate) struct Quota {
    pub(crate) key: Item,
    pub(crate) count: Change,
    pub(crate) is_left: Condition<Vacant>,
}

impl Quota {
    /// The quota of this identity on the day (UTC) of `now`.
    pub(crate) fn of_day(identity: &IdentityHash, counted: Counted, now: UnixSeconds) -> Self {
        let (attribute, max) = counted.attribute();
        let ttl = now.plus(Record::Quota.retention().period);
        Self::of(&now.to_rfc3339()[..10], identity, (attribute, max), ttl)
    }

    /// The quota of this identity's upload URLs in the slot of `now`.
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

/// When the slot that `now` falls in began.
pub(crate) fn slot_start(now: UnixSeconds) -> UnixSeconds {
    let (now, slot) = (now.as_second(), UPLOAD_SLOT.as_secs());
    UnixSeconds::from_second(now - now.rem_euclid(slot))
}
