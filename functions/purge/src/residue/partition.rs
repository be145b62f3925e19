//! One subject's rows as collected during the scan. They show which rows lack their counterpart: a gate, or the work
//! of a favorite.

use std::collections::HashSet;

use domain::{FavoriteTarget, SubjectId, UnixSeconds, WorkId};

/// The rows of one subject, as far as the scan has read them.
pub(super) struct Partition {
    pub(super) subject: SubjectId,
    /// When the gate was created, if the scan has seen one.
    pub(super) gated_at: Option<UnixSeconds>,
    /// The sort keys of all other rows.
    pub(super) rows: Vec<String>,
    works: HashSet<WorkId>,
    favorites: Vec<(String, WorkId)>,
}

impl Partition {
    pub(super) fn of(subject: SubjectId) -> Self {
        let (works, favorites) = (HashSet::new(), Vec::new());
        Self { subject, gated_at: None, rows: Vec::new(), works, favorites }
    }

    /// Adds a work's row.
    pub(super) fn add_work(&mut self, work: WorkId) {
        self.works.insert(work);
    }

    /// Adds a favorite's row.
    pub(super) fn add_favorite(&mut self, key: String, target: &FavoriteTarget) {
        if let FavoriteTarget::Work(work) = target {
            self.favorites.push((key, *work));
        }
    }

    /// Returns the favorites of works whose rows the scan has not seen, with their sort keys.
    pub(super) fn favorites_without_work(&self) -> Vec<(String, WorkId)> {
        let without_work = self.favorites.iter().filter(|(_, work)| !self.works.contains(work));
        without_work.cloned().collect()
    }
}
