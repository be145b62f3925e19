//! The kinds of residue and their counts. The metric and the cursor use these names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A kind of residue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A photo that is still there after its age limit and the next sweep.
    Photo,
    /// An object under a key of another form.
    StrayObject,
    /// A multipart upload that was never completed. No client of this service begins one.
    MultipartUpload,
    /// A picture or thumbnail that no row names.
    Picture,
    /// The row of a work whose due time has passed.
    Work,
    /// The favorite of a work that is gone.
    Favorite,
    /// A row that DynamoDB's TTL should have deleted.
    LapsedRow,
    /// A row of a subject that has no account gate.
    UngatedRow,
    /// The account gate of a subject that no identity leads to.
    UnknownSubject,
    /// An identity that leads to a subject without an account gate.
    UngatedIdentity,
    /// A tombstone past its period.
    Tombstone,
    /// The requester's row of an erasure that no longer needs it.
    Person,
    /// A request for an erasure that has been open for two days.
    OverdueRequest,
    /// A request past its period.
    LapsedRequest,
    /// A request that still holds its subject's id although all backups have expired.
    Reach,
    /// A log group whose retention is longer than promised.
    EndlessLog,
    /// A log group with lines past their period.
    OldLog,
    /// A row of another form, or one that cannot be read, so that nothing deletes it.
    UnreadableRow,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 18] = [
        Self::Photo,
        Self::StrayObject,
        Self::MultipartUpload,
        Self::Picture,
        Self::Work,
        Self::Favorite,
        Self::LapsedRow,
        Self::UngatedRow,
        Self::UnknownSubject,
        Self::UngatedIdentity,
        Self::Tombstone,
        Self::Person,
        Self::OverdueRequest,
        Self::LapsedRequest,
        Self::Reach,
        Self::EndlessLog,
        Self::OldLog,
        Self::UnreadableRow,
    ];

    /// Returns the kind as the metric's dimension spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::StrayObject => "stray_object",
            Self::MultipartUpload => "multipart_upload",
            Self::Picture => "picture",
            Self::Work => "work",
            Self::Favorite => "favorite",
            Self::LapsedRow => "lapsed_row",
            Self::UngatedRow => "ungated_row",
            Self::UnknownSubject => "unknown_subject",
            Self::UngatedIdentity => "ungated_identity",
            Self::Tombstone => "tombstone",
            Self::Person => "person",
            Self::OverdueRequest => "overdue_request",
            Self::LapsedRequest => "lapsed_request",
            Self::Reach => "reach",
            Self::EndlessLog => "endless_log",
            Self::OldLog => "old_log",
            Self::UnreadableRow => "unreadable_row",
        }
    }
}

/// The count of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Found(BTreeMap<Kind, u64>);

impl Found {
    /// Adds one to a kind's count.
    pub(crate) fn add(&mut self, kind: Kind) {
        self.add_all(kind, 1);
    }

    /// Adds `count` to a kind's count.
    pub(crate) fn add_all(&mut self, kind: Kind, count: usize) {
        if count > 0 {
            *self.0.entry(kind).or_default() += count as u64;
        }
    }

    /// Adds the counts of another scan.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }

    /// Returns the count of this kind.
    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// Returns the sum of all counts.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_and_cursor_spell_a_kind_the_same() {
        let mut found = Found::default();
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("serialises"), kind.as_str());
            found.add(kind);
        }
        assert_eq!(found.total(), Kind::ALL.len() as u64, "no kind is listed twice");
    }
}
