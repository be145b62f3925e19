//! The life of an erasure after it was asked for. Read from top to bottom.
//!
//! Every step may be done twice, by two processes at once, and may end anywhere: what is stored goes before the row
//! that names it, the state is stored after what it says was done, and what is due stays due until then.

use cloud::{
    CloudError, Connection, Disposal, Erasures, Favorites, IdentityProvider, Partitions, ReceiptKeys,
    Replaced,
};
use domain::receipt::Receipt;
use domain::{Erasure, ErasureScope, ErasureState, ErasureStep, Reach, RequestId, UnixSeconds};
use jiff::SignedDuration;
use lambda::Metrics;

/// Carries out erasures.
pub(crate) struct Erase {
    pub(crate) connection: Connection,
    pub(crate) erasures: Erasures,
    pub(crate) disposal: Disposal,
    pub(crate) favorites: Favorites,
    pub(crate) partitions: Partitions,
    pub(crate) identity_provider: IdentityProvider,
    pub(crate) receipt_keys: ReceiptKeys,
    pub(crate) metrics: Metrics,
    /// Who issues receipts.
    pub(crate) service: String,
    /// How long an upload URL works.
    pub(crate) upload_window: SignedDuration,
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
    /// Does whatever is due about one request, step after step; how it stands afterwards.
    pub(crate) async fn advance(&self, request: RequestId) -> Result<Option<Erasure>, EraseError> {
        let mut before = None;
        loop {
            let Some(erasure) = self.erasures.load(request).await? else { return Ok(None) };
            if before.as_ref() == Some(&erasure) {
                return Err(EraseError::Stuck);
            }
            before = Some(erasure.clone());
            match erasure.step((self.clock)()) {
                ErasureStep::Wait => return Ok(Some(erasure)),
                ErasureStep::Erase(reach) => self.erase(&erasure, reach).await?,
                ErasureStep::LookAgain(reach) => self.look_again(&erasure, reach).await?,
                ErasureStep::Forget(reach) => {
                    self.look_once_more(&erasure, reach).await?;
                    self.erasures.forget_contact(reach.subject, request).await?;
                    self.erasures.replace(&erasure, &erasure.forgotten()).await?;
                }
                ErasureStep::Remove => self.erasures.remove(&erasure).await?,
            }
        }
    }

    /// Deletes everything in reach, which nobody sees any more and nobody can write to.
    async fn erase(&self, erasure: &Erasure, reach: Reach) -> Result<(), CloudError> {
        let noted = self.note_leases(erasure, reach).await?;
        let Some(erasure) = noted else { return Ok(()) };
        self.delete(&erasure, reach).await?;
        let now = (self.clock)();
        let erased = erasure.erased(now, self.upload_window);
        if erasure.scope != ErasureScope::Account {
            return self.erasures.replace(&erasure, &erased).await.map(|_either| ());
        }
        // Without a person, another process has come to the end of this.
        let Some(person) = self.erasures.person(erasure.id).await? else { return Ok(()) };
        self.identity_provider.account_erased(&person).await?;
        // Superseded means the same, or else the erasure is stuck.
        self.erasures.forget_person(&erasure, &erased, reach.subject, &person, now).await.map(|_either| ())
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
    async fn look_again(&self, erasure: &Erasure, reach: Reach) -> Result<(), CloudError> {
        let found = self.delete(erasure, reach).await?;
        let now = (self.clock)();
        if found > 0 {
            tracing::warn!(found, "found by the second look and deleted");
            let again = erasure.found_more(now, self.upload_window);
            return self.erasures.replace(erasure, &again).await.map(|_either| ());
        }
        let Some(times) = erasure.verification(now) else { return Ok(()) };
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
        self.erasures.replace(erasure, &erasure.verified(times, receipt)).await.map(|_either| ())
    }

    /// Looks a last time before it is forgotten where to look. An upload that began before its URL ran out may take any
    /// time and end after the verification. `synthesize` deletes its photo at once, since no row names it, and `purge` does
    /// when that fails; what both have missed is deleted here.
    async fn look_once_more(&self, erasure: &Erasure, reach: Reach) -> Result<(), CloudError> {
        let found = self.delete(erasure, reach).await?;
        if found > 0 {
            tracing::error!(found, "found by the last look and deleted");
        }
        Ok(())
    }

    /// Deletes what is in reach, objects before rows; how much there was.
    async fn delete(&self, erasure: &Erasure, reach: Reach) -> Result<usize, CloudError> {
        match erasure.scope {
            ErasureScope::Account => self.delete_everything(erasure, reach).await,
            ErasureScope::Works => self.delete_works(reach).await,
            ErasureScope::Favorites => {
                self.favorites.delete_earlier(reach.subject, reach.favorites_before).await
            }
        }
    }

    /// Deletes all of a subject. The first look leaves the gate closed, to go with the identity in one write. A later look
    /// deletes a gate too, and counts it: nobody can reach it, but what is verified leaves no row at all.
    async fn delete_everything(&self, erasure: &Erasure, reach: Reach) -> Result<usize, CloudError> {
        let Disposal { photos, pictures, .. } = &self.disposal;
        let (photo_keys, picture_keys) =
            (photos.keys_of(reach.subject).await?, pictures.keys_of(reach.subject).await?);
        photos.delete_keys(&photo_keys).await?;
        pictures.delete_keys(&picture_keys).await?;
        let partition = self.partitions.load(reach.subject).await?;
        self.partitions.delete(&partition).await?;
        let has_identity = matches!(erasure.state, ErasureState::Hidden { .. });
        if partition.has_gate && !has_identity {
            self.partitions.delete_gate(reach.subject).await?;
        }
        Ok(photo_keys.len() + picture_keys.len() + partition.len())
    }

    /// Deletes the works in reach, then what lies in the buckets for works that there are not: a worker may have
    /// stored it that died, or an upload that came late.
    async fn delete_works(&self, reach: Reach) -> Result<usize, CloudError> {
        let works = self.disposal.works.of_earlier(reach.subject, reach.works_before).await?;
        for work in &works {
            self.disposal.remove(work).await?;
        }
        Ok(works.len() + self.disposal.delete_strays(reach.subject).await?)
    }
}
