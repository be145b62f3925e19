//! The set of existing pictures, for as many subjects as fit into memory. It lists the works bucket page by page,
//! because a check of each picture would take one request per work.

use std::collections::HashSet;

use cloud::{CloudError, PictureShard, Pictures};
use domain::WorkObjectKey;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::delete::Budget;

/// How many pictures are kept at once, not counting the last shards: a hash set of 2²¹ buckets of 17 bytes, 36 MB.
const PICTURES_MAX: usize = 1_700_000;

/// How many shards are listed at once.
const SHARDS_AT_ONCE: u16 = 16;

/// The pictures of the subjects in some shards.
pub(super) struct Window {
    /// The first shard.
    pub(super) from: u16,
    /// The one after the last.
    pub(super) to: u16,
    pictures: HashSet<u128>,
}

impl Window {
    /// Lists the shards from `from` up to but not including `to`. Without `to` it stops when the set is full or half
    /// of the time is over.
    pub(super) async fn list(
        all: &Pictures,
        from: u16,
        to: Option<u16>,
        budget: Budget,
    ) -> Result<Self, CloudError> {
        let half = budget.half();
        let end = to.unwrap_or(PictureShard::COUNT).min(PictureShard::COUNT);
        let mut window = Self { from, to: from, pictures: HashSet::new() };
        while window.to < end {
            let is_full = window.pictures.len() >= PICTURES_MAX || half.is_over();
            if to.is_none() && window.to > from && is_full {
                break;
            }
            let next = end.min(window.to.saturating_add(SHARDS_AT_ONCE));
            let shards = (window.to..next).filter_map(PictureShard::of).map(|shard| all.shard(shard));
            let mut listed = stream::iter(shards).buffer_unordered(usize::from(SHARDS_AT_ONCE));
            while let Some(pictures) = listed.try_next().await? {
                window.pictures.extend(pictures.iter().map(fingerprint));
            }
            window.to = next;
        }
        Ok(window)
    }

    /// Tells whether this picture belongs to the window and does not exist.
    pub(super) fn lacks(&self, picture: &WorkObjectKey) -> bool {
        let shard = PictureShard::of_subject(picture.subject).number();
        (self.from..self.to).contains(&shard) && !self.pictures.contains(&fingerprint(picture))
    }
}

/// Returns 128 bits that stand for a key of 37 bytes. A subject's bits are random, so two keys collide only by
/// chance: once in 10²⁵ among a million.
fn fingerprint(picture: &WorkObjectKey) -> u128 {
    let work = picture.work.to_bits().rotate_left(48).wrapping_add(u128::from(picture.attempt) << 120);
    picture.subject.to_bits() ^ work
}

#[cfg(test)]
mod tests {
    use domain::{SubjectId, WorkId, WorkObject};
    use jiff::Timestamp;

    use super::*;

    fn key(subject: u128, work: u128, attempt: u32) -> WorkObjectKey {
        let (subject, work) = (SubjectId::from_random(subject), WorkId::new(Timestamp::UNIX_EPOCH, work));
        WorkObjectKey { subject, work, attempt, object: WorkObject::Picture }
    }

    #[test]
    fn only_a_picture_of_the_window_can_be_missing() {
        let there = key(5, 7, 1);
        let window = Window { from: 0, to: 1, pictures: HashSet::from([fingerprint(&there)]) };
        assert!(!window.lacks(&there));
        assert!(window.lacks(&key(5, 7, 2)) && window.lacks(&key(5, 8, 1)) && window.lacks(&key(6, 7, 1)));
        // A subject of the second shard.
        assert!(!window.lacks(&key((1 << 120) + 5, 7, 1)));
    }
}
