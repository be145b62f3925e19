//! The cursor of a residue check: how far it has come. The cursor identifies nobody, because keys are cut and tables
//! are counted in segments.

use domain::WorkObjectKey;
use serde::{Deserialize, Serialize};

use super::kind::Found;

/// The number of segments of a table. A segment must fit into one run: in a table of 100 GB it has 1.6 GB.
pub(super) const SEGMENTS: u16 = 64;

/// How many characters of an object's key the cursor keeps. Of the subject's 26 characters these are 4 in the works
/// bucket and 2 in the uploads bucket. They are too few to identify anybody, and enough that few objects are counted
/// twice.
const KEY_CHARS: usize = WorkObjectKey::PREFIX.len() + 4;

/// How far a check has come, and what it has found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) place: Place,
    pub(super) found: Found,
}

/// The next place to scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub(super) enum Place {
    /// The uploads bucket, after this key.
    Uploads { after: Option<String> },
    /// The works bucket, after this key.
    Works { after: Option<String> },
    /// The records.
    Records { segment: u16 },
    /// The identities.
    Identities { segment: u16 },
    /// The requests for erasures.
    Erasures { segment: u16 },
    /// The log groups.
    Logs,
}

impl Default for Place {
    fn default() -> Self {
        Self::Uploads { after: None }
    }
}

impl Place {
    /// Returns the place after this one; `None` for the last.
    pub(super) fn next(&self) -> Option<Self> {
        let more = |segment: u16| Some(segment + 1).filter(|next| *next < SEGMENTS);
        match *self {
            Self::Uploads { .. } => Some(Self::Works { after: None }),
            Self::Works { .. } => Some(Self::Records { segment: 0 }),
            Self::Records { segment } => Some(
                more(segment).map_or(Self::Identities { segment: 0 }, |segment| Self::Records { segment }),
            ),
            Self::Identities { segment } => Some(
                more(segment).map_or(Self::Erasures { segment: 0 }, |segment| Self::Identities { segment }),
            ),
            Self::Erasures { segment } => {
                Some(more(segment).map_or(Self::Logs, |segment| Self::Erasures { segment }))
            }
            Self::Logs => None,
        }
    }

    /// Tells whether the scan of this store has not begun.
    pub(super) fn is_beginning(&self) -> bool {
        match self {
            Self::Uploads { after } | Self::Works { after } => after.is_none(),
            Self::Records { segment } | Self::Identities { segment } | Self::Erasures { segment } => {
                *segment == 0
            }
            Self::Logs => true,
        }
    }
}

impl Progress {
    /// Reads the cursor; `None` when it cannot be read.
    pub(super) fn read(note: &str) -> Option<Self> {
        serde_json::from_str(note).ok()
    }

    /// Returns the text of the cursor.
    pub(super) fn note(&self) -> String {
        // Maps with names for keys and numbers always serialise. If they did not, the check would start from the
        // beginning.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Cuts the key up to which objects were scanned, so that it identifies nobody. Keys with the same beginning are
/// scanned again.
pub(super) fn cut(key: &str) -> String {
    key.chars().take(KEY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;

    #[test]
    fn a_check_visits_every_place_and_ends() {
        let mut place = Some(Place::default());
        let (mut places, mut beginnings) = (0, 0);
        while let Some(now) = place {
            let mut progress = Progress { place: now.clone(), found: Found::default() };
            progress.found.add(Kind::Photo);
            assert_eq!(Progress::read(&progress.note()), Some(progress));
            places += 1;
            beginnings += usize::from(now.is_beginning());
            place = now.next();
        }
        assert_eq!((places, beginnings), (3 + 3 * usize::from(SEGMENTS), 6));
    }

    #[test]
    fn a_cursor_of_another_version_is_not_read() {
        for note in ["", "uploads/01AR", r#"{"place":{"in":"attic"},"found":{}}"#] {
            assert_eq!(Progress::read(note), None, "{note}");
        }
    }

    #[test]
    fn a_cut_key_names_nobody_and_passes_no_key_over() {
        for key in ["uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV/x", "works/01ARZ3NDEKTSV4RRFFQ69G5FAV/x", "ü/ü"] {
            let cut = cut(key);
            assert!(cut.as_str() <= key && key.starts_with(&cut), "{cut}");
            assert!(cut.len() <= "works/01AR".len(), "{cut}");
        }
    }
}
