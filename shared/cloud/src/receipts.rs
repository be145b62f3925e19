//! Signs receipts of erasures with KMS, and publishes the public keys. The private keys never leave KMS: it takes a
//! digest and returns a signature.
//!
//! `domain::receipt` defines what a receipt states, its form and how it is checked.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use domain::receipt::{self, Jwk, Jwks, Receipt};
use tokio::sync::OnceCell;

use crate::{CloudError, Connection};

/// The KMS keys for receipts: the one that signs now, and retired ones.
#[derive(Debug, Clone)]
pub struct ReceiptKeys {
    connection: Connection,
    signing: Arc<PublishedKey>,
    retired: Arc<[PublishedKey]>,
}

/// A KMS key and its public part. The public part never changes, so each process requests it once.
#[derive(Debug)]
struct PublishedKey {
    id: String,
    public: OnceCell<Jwk>,
}

impl PublishedKey {
    fn new(id: String) -> Self {
        Self { id, public: OnceCell::new() }
    }
}

impl ReceiptKeys {
    /// Creates the store. The key `signing` signs; the keys `retired` stay published for the receipts that they
    /// signed.
    ///
    /// KMS does not rotate asymmetric keys. Instead an operator creates a new key and moves the old one's id to
    /// `retired`.
    pub fn new(connection: &Connection, signing: String, retired: Vec<String>) -> Self {
        Self {
            connection: connection.clone(),
            signing: Arc::new(PublishedKey::new(signing)),
            retired: retired.into_iter().map(PublishedKey::new).collect(),
        }
    }

    /// Signs a receipt. The result is a JWS that anybody can check with [`Self::published`].
    ///
    /// # Errors
    /// When KMS does not sign, or its answer is not a signature by the published key.
    pub async fn sign(&self, receipt: &Receipt) -> Result<String, CloudError> {
        let key = self.public_part(&self.signing).await?;
        let unsigned = receipt.unsigned(key);
        let signature = self.signature_of(unsigned.digest()).await?;
        let signed = unsigned.signed(&signature).map_err(CloudError::malformed("a receipt's signature"))?;
        // Check the receipt before anybody receives it: a receipt that fails verification is worthless.
        let keys = Jwks { keys: vec![key.clone()] };
        receipt::verify(&signed, &keys, None).map_err(CloudError::malformed("a receipt's signature"))?;
        Ok(signed)
    }

    /// Returns all public keys, the signing one first. An incomplete set is never returned: caches would keep it, and
    /// the receipts of the missing key would look forged.
    ///
    /// # Errors
    /// When KMS does not return one of the keys, or a key is of another kind.
    pub async fn published(&self) -> Result<Jwks, CloudError> {
        let keys = std::iter::once(&*self.signing).chain(self.retired.iter());
        let keys = keys.map(async |key| self.public_part(key).await.cloned());
        Ok(Jwks { keys: futures_util::future::try_join_all(keys).await? })
    }

    async fn public_part<'a>(&self, key: &'a PublishedKey) -> Result<&'a Jwk, CloudError> {
        key.public.get_or_try_init(|| self.public_key(&key.id)).await
    }

    async fn public_key(&self, id: &str) -> Result<Jwk, CloudError> {
        let request = self.connection.kms.get_public_key().key_id(id);
        let answer = request.send().await.map_err(CloudError::of("GetPublicKey"))?;
        let der = answer.public_key.ok_or(CloudError::Malformed { what: "a receipt key" })?;
        Jwk::from_spki(der.as_ref()).map_err(CloudError::malformed("a receipt key"))
    }

    async fn signature_of(&self, digest: [u8; 32]) -> Result<Vec<u8>, CloudError> {
        let request = self
            .connection
            .kms
            .sign()
            .key_id(&self.signing.id)
            .message(Blob::new(digest))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
        let answer = request.send().await.map_err(CloudError::of("Sign"))?;
        let signature = answer.signature.ok_or(CloudError::Malformed { what: "a receipt's signature" })?;
        Ok(signature.into_inner())
    }
}
