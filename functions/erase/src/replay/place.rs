//! The cursor of a replay: how far it has come. The cursor identifies nobody, because it counts tables in segments
//! and the works bucket in shards.

use cloud::PictureShard;
use serde::{Deserialize, Serialize};

use super::SEGMENTS_AT_ONCE;

/// The number of segments of a table. A step scans eight of them. In a table of 10,000,000 works a segment holds
/// 156,000.
pub(super) const SEGMENTS: u16 = 64;

/// The next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Place {
    /// Reapply the erasures of these segments of their table, starting with this one.
    Erasures { segment: u16 },
    /// Delete outdated contacts in these segments of the copy, starting with this one.
    Contacts { segment: u16 },
    /// Compare the copy's works with the shards `from` up to but not including `to` of the works bucket, starting
    /// with this segment of the copy. Without `to` the window ends where it is full.
    Works { from: u16, to: Option<u16>, segment: u16 },
}

impl Default for Place {
    fn default() -> Self {
        Self::Erasures { segment: 0 }
    }
}

impl Place {
    /// Returns the step that follows this one; `None` after the last.
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

    /// Returns the text of the cursor.
    pub(super) fn note(self) -> String {
        // Names and numbers always serialise. If they did not, the replay would start from the beginning.
        serde_json::to_string(&self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_visits_every_segment_of_every_window_and_ends() {
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
    fn a_cursor_of_another_version_is_not_read() {
        for note in ["", "works", r#"{"step":"attic","segment":1}"#] {
            assert_eq!(Place::read(note), None, "{note}");
        }
    }
}
