//! The keys that receipts of erasures are signed with. They are in KMS and do not leave it: a digest goes in, a
//! signature comes out.
//!
//! What a receipt states, its form and how it is checked belong to `domain::receipt`.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};
use domain::receipt::{self, Jwk, Jwks, Receipt};
use tokio::sync::OnceCell;

use crate::{CloudError, Connection};

/// The KMS keys that have signed receipts, the one that signs now first.
#[derive(Debug, Clone)]
pub struct ReceiptKeys {
    connection: Connection,
    signing: String,
    retired: Vec<String>,
    /// A key's public part never changes, so each process asks for it once.
    signing_public: Arc<OnceCell<Jwk>>,
}

impl ReceiptKeys {
    /// Signs with the key `signing`; the `retired` ones are published for the receipts that they have signed.
    ///
    /// KMS does not rotate asymmetric keys. A new key is made instead, and the old one's id moves to `retired`.
    pub fn new(connection: &Connection, signing: String, retired: Vec<String>) -> Self {
        Self { connection: connection.clone(), signing, retired, signing_public: Arc::default() }
    }

    /// The receipt as it is handed out: a JWS that anybody can check with [`Self::published`].
    ///
    /// # Errors
    /// When KMS does not sign, or what it answers is not a signature by the published key.
    pub async fn sign(&self, receipt: &Receipt) -> Result<String, CloudError> {
        let key = self.signing_key().await?;
        let unsigned = receipt.unsigned(key);
        let signature = self.signature_of(unsigned.digest()).await?;
        let signed = unsigned.signed(&signature).map_err(CloudError::malformed("a receipt's signature"))?;
        // Nobody must hold a receipt that cannot be checked, so it is checked before it is handed out.
        let keys = Jwks { keys: vec![key.clone()] };
        receipt::verify(&signed, &keys, None).map_err(CloudError::malformed("a receipt's signature"))?;
        Ok(signed)
    }

    /// The public keys, the signing one first. A retired one that KMS does not give keeps nobody from the others.
    ///
    /// # Errors
    /// When KMS does not give the signing key, or it is of another kind.
    pub async fn published(&self) -> Result<Jwks, CloudError> {
        let mut keys = vec![self.signing_key().await?.clone()];
        for retired in &self.retired {
            match self.public_key(retired).await {
                Ok(key) => keys.push(key),
                Err(error) => tracing::error!(%error, "a retired receipt key cannot be published"),
            }
        }
        Ok(Jwks { keys })
    }

    async fn signing_key(&self) -> Result<&Jwk, CloudError> {
        self.signing_public.get_or_try_init(|| self.public_key(&self.signing)).await
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
            .key_id(&self.signing)
            .message(Blob::new(digest))
            .message_type(MessageType::Digest)
            .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256);
        let answer = request.send().await.map_err(CloudError::of("Sign"))?;
        let signature = answer.signature.ok_or(CloudError::Malformed { what: "a receipt's signature" })?;
        Ok(signature.into_inner())
    }
}
