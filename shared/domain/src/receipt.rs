//! The receipt of an erasure: what the service states about a deletion request once nothing was found any more, as a
//! JWS (RFC 7515, ES256) that anybody can check offline with the service's published keys.
//!
//! It holds no personal data. Whoever made the request got a [`Salt`] and can show with it that the receipt is theirs.
//! Here is what is signed and how it is checked; the private key never leaves KMS, which `cloud` asks to sign.

mod keys;
mod salt;
mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::Signature;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

pub use keys::{Jwk, Jwks, KeyError};
pub use salt::{Requester, Salt};
pub use verify::{ReceiptError, verify};

use crate::erasure::ErasureScope;
use crate::id::RequestId;
use crate::time::{UnixSeconds, rfc3339};

/// The receipt's type (RFC 8725, section 3.11): no other token signed by the same key can pass for one.
const TYPE: &str = "erasure-receipt+jwt";

/// The only algorithm that is signed by and accepted: ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
const ALGORITHM: &str = "ES256";

/// The claims of a receipt; points in time are RFC 3339 but for `iat`, which is a number (RFC 7519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The service, by the name it is deployed under.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// When the receipt was made out.
    #[serde(rename = "iat")]
    pub issued_at: UnixSeconds,
    /// The deletion request.
    pub request_id: RequestId,
    /// What was erased.
    pub scope: ErasureScope,
    /// Fits the requester's salt and no other.
    pub requester: Requester,
    /// When the request came.
    #[serde(with = "rfc3339")]
    pub received_at: UnixSeconds,
    /// From when on nothing of it could be seen.
    #[serde(with = "rfc3339")]
    pub hidden_at: UnixSeconds,
    /// When it had been deleted.
    #[serde(with = "rfc3339")]
    pub erased_at: UnixSeconds,
    /// When a second look, after every URL and lease had ended, found nothing.
    #[serde(with = "rfc3339")]
    pub verified_at: UnixSeconds,
    /// When the last backup that may still hold anything of it is gone.
    #[serde(with = "rfc3339")]
    pub unrecoverable_at: UnixSeconds,
}

/// A receipt that lacks nothing but its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedReceipt {
    /// Header and claims, as they are signed (RFC 7515, section 5.1).
    input: String,
}

/// The protected header. A receipt with any other member in it is none of ours: what a member such as `crit` or `jwk`
/// asks for must not be passed over.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Receipt {
    /// This receipt, to be signed by `key`.
    pub fn unsigned(&self, key: &Jwk) -> UnsignedReceipt {
        let header = Header { alg: ALGORITHM.to_owned(), kid: key.id(), typ: TYPE.to_owned() };
        UnsignedReceipt { input: format!("{}.{}", part(&header), part(self)) }
    }
}

impl UnsignedReceipt {
    /// The SHA-256 digest that is to be signed.
    pub fn digest(&self) -> [u8; 32] {
        sha2::Sha256::digest(&self.input).into()
    }

    /// The receipt as it is handed out. `signature` is in DER, as KMS gives it; a JWS carries r and s side by side.
    ///
    /// # Errors
    /// When that is no signature.
    pub fn signed(self, signature: &[u8]) -> Result<String, KeyError> {
        let signature = Signature::from_der(signature).map_err(|_malformed| KeyError::Signature)?;
        Ok(format!("{}.{}", self.input, BASE64URL.encode(signature.to_bytes())))
    }
}

/// One part of a JWS.
fn part(content: &impl Serialize) -> String {
    #[expect(clippy::expect_used, reason = "structs of text and numbers have a JSON form")]
    let json = serde_json::to_vec(content).expect("JSON");
    BASE64URL.encode(json)
}

#[cfg(test)]
mod tests;
