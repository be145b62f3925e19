//! The set of subjects that still have an identity, read once per run. The table of identities has no index by
//! subject, on purpose. A subject takes 16 bytes, and the set holds as many as fit into memory.

use std::collections::HashSet;

use cloud::{CloudError, Identity, Segment};
use domain::{SubjectId, UnixSeconds};

use super::{Residue, Scan};

/// How many subjects are kept at once: a hash set of 2²¹ buckets of 17 bytes, 36 MB of the function's 256.
const SUBJECTS_MAX: usize = 1_800_000;

/// The seconds of a day. Each day checks another share of the subjects.
const DAY_SECONDS: i64 = 86_400;

/// The subjects of the day's share that an identity leads to.
pub(super) struct Live {
    subjects: HashSet<SubjectId>,
    share: Share,
    /// When the scan began. The set lacks subjects that were created later.
    pub(super) since: UnixSeconds,
}

/// One of `of` equal shares of all subjects. A subject's random bits decide its share.
#[derive(Debug, Clone, Copy)]
struct Share {
    number: u128,
    of: u128,
}

impl Share {
    fn holds(self, subject: SubjectId) -> bool {
        subject.to_bits() % self.of == self.number
    }
}

impl Live {
    fn new(since: UnixSeconds) -> Self {
        Self { subjects: HashSet::new(), share: Share { number: 0, of: 1 }, since }
    }

    /// Tells whether an identity leads to this subject; `None` when it belongs to another day's share.
    pub(super) fn knows(&self, subject: SubjectId) -> Option<bool> {
        self.share.holds(subject).then(|| self.subjects.contains(&subject))
    }

    /// Adds a subject. When the set exceeds `room`, the share is halved.
    fn add(&mut self, subject: SubjectId, room: usize) {
        if !self.share.holds(subject) {
            return;
        }
        self.subjects.insert(subject);
        while self.subjects.len() > room {
            let of = self.share.of * 2;
            let day = u128::try_from(self.since.as_second() / DAY_SECONDS).unwrap_or(0);
            self.share = Share { number: day % of, of };
            self.subjects.retain(|subject| self.share.holds(*subject));
        }
    }
}

impl Residue<'_> {
    /// Scans the identities; `None` when time runs out.
    pub(super) async fn live(&self) -> Result<Option<Live>, CloudError> {
        let mut live = Live::new(self.now());
        let all = Segment { number: 0, of: 1 };
        let read = async |start| self.inspection.identities(all, start).await;
        let scan = self.scan_pages(read, async |rows| {
            for row in rows {
                if let Identity::Subject(subject) = row.kind {
                    live.add(subject, SUBJECTS_MAX);
                }
            }
            Ok(())
        });
        Ok((scan.await? == Scan::Complete).then_some(live))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_that_do_not_fit_are_checked_on_other_days() {
        let subjects: Vec<_> = (0..1_000).map(SubjectId::from_random).collect();
        let mut known: HashSet<&SubjectId> = HashSet::new();
        for day in 0..8 {
            let mut live = Live::new(UnixSeconds::from_second(day * DAY_SECONDS));
            subjects.iter().for_each(|subject| live.add(*subject, 200));
            assert!(live.subjects.len() <= 200);
            // The set knows every subject of the day's share, and no other.
            assert!(subjects.iter().all(|subject| live.knows(*subject) != Some(false)));
            assert!((2_000..2_100).all(|bits| live.knows(SubjectId::from_random(bits)) != Some(true)));
            known.extend(subjects.iter().filter(|subject| live.knows(**subject) == Some(true)));
        }
        assert_eq!(known.len(), subjects.len(), "every subject was checked on some day");
    }
}
