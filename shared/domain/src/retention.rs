//! How long each kind of record is kept, and why: one table, from which the code and the documentation read.

use jiff::SignedDuration;

use crate::limits;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A kind of record that has a period of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// The uploaded photo.
    Photo,
    /// A finished work: its objects and the row that names them.
    Work,
    /// A work that failed, with the rounded measured value that explains the refusal.
    FailedWork,
    /// The row that makes a repeated upload request answer with the same work.
    Idempotency,
    /// The row that counts a day's uploads.
    Quota,
}

/// A period and the reason for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long the record is kept at most. A work's is the default; the deployment may set another.
    pub period: SignedDuration,
    /// Why that long, for the documentation.
    pub reason: &'static str,
}

impl Record {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Photo, Self::Work, Self::FailedWork, Self::Idempotency, Self::Quota];

    /// How long this kind is kept.
    pub const fn retention(self) -> Retention {
        match self {
            Self::Photo => Retention {
                period: limits::PHOTO_AGE_MAX,
                reason: "deleted when its synthesis ends; this bounds what a crash can leave behind",
            },
            Self::Work => Retention {
                period: SignedDuration::from_hours(24 * 30),
                reason: "long enough to come back for it, short enough to keep the promise of a temporary store",
            },
            Self::FailedWork => {
                Retention { period: DAY, reason: "so that the app can tell the user what to change" }
            }
            Self::Idempotency => Retention { period: DAY, reason: "an app retries within minutes, not days" },
            Self::Quota => {
                Retention { period: DAY.saturating_mul(2), reason: "the day it counts, in any time zone" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_goes_long_before_anything_else() {
        for record in Record::ALL {
            let retention = record.retention();
            assert!(retention.period > SignedDuration::ZERO && !retention.reason.is_empty());
            if record != Record::Photo {
                assert!(retention.period >= DAY, "{record:?}");
            }
        }
        assert!(Record::Photo.retention().period <= SignedDuration::from_mins(15));
    }
}
