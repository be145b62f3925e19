//! How far a replay has come, as its cursor stores it. The cursor names nobody: it counts tables in segments and the
//! works bucket in shards.

use cloud::PictureShard;
use serde::{Deserialize, Serialize};

use super::SEGMENTS_AT_ONCE;

/// Segments of a table. A step scans eight of them: of a table of 10,000,000 works, a segment is 156,000.
pub(super) const SEGMENTS: u16 = 64;

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Place {
    /// Clear the copy of the erasures from this segment of their table on.
    Erasures { segment: u16 },
    /// Remove forgotten contacts from this segment of the copy on.
    Contacts { segment: u16 },
    /// Look in the works bucket for the works of the shards `from` up to but not including `to`, from this segment of
    /// the copy on. Without `to` the window ends where it is full.
    Works { from: u16, to: Option<u16>, segment: u16 },
}

impl Default for Place {
    fn default() -> Self {
        Self::Erasures { segment: 0 }
    }
}

impl Place {
    /// The step after the next few segments; `None` when these are the last.
    pub(super) fn next(self) -> Option<Self> {
        let more = |segment: u16| Some(segment + SEGMENTS_AT_ONCE).filter(|next| *next < SEGMENTS);
        match self {
            Self::Erasures { segment } => Some(
                more(segment).map_or(Self::Contacts { segment: 0 }, |segment| Self::Erasures { segment }),
            ),
            Self::Contacts { segment } => {
                let works = Self::Works { from: 0, to: None, segment: 0 };
                Some(more(segment).map_or(works, |segment| Self::Contacts { segment }))
            }
            Self::Works { from, to, segment } => match (more(segment), to) {
                (Some(segment), _) => Some(Self::Works { from, to, segment }),
                (None, Some(to)) if to < PictureShard::COUNT => {
                    Some(Self::Works { from: to, to: None, segment: 0 })
                }
                (None, _) => None,
            },
        }
    }

    /// Reads the cursor; `None` when another version wrote it.
    pub(super) fn read(note: &str) -> Option<Self> {
        serde_json::from_str(note).ok()
    }

    /// The text of the cursor.
    pub(super) fn note(self) -> String {
        // Names and numbers always serialise. If they did not, the replay would start anew.
        serde_json::to_string(&self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_comes_by_every_segment_of_every_window_and_ends() {
        let mut place = Some(Place::default());
        let mut seen = Vec::new();
        while let Some(here) = place {
            // Windows of 100 shards.
            let here = match here {
                Place::Works { from, to: None, segment } => {
                    Place::Works { from, to: Some((from + 100).min(PictureShard::COUNT)), segment }
                }
                other => other,
            };
            assert_eq!(Place::read(&here.note()), Some(here));
            seen.push(here);
            place = here.next();
        }
        let steps = usize::from(SEGMENTS / SEGMENTS_AT_ONCE);
        assert_eq!(seen.len(), (2 + 3) * steps, "two tables, and the copy once a window");
        assert_eq!(seen.last(), Some(&Place::Works { from: 200, to: Some(256), segment: 56 }));
    }

    #[test]
    fn a_note_of_another_version_is_not_read() {
        for note in ["", "works", r#"{"step":"attic","segment":1}"#] {
            assert_eq!(Place::read(note), None, "{note}");
        }
    }
}
