//! Residue among the identities.

use cloud::{CloudError, Identity, IdentityRow, Segment};
use domain::limits::UPLOAD_SLOT;
use domain::{ErasureState, RequestId, UnixSeconds};

use super::kind::{Found, Kind};
use super::{OVERDUE_AFTER, Residue, Scan, TTL_AFTER};

impl Residue<'_> {
    /// Scans one segment. Its findings count once the segment is complete.
    pub(super) async fn identities(&self, segment: Segment, found: &mut Found) -> Result<Scan, CloudError> {
        let mut here = Found::default();
        let read = async |start| self.inspection.identities(segment, start).await;
        let scan = self.scan_pages(read, async |rows| self.judge_identities(&rows, &mut here).await).await?;
        if scan == Scan::Complete {
            found.merge(&here);
        }
        Ok(scan)
    }

    async fn judge_identities(&self, rows: &[IdentityRow], found: &mut Found) -> Result<(), CloudError> {
        let subjects = rows.iter().filter_map(|row| match row.kind {
            Identity::Subject(subject) => Some(subject),
            _ => None,
        });
        let with_gate = self.inspection.with_gate(subjects.collect()).await?;
        for IdentityRow { key, kind } in rows {
            match kind {
                Identity::Subject(subject) if with_gate.contains(subject) => {}
                // One write creates identity and gate, and one write removes both. So if the identity still exists,
                // its gate is missing.
                Identity::Subject(_) => {
                    let is_there = self.inspection.identity(key).await? == Some(*kind);
                    found.add_all(Kind::UngatedIdentity, usize::from(is_there));
                }
                Identity::Tombstone { ttl } if self.is_past(*ttl, TTL_AFTER) => found.add(Kind::Tombstone),
                Identity::Count { ttl } if self.is_past(*ttl, TTL_AFTER) => found.add(Kind::LapsedRow),
                Identity::Requester(request) => {
                    let is_needed = self.needs_requester(*request).await?;
                    let is_there = !is_needed && self.inspection.identity(key).await? == Some(*kind);
                    found.add_all(Kind::Person, usize::from(is_there));
                }
                Identity::Secret { slot } if self.is_past(slot_end(*slot), OVERDUE_AFTER) => {
                    found.add(Kind::LapsedRow);
                }
                Identity::Tombstone { .. } | Identity::Count { .. } | Identity::Secret { .. } => {}
                Identity::Unreadable => found.add(Kind::UnreadableRow),
            }
        }
        Ok(())
    }

    /// Tells whether a request still needs its requester. It does until everything is deleted.
    async fn needs_requester(&self, request: RequestId) -> Result<bool, CloudError> {
        let erasure = self.erasures.load(request).await?;
        Ok(erasure.is_some_and(|erasure| matches!(erasure.state, ErasureState::Hidden { .. })))
    }
}

/// Returns the end of a slot, when its secret should be replaced or deleted.
fn slot_end(slot: i64) -> UnixSeconds {
    UnixSeconds::from_second(slot.saturating_add(1).saturating_mul(UPLOAD_SLOT.as_secs()))
}
