//! Residue in the buckets of photos and works.

use std::collections::{HashMap, HashSet};

use cloud::{CloudError, ListedObject, ListedObjects, Photos};
use domain::limits::{LEASE, PHOTO_AGE_MAX, SYNTHESIZE_TIMEOUT};
use domain::{PhotoKey, SubjectId, UnixSeconds, Work, WorkId, WorkObjectKey, WorkState};
use jiff::SignedDuration;

use super::kind::{Found, Kind};
use super::progress::cut;
use super::{OVERDUE_AFTER, Residue, Scan};

/// Time between two sweeps.
const SWEEP_INTERVAL: SignedDuration = SignedDuration::from_mins(5);

/// How long a photo, or a part of one, may exist: its age limit plus the time until the next sweep.
const PHOTO_GRACE: SignedDuration =
    SignedDuration::from_secs(PHOTO_AGE_MAX.as_secs() + SWEEP_INTERVAL.as_secs());

/// How long an object that no row names may exist: until its worker's lease has expired and a sweep has run.
const PICTURE_GRACE: SignedDuration =
    SignedDuration::from_secs(LEASE.as_secs() + SYNTHESIZE_TIMEOUT.as_secs() + SWEEP_INTERVAL.as_secs());

impl Residue<'_> {
    /// Scans the uploads bucket. Everything there is a photo of a work or a foreign object, and neither may stay.
    pub(super) async fn uploads(
        &self,
        after: &mut Option<String>,
        found: &mut Found,
    ) -> Result<Scan, CloudError> {
        let photos = &self.work_stores.photos;
        if after.is_none() {
            let begun_before = self.now().plus(-PHOTO_GRACE);
            found.add_all(Kind::MultipartUpload, photos.incomplete_uploads(begun_before).await?);
        }
        loop {
            let page = photos.page_of_all(after.as_deref()).await?;
            let past = page.objects.iter().filter(|object| self.is_past(object.stored_at, PHOTO_GRACE));
            for kind in past.filter_map(upload_kind) {
                found.add(kind);
            }
            if let Some(scan) = self.turn_page(page.next, after) {
                return Ok(scan);
            }
        }
    }

    /// Scans the works bucket. For every object, the row of its work must name it, and its subject must exist.
    pub(super) async fn works(
        &self,
        after: &mut Option<String>,
        found: &mut Found,
    ) -> Result<Scan, CloudError> {
        let pictures = &self.work_stores.pictures;
        if after.is_none() {
            let begun_before = self.now().plus(-PHOTO_GRACE);
            found.add_all(Kind::MultipartUpload, pictures.incomplete_uploads(begun_before).await?);
        }
        loop {
            let page = pictures.page_of_all(after.as_deref()).await?;
            let next = page.next.clone();
            self.judge_pictures(page, found).await?;
            if let Some(scan) = self.turn_page(next, after) {
                return Ok(scan);
            }
        }
    }

    async fn judge_pictures(&self, page: ListedObjects, found: &mut Found) -> Result<(), CloudError> {
        let settled = page.objects.into_iter().filter(|object| self.is_past(object.stored_at, PICTURE_GRACE));
        let mut keys = Vec::new();
        for object in settled {
            match object.key.parse::<WorkObjectKey>() {
                Ok(key) => keys.push(key),
                Err(_other_form) => found.add(Kind::StrayObject),
            }
        }
        let named = keys.iter().map(|key| (key.subject, key.work)).collect();
        let rows = self.inspection.works(named).await?;
        let rows: HashMap<(SubjectId, WorkId), Work> =
            rows.into_iter().map(|work| ((work.subject, work.id), work)).collect();
        let with_gate = self.inspection.with_gate(keys.iter().map(|key| key.subject).collect()).await?;
        let strays: HashSet<_> = keys
            .into_iter()
            .filter(|key| {
                let row = rows.get(&(key.subject, key.work));
                !with_gate.contains(&key.subject)
                    || !row.is_some_and(|work| names(work, key.attempt, self.now()))
            })
            .map(|key| key.to_string())
            .collect();
        found.add_all(Kind::Picture, self.count_existing(strays).await?);
        Ok(())
    }

    /// Counts which of these objects still exist: works may have been deleted after the page was listed.
    async fn count_existing(&self, keys: HashSet<String>) -> Result<usize, CloudError> {
        let mut count = 0;
        for key in keys {
            count += usize::from(self.work_stores.pictures.exists(&key).await?);
        }
        Ok(count)
    }

    /// Continues after the key `next`. Returns how far the scan came if this was the last page or the time is up.
    fn turn_page(&self, next: Option<String>, after: &mut Option<String>) -> Option<Scan> {
        let Some(last) = next else { return Some(Scan::Complete) };
        if self.is_over() {
            *after = Some(cut(&last));
            return Some(Scan::Partial);
        }
        *after = Some(last);
        None
    }
}

/// Returns what kind of residue an object of the uploads bucket is; `None` for an object that belongs there.
fn upload_kind(object: &ListedObject) -> Option<Kind> {
    let is_photo = object.key.parse::<PhotoKey>().is_ok() && object.bytes > 0;
    match (is_photo, object.key.as_str(), object.bytes) {
        (true, ..) => Some(Kind::Photo),
        (false, Photos::EMPTY_OBJECT, 0) => None,
        // This includes a marker that the sweep has not deleted. It holds no data of a photo.
        (false, ..) => Some(Kind::StrayObject),
    }
}

/// Tells whether this row names the objects of this attempt and may still have objects.
fn names(work: &Work, attempt: u32, now: UnixSeconds) -> bool {
    let has_objects = match work.state {
        WorkState::AwaitingUpload { .. } | WorkState::Failed { .. } => false,
        WorkState::Processing { .. } | WorkState::Ready { .. } => true,
        WorkState::Deleting { settled_at, .. } => now < settled_at.plus(OVERDUE_AFTER),
    };
    has_objects && attempt <= work.attempt()
}
