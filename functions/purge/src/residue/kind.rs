//! The kinds of residue, as the metric and the cursor name them, and their counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A kind of residue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A photo past its limit and the next sweep.
    Photo,
    /// An object under a key of another form.
    StrayObject,
    /// A multipart upload that was never completed. No client of ours begins one.
    MultipartUpload,
    /// A picture or thumbnail that no row names.
    Picture,
    /// The row of a work that is past its time.
    Work,
    /// The favorite of a work that is gone.
    Favorite,
    /// A row that DynamoDB's TTL should have deleted.
    LapsedRow,
    /// A row of a subject that has no gate.
    UngatedRow,
    /// The gate of a subject that no identity leads to.
    UnknownSubject,
    /// An identity that leads to a subject without a gate.
    UngatedIdentity,
    /// A tombstone past its time.
    Tombstone,
    /// The requester of an erasure that no longer needs one.
    Person,
    /// A request for an erasure that has been open for two days.
    OverdueRequest,
    /// A request past its period.
    LapsedRequest,
    /// The subject of a request, although no backup is left to be cleared.
    Reach,
    /// A log group that keeps its lines for longer than promised.
    EndlessLog,
    /// A log group with lines past their time.
    OldLog,
    /// A row of another form, or one that cannot be read, so that nothing deletes it.
    UnreadableRow,
}

impl Kind {
    /// Every kind.
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

    /// The kind as the metric's dimension spells it.
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
    /// Counts one.
    pub(crate) fn add(&mut self, kind: Kind) {
        self.add_all(kind, 1);
    }

    /// Adds a count.
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

    /// The count of this kind.
    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// The count of all kinds.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_spelt_alike_in_metric_and_cursor() {
        let mut found = Found::default();
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("serialises"), kind.as_str());
            found.add(kind);
        }
        assert_eq!(found.total(), Kind::ALL.len() as u64, "no kind is listed twice");
    }
}
