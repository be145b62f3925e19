//! How long each kind of record is kept, and why. The code and the README use this one table.

use jiff::SignedDuration;

use crate::limits;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A kind of record with a period of its own.
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
    /// The row that counts a user's uploads and deletion requests of a day.
    Quota,
    /// A line of a log.
    LogLine,
    /// The point-in-time backup of a row of the records table.
    Backup,
    /// A request for an erasure, its states and its receipt.
    Erasure,
    /// The tombstone of an erased identity.
    Tombstone,
}

/// A period and the reason for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long the record is kept at most. For works it is the default; the deployment may set another.
    pub period: SignedDuration,
    /// The reason, for the documentation.
    pub reason: &'static str,
}

/// A kind of record that is kept until an event, not for a fixed period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptWith {
    /// What is kept.
    pub what: &'static str,
    /// The event until which it is kept.
    pub until: &'static str,
    /// The reason, for the documentation.
    pub reason: &'static str,
}

/// The kinds of record without a fixed period.
pub const KEPT_WITH: [KeptWith; 3] = [
    KeptWith {
        what: "A favorite",
        until: "it is removed, or its work is deleted",
        reason: "it is the user's own note",
    },
    KeptWith {
        what: "How many uploads a network address asked for, under a keyed hash of it",
        until: "the key is replaced, every 10 minutes; DynamoDB removes the bare count within days",
        reason: "so that one address cannot use up the capacity of all users; the address itself is not stored",
    },
    KeptWith {
        what: "The link from a person to a subject with the subject's wrapped key, and the subject's gate",
        until: "the account is erased",
        reason: "without it nothing could be found again; the link and the key have no backups",
    },
];

impl Record {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Photo,
        Self::Work,
        Self::FailedWork,
        Self::Idempotency,
        Self::Quota,
        Self::LogLine,
        Self::Backup,
        Self::Erasure,
        Self::Tombstone,
    ];

    /// Returns the kind as the documentation describes it.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Photo => "An uploaded photo",
            Self::Work => "A work: picture, thumbnail and row",
            Self::FailedWork => {
                "A failed work, with the rounded value that a refused photo missed a threshold by"
            }
            Self::Idempotency => "Which work an `Idempotency-Key` made",
            Self::Quota => {
                "The counts of a day's uploads and deletion requests and of ten minutes' upload URLs, under a hash of \
                             issuer and `sub`"
            }
            Self::LogLine => "A log line; it names nobody",
            Self::Backup => {
                "The backup of a row, refused photos' rounded values and the checksums of photos on \
                             their way included"
            }
            Self::Erasure => {
                "A request for an erasure, with its states and its receipt; the subject and the contact are deleted \
                 with the last backup, a week after it is done"
            }
            Self::Tombstone => {
                "That an account was erased, and when: a hash of issuer and `sub`, and nothing else"
            }
        }
    }

    /// Returns how long this kind is kept, and why.
    pub const fn retention(self) -> Retention {
        match self {
            Self::Photo => Retention {
                period: limits::PHOTO_AGE_MAX,
                reason: "deleted when its synthesis ends; this bounds what a crash can leave behind, and the next \
                         sweep comes within 5 minutes",
            },
            Self::Work => Retention {
                period: SignedDuration::from_hours(24 * 30),
                reason: "long enough to come back for it, short enough to keep the promise of a temporary store; \
                         the deployment may set another",
            },
            Self::FailedWork => {
                Retention { period: DAY, reason: "so that the app can tell the user what to change" }
            }
            Self::Idempotency => Retention {
                period: DAY,
                reason: "an app retries within minutes, not days; past it the row counts for nothing, and \
                         DynamoDB may take days to remove it",
            },
            Self::Quota => Retention {
                period: DAY.saturating_mul(2),
                reason: "the day it counts, in any time zone; a new account after an erasure continues with the old count; \
                         after that the row no longer counts",
            },
            Self::LogLine => Retention {
                period: SignedDuration::from_hours(24 * 30),
                reason: "to find out what went wrong; the deployment may set less",
            },
            Self::Backup => Retention {
                period: SignedDuration::from_hours(24 * 7),
                reason: "to undo an operator's mistake in the records; photos, pictures and identities have no backup",
            },
            Self::Erasure => Retention {
                period: DAY.saturating_mul(2 * 365),
                reason: "24 months is how long records of such requests must be kept (California Code of Regulations, \
                         title 11, section 7101)",
            },
            Self::Tombstone => Retention {
                period: DAY.saturating_mul(30),
                reason: "so that a token that is still valid does not bring the account back; a new account before \
                         that needs an explicit request with a token from after the erasure",
            },
        }
    }
}

/// Returns the table as the README shows it.
pub fn markdown() -> String {
    let mut table = "| what | is kept at most | why |\n|---|---|---|\n".to_owned();
    for record in Record::ALL {
        let Retention { period, reason } = record.retention();
        table.push_str(&format!("| {} | {} | {reason} |\n", record.what(), in_words(period)));
    }
    for KeptWith { what, until, reason } in KEPT_WITH {
        table.push_str(&format!("| {what} | until {until} | {reason} |\n"));
    }
    table
}

fn in_words(period: SignedDuration) -> String {
    match (period.as_hours() / 24, period.as_mins()) {
        (0, minutes) => format!("{minutes} minutes"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `REGENERATE=1 cargo test -p domain readme` writes the block in the README.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a switch for developers who run the tests")]
    fn the_readme_shows_this_table() {
        const START: &str = "<!-- retention: generated from shared/domain/src/retention.rs -->\n";
        const END: &str = "<!-- /retention -->";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(path).expect("README.md");
        let (before, rest) = readme.split_once(START).expect("the block's start");
        let (shown, after) = rest.split_once(END).expect("the block's end");
        if std::env::var_os("REGENERATE").is_some() {
            std::fs::write(path, format!("{before}{START}{}{END}{after}", markdown())).expect("written");
        } else {
            assert_eq!(
                shown,
                markdown(),
                "the README is stale; run: REGENERATE=1 cargo test -p domain readme"
            );
        }
    }

    #[test]
    fn a_photo_has_by_far_the_shortest_period() {
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
