//! The life of an erasure after it was asked for. Read from top to bottom.
//!
//! Every step may be done twice, by two processes at once, and may end anywhere: what is stored goes before the row
//! that names it, the state is stored after what it says was done, and what is due stays due until then.

use cloud::{
    Addresses, CloudError, Connection, WorkStores, Erasures, Favorites, IdentityProvider, Partitions,
    ReceiptKeys, Replaced,
};
use domain::receipt::Receipt;
use domain::{Erasure, ErasureScope, ErasureStep, Reach, RequestId, UnixSeconds};
use jiff::SignedDuration;
use lambda::{Metric, Metrics, Unit};

use crate::delete::{Budget, Deleted, Progress};

/// The metric that the template's alarm is on: what was left of somebody whose receipt says that nothing was.
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
    /// Who issues receipts.
    pub(crate) service: String,
    /// How long an upload URL works at most.
    pub(crate) upload_window: SignedDuration,
    /// How long a run may go on; what is left over stays due.
    pub(crate) budget: SignedDuration,
    pub(crate) clock: fn() -> UnixSeconds,
}

/// Why an erasure does not go on; it stays due.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    /// A store or the identity provider failed; another try may succeed.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// A step was done, and the request is where it was: its row and the identity do not fit each other, which a
    /// restored table can bring about. Somebody must look at it.
    #[error("an erasure does not advance")]
    Stuck,
}

impl Erase {
    /// Does whatever is due about one request, step after step, until the budget is used up; how it stands afterwards.
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
                ErasureStep::LookAgain(reach) => {
                    if self.look_again(&erasure, reach, budget).await? == Progress::Partial {
                        return Ok(Some(erasure));
                    }
                }
                ErasureStep::Forget(reach) => {
                    if self.look_once_more(&erasure, reach, budget).await? == Progress::Partial {
                        return Ok(Some(erasure));
                    }
                    self.erasures.forget_contact(reach.subject, request).await?;
                    self.erasures.replace(&erasure, &erasure.forgotten()).await?;
                }
                ErasureStep::Remove => self.erasures.remove(&erasure).await?,
            }
        }
    }

    /// Deletes everything in reach, which nobody sees any more and nobody can write to. What there is no time for stays
    /// due, and the next run goes on with it.
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
        // Without a person, another process has come to the end of this.
        let Some(person) = self.erasures.person(erasure.id).await? else { return Ok(Progress::Complete) };
        self.identity_provider.account_erased(&person).await?;
        // Superseded means the same, or else the erasure is stuck.
        let forgotten = self.erasures.forget_person(&erasure, &erased, reach.subject, &person, now).await;
        forgotten.map(|_either| Progress::Complete)
    }

    /// Notes until when workers hold any of it, before the rows that tell so are deleted: no lease begins after the
    /// gate has closed. `None` when another process has gone on in the meantime.
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
        Ok((replaced == Replaced::Stored).then_some(noted))
    }

    /// Looks for what somebody may have stored who began before it was hidden. What is found is deleted, and looked for
    /// once more; a look that finds nothing is the last, and is certified.
    async fn look_again(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Progress, CloudError> {
        let Deleted { found, progress } = self.delete(erasure, reach, budget).await?;
        let now = (self.clock)();
        if found > 0 {
            tracing::warn!(found, "found by the second look and deleted");
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

    /// Looks a last time before it is forgotten where to look. An upload that began before its URL ran out may take any
    /// time and end after the verification. `synthesize` deletes its photo at once, since no row names it, and `purge` does
    /// when that fails; what both have missed is deleted here.
    async fn look_once_more(
        &self,
        erasure: &Erasure,
        reach: Reach,
        budget: Budget,
    ) -> Result<Progress, CloudError> {
        let Deleted { found, progress } = self.delete(erasure, reach, budget).await?;
        if found > 0 {
            tracing::error!(found, "found after the receipt and deleted");
            let found = Metric { name: FOUND_AFTER_RECEIPT, unit: Unit::Count, value: found as u64 };
            self.metrics.emit(None, &[found], (self.clock)());
        }
        Ok(progress)
    }
}
