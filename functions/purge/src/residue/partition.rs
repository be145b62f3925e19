//! One subject's rows as collected during the scan: enough to tell which of them lack their other half.

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
    pub(super) fn work(&mut self, work: WorkId) {
        self.works.insert(work);
    }

    /// Adds a favorite's row.
    pub(super) fn favorite(&mut self, key: String, target: &FavoriteTarget) {
        if let FavoriteTarget::Work(work) = target {
            self.favorites.push((key, *work));
        }
    }

    /// The favorites of works whose rows the scan has not seen, with their sort keys.
    pub(super) fn lone_favorites(&self) -> Vec<(String, WorkId)> {
        let lone = self.favorites.iter().filter(|(_, work)| !self.works.contains(work));
        lone.cloned().collect()
    }
}
