//! Residue in the records. The scan collects a subject's rows one after the other, and judges a partition when the
//! next begins. A partition may come in two pieces. So the scan reads missing rows from the table before it counts
//! anything.

use std::collections::HashSet;

use cloud::{CloudError, RecordRow, Segment, SubjectRow};
use domain::FavoriteTarget;

use super::kind::{Found, Kind};
use super::live::Live;
use super::partition::Partition;
use super::{OVERDUE_AFTER, Residue, Scan, TTL_AFTER};

impl Residue<'_> {
    /// Scans one segment. Its findings count once the segment is complete; otherwise it is scanned again.
    pub(super) async fn records(
        &self,
        segment: Segment,
        live: &Live,
        found: &mut Found,
    ) -> Result<Scan, CloudError> {
        let (mut here, mut partition) = (Found::default(), None);
        let read = async |start| self.inspection.records(segment, start).await;
        let scan = self.scan_pages(read, async |rows| {
            for row in rows {
                self.record(row, &mut partition, live, &mut here).await?;
            }
            Ok(())
        });
        if scan.await? == Scan::Partial {
            return Ok(Scan::Partial);
        }
        if let Some(last) = partition {
            self.judge(&last, live, &mut here).await?;
        }
        found.merge(&here);
        Ok(Scan::Complete)
    }

    async fn record(
        &self,
        row: RecordRow,
        partition: &mut Option<Partition>,
        live: &Live,
        found: &mut Found,
    ) -> Result<(), CloudError> {
        let (subject, key, row) = match row {
            RecordRow::Cursor => return Ok(()),
            RecordRow::Unreadable => {
                found.add(Kind::UnreadableRow);
                return Ok(());
            }
            RecordRow::Subject(subject, key, row) => (subject, key, row),
        };
        if let Some(before) = partition.take_if(|partition| partition.subject != subject) {
            self.judge(&before, live, found).await?;
        }
        let partition = partition.get_or_insert_with(|| Partition::of(subject));
        if let SubjectRow::Gate { created_at } = row {
            partition.gated_at = Some(created_at);
            return Ok(());
        }
        match row {
            SubjectRow::Work(work) => {
                partition.add_work(work.id);
                if self.is_past(work.due_at(), OVERDUE_AFTER) {
                    found.add(Kind::Work);
                }
            }
            SubjectRow::Favorite(target) => partition.add_favorite(key.clone(), &target),
            SubjectRow::Expiring { ttl } if self.is_past(ttl, TTL_AFTER) => found.add(Kind::LapsedRow),
            SubjectRow::Expiring { .. } | SubjectRow::Gate { .. } => {}
            SubjectRow::Unreadable => found.add(Kind::UnreadableRow),
        }
        partition.rows.push(key);
        Ok(())
    }

    /// Counts a subject's rows that lack their counterpart.
    async fn judge(&self, partition: &Partition, live: &Live, found: &mut Found) -> Result<(), CloudError> {
        let Some(gated_at) = partition.gated_at else {
            return self.judge_ungated(partition, found).await;
        };
        // A subject that was created during the scan of the identities may be missing in the set, so a young gate
        // does not count. An erasure in the meantime removes identity and gate together.
        let is_settled = gated_at.plus(OVERDUE_AFTER) <= live.since;
        if is_settled && live.knows(partition.subject) == Some(false) {
            found.add(Kind::UnknownSubject);
        }
        self.judge_favorites(partition, found).await
    }

    /// Counts rows of a subject without an account gate. Nobody can write there any more, and nothing would delete
    /// them.
    async fn judge_ungated(&self, partition: &Partition, found: &mut Found) -> Result<(), CloudError> {
        let subject = partition.subject;
        if self.inspection.with_gate(HashSet::from([subject])).await?.contains(&subject) {
            return Ok(());
        }
        let rows = partition.rows.iter().map(|key| (subject, key.clone())).collect();
        found.add_all(Kind::UngatedRow, self.inspection.existing(rows).await?.len());
        Ok(())
    }

    /// Deletes and counts the favorites of works that are gone. One write deletes a work and its favorite, and nobody
    /// can mark the work afterwards. So such a favorite is the result of a fault. It is visible to nobody, and only
    /// the erasure of the whole account would delete it.
    async fn judge_favorites(&self, partition: &Partition, found: &mut Found) -> Result<(), CloudError> {
        let (subject, without_work) = (partition.subject, partition.favorites_without_work());
        let works =
            self.inspection.works(without_work.iter().map(|(_, work)| (subject, *work)).collect()).await?;
        let works: HashSet<_> = works.into_iter().map(|work| work.id).collect();
        let of_gone_works = without_work.into_iter().filter(|(_, work)| !works.contains(work));
        let (keys, targets): (Vec<_>, Vec<_>) =
            of_gone_works.map(|(key, work)| ((subject, key), FavoriteTarget::Work(work))).unzip();
        found.add_all(Kind::Favorite, self.inspection.existing(keys).await?.len());
        for target in targets {
            self.favorites.delete(subject, &target).await?;
        }
        Ok(())
    }
}
