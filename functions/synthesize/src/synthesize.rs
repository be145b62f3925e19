//! Processes one photo, from its arrival to its deletion. Read from top to bottom.
//!
//! Every path deletes the photo, with two exceptions. If another worker holds the work, that worker deletes the
//! photo. If an error goes back to Lambda, Lambda retries within minutes; after the last retry it sends the event to
//! `purge`, which deletes the photo.

use cloud::{FetchedPhoto, ReplaceOutcome, WorkStores, lease_token, random_bits};
use domain::limits::PHOTO_BYTES_MAX;
use domain::{Admission, Failure, Picture, ReasonCode, UnixSeconds, Work, WorkObject, WorkState};
use fitting::mark::Mark;
use fitting::{FitOptions, Fitted, Models, Outcome, Report};
use jiff::{SignedDuration, Timestamp};
use lambda::{Metric, Metrics, Unit};

use crate::error::SynthesisError;
use crate::photo::ArrivedPhoto;
use crate::template_cache::TemplateCache;

/// The metric that counts photos deleted without being processed. An alarm in the SAM template watches it.
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

/// How the processing of a photo ended. The log holds the variant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The work is ready and can be fetched.
    Published,
    /// The work failed, and its row says why.
    Failed(ReasonCode),
    /// Another worker holds the work; it deletes the photo.
    LeftToAnother,
    /// The photo was only deleted, because its work has ended or does not exist.
    OnlyDeleted,
}

/// How the fit of one photo ended.
enum FitOutcome {
    /// A work was made, but not stored yet.
    Fitted(Fitted),
    /// The work has failed.
    Failed(Failure),
}

impl Synthesize {
    /// Makes the work of `photo`. `request` is the id of the Lambda request.
    ///
    /// # Errors
    /// When Lambda must try again.
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
            ReplaceOutcome::Stored => {}
            ReplaceOutcome::Superseded => return Ok(Ending::LeftToAnother),
            ReplaceOutcome::Closed => return self.only_delete(photo).await,
        }
        // A worker that died may have stored objects under the previous attempt; nobody will publish them.
        self.work_stores.pictures.delete(&claimed, claimed.attempt() - 1).await?;
        let ending = match self.fit(photo, &claimed).await {
            Ok(FitOutcome::Fitted(fitted)) => self.publish(&claimed, fitted).await?,
            Ok(FitOutcome::Failed(failure)) => self.fail(&claimed, failure).await?,
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

    /// Fetches the photo and the template and fits the photo onto the template. The photo's bytes are dropped at its
    /// end.
    async fn fit(&self, photo: &ArrivedPhoto, work: &Work) -> Result<FitOutcome, SynthesisError> {
        let bytes = match self.work_stores.photos.fetch(photo.key, &photo.etag, PHOTO_BYTES_MAX).await? {
            FetchedPhoto::Found(bytes) if has_admitted_size(work, photo) => bytes,
            FetchedPhoto::Found(_) | FetchedPhoto::Gone => {
                return Ok(FitOutcome::Failed(Failure::of(ReasonCode::InternalError)));
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
            Outcome::Fitted(fitted) => Ok(FitOutcome::Fitted(fitted)),
            Outcome::Refused(refusal) => Ok(FitOutcome::Failed(match refusal.figures() {
                Some((measured, threshold)) => {
                    Failure::measured(refusal.reason, f64::from(measured), f64::from(threshold))
                }
                None => Failure::of(refusal.reason),
            })),
        }
    }

    /// Stores the work's objects, which the row already names, and then marks the work ready. If this worker has lost
    /// the work in the meantime (for example because the user deleted it), it deletes its own objects again.
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
            ReplaceOutcome::Stored => Ok(Ending::Published),
            lost => {
                pictures.delete(work, work.attempt()).await?;
                self.lost(work, lost).await
            }
        }
    }

    async fn fail(&self, work: &Work, failure: Failure) -> Result<Ending, SynthesisError> {
        let failed = work.failed(failure, self.now());
        match self.work_stores.works.replace(work, &failed).await? {
            ReplaceOutcome::Stored => Ok(Ending::Failed(failure.reason)),
            lost => self.lost(work, lost).await,
        }
    }

    /// Returns the ending for a worker whose outcome was not stored. Either the user deleted the work or is erasing
    /// it, or another worker has reclaimed the work and needs the photo.
    async fn lost(&self, work: &Work, lost: ReplaceOutcome) -> Result<Ending, SynthesisError> {
        let now = match lost {
            ReplaceOutcome::Superseded => self.work_stores.works.load(work.subject, work.id).await?,
            ReplaceOutcome::Closed | ReplaceOutcome::Stored => None,
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

    /// Deletes the photo so that its upload URL accepts no other photo.
    async fn delete(&self, photo: &ArrivedPhoto) -> Result<(), SynthesisError> {
        Ok(self.work_stores.photos.spend(photo.key, self.now()).await?)
    }

    /// Counts an object that was deleted without being processed. A few are normal. Many mean that somebody sends
    /// photos that no user asked for; each takes capacity from real photos.
    pub(crate) fn count_unprocessed(&self) {
        let metric = Metric { name: UNPROCESSED, unit: Unit::Count, value: 1 };
        self.metrics.emit(None, &[metric], self.now());
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds::of((self.clock)())
    }
}

/// Tells whether the photo has the admitted size. S3 enforces that size on the upload, so an event with another size
/// is about another object.
fn has_admitted_size(work: &Work, photo: &ArrivedPhoto) -> bool {
    matches!(&work.state, WorkState::Processing { photo: admitted, .. } if admitted.bytes == photo.bytes)
}
