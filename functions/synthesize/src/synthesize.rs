//! The life of a photo, from its arrival to its deletion. Read from top to bottom.
//!
//! The photo is deleted on every way out but two: it is left to another worker who is at it, and an error goes back to
//! Lambda, which tries again within minutes and hands what it gives up to `purge`, which deletes it then.

use cloud::{CloudError, FetchedPhoto, Replaced, WorkStores, lease_token, random_bits};
use domain::limits::PHOTO_BYTES_MAX;
use domain::{Admission, Failure, Picture, ReasonCode, UnixSeconds, Work, WorkObject, WorkState};
use fitting::mark::Mark;
use fitting::{FitOptions, Fitted, FittingError, Models, Outcome, Report};
use jiff::{SignedDuration, Timestamp};
use lambda::{Metric, Metrics, Unit};

use crate::event::ArrivedPhoto;
use crate::template_cache::TemplateCache;

/// The metric that the template's alarm is on.
const UNPROCESSED: &str = "photos_deleted_unprocessed";

/// Makes works of photos.
pub(crate) struct Synthesize {
    pub(crate) work_stores: WorkStores,
    pub(crate) templates: TemplateCache,
    pub(crate) models: Models,
    pub(crate) storage_key: String,
    pub(crate) work_period: SignedDuration,
    pub(crate) visible_label: bool,
    pub(crate) metrics: Metrics,
    pub(crate) clock: fn() -> Timestamp,
}

/// How it ended, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The work can be fetched.
    Published,
    /// No work came of the photo, and the record says why.
    Failed(ReasonCode),
    /// Another worker is at it; it deletes the photo.
    LeftToAnother,
    /// There was nothing to do but to delete the photo: the work has ended, or there is none.
    OnlyDeleted,
}

/// What sends the event back to Lambda.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SynthesisError {
    /// A store failed; another try may succeed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// Models or template are broken. The work has failed already; the error is to be seen.
    #[error(transparent)]
    Fitting(#[from] FittingError),
}

impl Synthesize {
    /// Makes the work that `photo` was sent for, on behalf of the Lambda request `request`.
    ///
    /// # Errors
    /// When it is to be tried again.
    pub(crate) async fn run(&self, photo: &ArrivedPhoto, request: &str) -> Result<Ending, SynthesisError> {
        let works = &self.work_stores.works;
        let Some(work) = works.load(photo.key.subject, photo.key.work).await? else {
            return self.only_delete(photo).await;
        };
        let claimed = match work.claim(self.now(), lease_token()?, request) {
            Admission::Claim(claimed) => *claimed,
            Admission::Busy => return Ok(Ending::LeftToAnother),
            Admission::Finished => return self.only_delete(photo).await,
            Admission::Exhausted => return self.give_up(photo, &work).await,
        };
        match works.replace(&work, &claimed).await? {
            Replaced::Stored => {}
            Replaced::Superseded => return Ok(Ending::LeftToAnother),
            Replaced::Closed => return self.only_delete(photo).await,
        }
        // A worker that died may have stored its picture; nobody publishes that any more.
        self.work_stores.pictures.delete(&claimed, claimed.attempt() - 1).await?;
        let ending = match self.fit(photo, &claimed).await {
            Ok(Ok(fitted)) => self.publish(&claimed, fitted).await?,
            Ok(Err(failure)) => self.fail(&claimed, failure).await?,
            Err(SynthesisError::Cloud(error)) => return Err(error.into()),
            Err(broken @ SynthesisError::Fitting(_)) => {
                let ending = self.fail(&claimed, Failure::of(ReasonCode::InternalError)).await?;
                self.delete_unless_left(photo, ending).await?;
                return Err(broken);
            }
        };
        self.delete_unless_left(photo, ending).await?;
        Ok(ending)
    }

    /// Fetches photo and template and fits the one onto the other. The photo's bytes live no longer than this.
    async fn fit(
        &self,
        photo: &ArrivedPhoto,
        work: &Work,
    ) -> Result<Result<Fitted, Failure>, SynthesisError> {
        let bytes = match self.work_stores.photos.fetch(photo.key, &photo.etag, PHOTO_BYTES_MAX).await? {
            FetchedPhoto::Found(bytes) if is_the_one_admitted(work, photo) => bytes,
            FetchedPhoto::Found(_) | FetchedPhoto::Gone => {
                return Ok(Err(Failure::of(ReasonCode::InternalError)));
            }
        };
        let template = self.templates.prepared(&work.template).await?;
        let mark = Mark { id: format!("{:032x}", random_bits()?), created: (self.clock)() };
        let options = FitOptions { visible_label: self.visible_label, ..FitOptions::new(mark) };
        let Report { outcome, ignored_profile } =
            fitting::fit_observed(&self.models, &template, &bytes, &options, &mut |_| {})?;
        if let Some(fault) = ignored_profile {
            tracing::info!(fault = fault.as_str(), "photo's colour profile ignored");
        }
        match outcome {
            Outcome::Fitted(fitted) => Ok(Ok(fitted)),
            Outcome::Refused(refusal) => Ok(Err(match refusal.figures() {
                Some((measured, threshold)) => {
                    Failure::measured(refusal.reason, f64::from(measured), f64::from(threshold))
                }
                None => Failure::of(refusal.reason),
            })),
        }
    }

    /// Stores the picture, which the record names already, and then says so. Whoever has lost the work in the
    /// meantime (its user deleted it, say) takes its own picture away again.
    async fn publish(&self, work: &Work, fitted: Fitted) -> Result<Ending, SynthesisError> {
        let picture = Picture {
            width: u32::try_from(fitted.width).unwrap_or(u32::MAX),
            height: u32::try_from(fitted.height).unwrap_or(u32::MAX),
            bytes: fitted.image.len() as u64,
        };
        let pictures = &self.work_stores.pictures;
        for (object, jpeg) in [(WorkObject::Picture, fitted.image), (WorkObject::Thumbnail, fitted.thumbnail)]
        {
            pictures.put(work.object_key(work.attempt(), object), jpeg, &self.storage_key).await?;
        }
        let published = work.published(picture, self.now(), self.work_period);
        match self.work_stores.works.replace(work, &published).await? {
            Replaced::Stored => Ok(Ending::Published),
            lost => {
                pictures.delete(work, work.attempt()).await?;
                self.lost(work, lost).await
            }
        }
    }

    async fn fail(&self, work: &Work, failure: Failure) -> Result<Ending, SynthesisError> {
        let failed = work.failed(failure, self.now());
        match self.work_stores.works.replace(work, &failed).await? {
            Replaced::Stored => Ok(Ending::Failed(failure.reason)),
            lost => self.lost(work, lost).await,
        }
    }

    /// How it ends for a worker whose outcome was not stored: its user has deleted the work or all there is, or another
    /// worker has reclaimed it, who needs the photo.
    async fn lost(&self, work: &Work, lost: Replaced) -> Result<Ending, SynthesisError> {
        let now = match lost {
            Replaced::Superseded => self.work_stores.works.load(work.subject, work.id).await?,
            Replaced::Closed | Replaced::Stored => None,
        };
        let reclaimed = now.is_some_and(|work| work.is_held_by_another(self.now(), None));
        Ok(if reclaimed { Ending::LeftToAnother } else { Ending::OnlyDeleted })
    }

    async fn delete_unless_left(&self, photo: &ArrivedPhoto, ending: Ending) -> Result<(), SynthesisError> {
        if ending == Ending::LeftToAnother { Ok(()) } else { self.delete(photo).await }
    }

    async fn give_up(&self, photo: &ArrivedPhoto, work: &Work) -> Result<Ending, SynthesisError> {
        self.work_stores.abandon(work, Failure::of(ReasonCode::InternalError), self.now()).await?;
        self.delete(photo).await?;
        Ok(Ending::Failed(ReasonCode::InternalError))
    }

    async fn only_delete(&self, photo: &ArrivedPhoto) -> Result<Ending, SynthesisError> {
        self.delete(photo).await?;
        Ok(Ending::OnlyDeleted)
    }

    /// Deletes the photo in such a way that its URL brings no other.
    async fn delete(&self, photo: &ArrivedPhoto) -> Result<(), SynthesisError> {
        Ok(self.work_stores.photos.spend(photo.key, self.now()).await?)
    }

    /// Counts a photo that was deleted without being looked at. Few are in order; many are somebody who sends photos
    /// that nobody asked for, and each takes a place of those that fit.
    pub(crate) fn count_unprocessed(&self) {
        let metric = Metric { name: UNPROCESSED, unit: Unit::Count, value: 1 };
        self.metrics.emit(None, &[metric], self.now());
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds::of((self.clock)())
    }
}

/// S3 held the upload to the admitted size; an event that says otherwise is about something else.
fn is_the_one_admitted(work: &Work, photo: &ArrivedPhoto) -> bool {
    matches!(&work.state, WorkState::Processing { photo: admitted, .. } if admitted.bytes == photo.bytes)
}
