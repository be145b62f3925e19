//! The receipt of an erasure: what the service states about a deletion request after a verify pass found nothing. It
//! is a JWS (RFC 7515, ES256) that anybody can check offline with the service's published keys.
//!
//! A receipt holds no personal data. The requester received a [`Salt`](crate::Salt) and can prove with it that the receipt is
//! theirs. This module defines what is signed and how it is checked. The private key never leaves KMS; `cloud` asks
//! KMS to sign.

mod keys;
mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::Signature;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

pub use keys::{Jwk, Jwks, KeyError};
pub use verify::{ReceiptError, verify};

use crate::erasure::ErasureScope;
use crate::id::RequestId;
use crate::salt::Requester;
use crate::time::{UnixSeconds, rfc3339};

/// The receipt's type (RFC 8725, section 3.11). It keeps other tokens signed by the same key from passing as
/// receipts.
const TYPE: &str = "erasure-receipt+jwt";

/// The only algorithm for signing and checking: ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
const ALGORITHM: &str = "ES256";

/// The claims of a receipt. Times are in RFC 3339, except `iat`, which is a number (RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The service, by the name of its deployment.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// When the receipt was issued.
    #[serde(rename = "iat")]
    pub issued_at: UnixSeconds,
    /// The deletion request.
    pub request_id: RequestId,
    /// What was erased.
    pub scope: ErasureScope,
    /// The value that matches only the requester's salt.
    pub requester: Requester,
    /// When the request was received.
    #[serde(with = "rfc3339")]
    pub received_at: UnixSeconds,
    /// Since when the data has been hidden.
    #[serde(with = "rfc3339")]
    pub hidden_at: UnixSeconds,
    /// When the data was deleted.
    #[serde(with = "rfc3339")]
    pub erased_at: UnixSeconds,
    /// When a verify pass, run after every earlier upload URL and lease had expired, found nothing.
    #[serde(with = "rfc3339")]
    pub verified_at: UnixSeconds,
    /// When the last backup that may still hold the data expires.
    #[serde(with = "rfc3339")]
    pub unrecoverable_at: UnixSeconds,
}

/// A receipt that is ready to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedReceipt {
    /// The signing input: header and claims (RFC 7515, section 5.1).
    input: String,
}

/// The protected header. A receipt with any other member is refused, because a member such as `crit` or `jwk` must
/// not be ignored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Receipt {
    /// Prepares this receipt for signing with `key`.
    pub fn unsigned(&self, key: &Jwk) -> UnsignedReceipt {
        let header = Header { alg: ALGORITHM.to_owned(), kid: key.id(), typ: TYPE.to_owned() };
        UnsignedReceipt { input: format!("{}.{}", part(&header), part(self)) }
    }
}

impl UnsignedReceipt {
    /// Returns the SHA-256 digest that KMS signs.
    pub fn digest(&self) -> [u8; 32] {
        sha2::Sha256::digest(&self.input).into()
    }

    /// Adds the signature and returns the receipt as a JWS. KMS gives `signature` in DER; a JWS holds r and s one
    /// after the other.
    ///
    /// # Errors
    /// When `signature` is not a signature in DER.
    pub fn signed(self, signature: &[u8]) -> Result<String, KeyError> {
        let signature = Signature::from_der(signature).map_err(|_malformed| KeyError::Signature)?;
        Ok(format!("{}.{}", self.input, BASE64URL.encode(signature.to_bytes())))
    }
}

/// Encodes one part of a JWS.
fn part(content: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "structs of text and numbers have a JSON form")]
    let json = serde_json::to_vec(content).expect("JSON");
    BASE64URL.encode(json)
}

#[cfg(test)]
mod tests;
