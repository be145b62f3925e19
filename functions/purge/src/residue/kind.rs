//! What residue is called, in the metric and in the cursor, and how much there was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What can be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A photo past its bound and the sweep that should have come.
    Photo,
    /// An object under no key of ours.
    StrayObject,
    /// An upload in parts that was never ended; none is ever begun by us.
    MultipartUpload,
    /// A picture or thumbnail that no row names.
    Picture,
    /// The row of a work that is past its time.
    Work,
    /// The favorite of a vanished work.
    Favorite,
    /// A row that DynamoDB should have removed.
    LapsedRow,
    /// A row of a subject that has no gate.
    UngatedRow,
    /// The gate of a subject to whom no identity leads.
    UnknownSubject,
    /// An identity that leads to a subject without a gate.
    UngatedIdentity,
    /// The word that somebody was erased, past its time.
    Tombstone,
    /// Who somebody was whose erasure no longer needs it.
    Person,
    /// A request for an erasure that has been open for two days.
    OverdueRequest,
    /// A request past its period.
    LapsedRequest,
    /// Whose a request was, though no backup is left to be cleared.
    Reach,
    /// A log group that keeps its lines for longer than was promised.
    EndlessLog,
    /// A log group with lines that should be gone.
    OldLog,
    /// A row that is none of ours or cannot be read, so that nothing takes it away.
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

/// How much of each kind was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Found(BTreeMap<Kind, u64>);

impl Found {
    /// Counts one.
    pub(crate) fn add(&mut self, kind: Kind) {
        self.add_all(kind, 1);
    }

    /// Counts some, or none.
    pub(crate) fn add_all(&mut self, kind: Kind, count: usize) {
        if count > 0 {
            *self.0.entry(kind).or_default() += count as u64;
        }
    }

    /// Counts all that was found elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(*kind).or_default() += count;
        }
    }

    /// How much of this kind.
    pub(crate) fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// How much of all kinds.
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
