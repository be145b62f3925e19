//! Residue among the requests for erasures: overdue requests, and data that was kept for too long.

use cloud::{CloudError, Segment};
use domain::retention::Record;
use domain::{Erasure, ErasureState};
use jiff::SignedDuration;

use super::kind::{Found, Kind};
use super::{OVERDUE_AFTER, Residue, Scan};

/// How long a request may keep its subject's id after the last backup has expired. `erase` sweeps every minute.
const REACH_AFTER: SignedDuration = SignedDuration::from_hours(24);

impl Residue<'_> {
    /// Scans one segment. Its findings count once the segment is complete.
    pub(super) async fn requests(&self, segment: Segment, found: &mut Found) -> Result<Scan, CloudError> {
        let mut here = Found::default();
        let read = async |start| self.inspection.erasures(segment, start).await;
        let scan = self.scan_pages(read, async |rows| {
            for request in rows {
                match request {
                    Some(erasure) => self.judge_request(&erasure, &mut here),
                    None => here.add(Kind::UnreadableRow),
                }
            }
            Ok(())
        });
        let scan = scan.await?;
        if scan == Scan::Complete {
            found.merge(&here);
        }
        Ok(scan)
    }

    fn judge_request(&self, erasure: &Erasure, found: &mut Found) {
        let ends = erasure.received_at.plus(Record::Erasure.retention().period);
        if erasure.is_overdue(self.now()) {
            found.add(Kind::OverdueRequest);
        }
        if self.is_past(ends, OVERDUE_AFTER) {
            found.add(Kind::LapsedRequest);
        }
        if let ErasureState::Verified { reach: Some(_), times, .. } = &erasure.state
            && self.is_past(times.unrecoverable_at, REACH_AFTER)
        {
            found.add(Kind::Reach);
        }
    }
}
