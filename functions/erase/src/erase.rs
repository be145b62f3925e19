//! Carries out an erasure after the request. Read from top to bottom.
//!
//! Every step is idempotent, may run in two processes at once, and may stop anywhere. It deletes an object before the
//! row that names it. It stores a new state only after it has done what that state claims. Until then the item stays
//! due.

use cloud::{
    Addresses, CloudError, Connection, Erasures, Favorites, IdentityProvider, Partitions, ReceiptKeys,
    ReplaceOutcome, WorkStores,
};
use domain::receipt::Receipt;
use domain::{Erasure, ErasureScope, ErasureStep, Reach, RequestId, UnixSeconds};
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

use crate::delete::{Budget, Deleted, Progress};

/// The metric that counts data found after the receipt certified that nothing was left. An alarm watches it.
const FOUND_AFTER_RECEIPT: &str = "found_after_receipt";

/// Carries out erasures.
pub(crate) struct Erase {
    pub(crate) connection: Connection,
    pub(crate) addresses: Addresses,
    pub(crate) erasures: Erasures,
    pub(crate) work_stores: WorkStores,
    pub(crate) favorites: Favorites,
    pub(crate) partitions: Partitions,
    pub(crate) identity_provider: IdentityProvider,
    pub(crate) receipt_keys: ReceiptKeys,
    pub(crate) metrics: Metrics,
    /// The issuer of receipts.
    pub(crate) service: String,
    /// How long an upload URL works, at most.
    pub(crate) upload_window: SignedDuration,
    /// How long a run may take. Unfinished items stay due.
    pub(crate) budget: SignedDuration,
    pub(crate) clock: fn() -> UnixSeconds,
}

/// Why an erasure cannot advance. It stays due.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    /// A store or the identity provider failed. A retry may succeed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A step was done, but the request did not advance. Its row and the identity contradict each other, which a
    /// restored table can cause. An operator must fix it.
    #[error(
        "an erasure does not advance and is not complete: its row and the identity contradict each other; check \
         whether a table was restored"
    )]
    Stuck,
}

impl Erase {
    /// Carries out the due steps of one request, one after the other, within the budget. Returns the request's state
    /// afterwards; `None` when the request no longer exists.
    pub(crate) async fn advance(
        &self,
        request: RequestId,
        budget: Budget,
    ) -> Result<Option<Erasure>, EraseError> {
        let mut before = None;
        loop {
            let Some(erasure) = self.erasures.load(request).await? else { return Ok(None) };
            if before.as_ref() == Some(&erasure) {
                return Err(EraseError::Stuck);
            }
            before = Some(erasure.clone());
            match erasure.step((self.clock)()) {
                ErasureStep::Wait => return Ok(Some(erasure)),
                ErasureStep::Erase(reach) => {
                    if self.erase(&erasure, reach, budget).await? == Progress::Partial {
                        return Ok(Some(erasure));
                    }
                }
                ErasureStep::VerifyPass(reach) => {
                    if self.verify_pass(&erasure, reach, budget).await? == Progress::Partial {
                        return Ok(Some(erasure));
                    }
                }
                ErasureStep::Forget(reach) => {
                    if self.final_check(&erasure, reach, budget).await? == Progress::Partial {
                        return Ok(Some(erasure));
                    }
                    self.erasures.forget_contact(reach.subject, request).await?;
                    self.erasures.replace(&erasure, &erasure.forgotten()).await?;
                }
                ErasureStep::Remove => self.erasures.remove(&erasure).await?,
            }
        }
    }

    /// The first pass: deletes everything in reach, which nobody can see or write to any more. If time runs out, the
    /// rest stays due for the next run.
    async fn erase(&self, erasure: &Erasure, reach: Reach, budget: Budget) -> Result<Progress, CloudError> {
        let noted = self.note_leases(erasure, reach).await?;
        let Some(erasure) = noted else { return Ok(Progress::Complete) };
        if self.delete(&erasure, reach, budget).await?.progress == Progress::Partial {
            return Ok(Progress::Partial);
        }
        let now = (self.clock)();
        let erased = erasure.erased(now, self.upload_window);
        if erasure.scope != ErasureScope::Account {
            return self.erasures.replace(&erasure, &erased).await.map(|_either| Progress::Complete);
        }
        // Without the requester's row, another process has already finished this step.
        let Some(requester) = self.erasures.requester_identity(erasure.id).await? else {
            return Ok(Progress::Complete);
        };
        self.identity_provider.account_erased(&requester).await?;
        // Superseded also means that another process has finished this step. If not, the next loop reports it as
        // stuck.
        let forgotten =
            self.erasures.forget_requester(&erasure, &erased, reach.subject, &requester, now).await;
        forgotten.map(|_either| Progress::Complete)
    }

    /// Stores until when workers hold leases, before the rows with the leases are deleted. No lease begins after the
    /// account gate has closed. Returns `None` when another process has advanced the request.
    async fn note_leases(&self, erasure: &Erasure, reach: Reach) -> Result<Option<Erasure>, CloudError> {
        if erasure.scope == ErasureScope::Favorites {
            return Ok(Some(erasure.clone()));
        }
        let Some(until) = self.partitions.load(reach.subject).await?.leased_until else {
            return Ok(Some(erasure.clone()));
        };
        let noted = erasure.leased(until);
        if noted == *erasure {
            return Ok(Some(noted));
        }
        let replaced = self.erasures.replace(erasure, &noted).await?;
        Ok((replaced == ReplaceOutcome::Stored).then_some(noted))
    }

    /// The verify pass: checks for data that was stored by workers and uploads that began before the hiding. It
    /// deletes what it finds, and another pass follows. A pass that finds nothing is the last, and the receipt
    /// certifies it.
    async fn verify_pass(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Progress, CloudError> {
        let Deleted { found, progress } = self.delete(erasure, reach, budget).await?;
        let now = (self.clock)();
        if found > 0 {
            tracing::warn!(found, "verify pass found and deleted data; another pass follows");
            let again = erasure.found_more(now, self.upload_window);
            return self.erasures.replace(erasure, &again).await.map(|_either| Progress::Complete);
        }
        let times = erasure.verification(now).filter(|_times| progress == Progress::Complete);
        let Some(times) = times else { return Ok(progress) };
        let receipt = self
            .receipt_keys
            .sign(&Receipt {
                issuer: self.service.clone(),
                issued_at: now,
                request_id: erasure.id,
                scope: erasure.scope,
                requester: erasure.requester.clone(),
                received_at: erasure.received_at,
                hidden_at: times.hidden_at,
                erased_at: times.erased_at,
                verified_at: times.verified_at,
                unrecoverable_at: times.unrecoverable_at,
            })
            .await?;
        let verified = erasure.verified(times, receipt);
        self.erasures.replace(erasure, &verified).await.map(|_either| Progress::Complete)
    }

    /// Checks a last time before the subject's id is deleted from the request. An upload that began before its URL
    /// expired may end after the verification. `synthesize` deletes such a photo at once, because no row names it. If
    /// that fails, `purge` deletes it. This check deletes what both have missed.
    async fn final_check(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Progress, CloudError> {
        let Deleted { found, progress } = self.delete(erasure, reach, budget).await?;
        if found > 0 {
            tracing::error!(found, "erased data found after the receipt and deleted");
            let found = Metric { name: FOUND_AFTER_RECEIPT, unit: Unit::Count, value: found as u64 };
            self.metrics.emit(None, &[found], (self.clock)());
        }
        Ok(progress)
    }
}
