//! Verifies a receipt: that the service signed it, and that it belongs to the holder of a salt.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Verifier as _;
use serde::de::DeserializeOwned;

use super::{ALGORITHM, Header, Jwk, Jwks, Receipt, TYPE};
use crate::salt::Salt;

/// Why a text is not accepted as a receipt. Each message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The text is not a JWS of the right type.
    #[error("this is not a receipt of an erasure: give the text exactly as the service sent it")]
    NotAReceipt,
    /// The header names another algorithm, or none.
    #[error("the receipt does not name {ALGORITHM}, the only algorithm for receipts: do not trust it")]
    Algorithm,
    /// The set of keys has no key with this id.
    #[error(
        "none of the keys has the id {0:?}: fetch the service's keys again, and do not trust the receipt if the new keys \
         do not have it either"
    )]
    UnknownKey(String),
    /// The signature is not from this key, or not for this content.
    #[error(
        "the signature does not match: the receipt was altered, or the service never signed it, so do not trust it"
    )]
    Altered,
    /// The receipt is signed, but was issued to somebody else.
    #[error(
        "the receipt is genuine, but the salt belongs to another request: give the salt that came with this request"
    )]
    WrongSalt,
}

/// Returns the receipt's claims, if one of `keys` signed them. With a salt, the receipt must also belong to that
/// salt.
///
/// # Errors
/// When the text is not a receipt, was altered, or belongs to another requester.
pub fn verify(jws: &str, keys: &Jwks, salt: Option<&Salt>) -> Result<Receipt, ReceiptError> {
    let (input, signature) = jws.rsplit_once('.').ok_or(ReceiptError::NotAReceipt)?;
    let (header, claims) = input.split_once('.').ok_or(ReceiptError::NotAReceipt)?;
    let header: Header = content(header)?;
    if header.typ != TYPE {
        return Err(ReceiptError::NotAReceipt);
    }
    if header.alg != ALGORITHM {
        return Err(ReceiptError::Algorithm);
    }
    let key = keys.find(&header.kid).ok_or(ReceiptError::UnknownKey(header.kid))?;
    if !is_signed_by(key, input, signature) {
        return Err(ReceiptError::Altered);
    }
    let receipt: Receipt = content(claims)?;
    match salt {
        Some(salt) if !receipt.requester.belongs_to(salt, receipt.request_id) => Err(ReceiptError::WrongSalt),
        _ => Ok(receipt),
    }
}

/// Tells whether `signature`, in base64url, is a signature of `input` by this key (RFC 7518, section 3.4).
pub(super) fn is_signed_by(key: &Jwk, input: &str, signature: &str) -> bool {
    let signature = BASE64URL.decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    signature.is_some_and(|signature| key.verifying_key().verify(input.as_bytes(), &signature).is_ok())
}

/// Decodes one part of a JWS.
fn content<T: DeserializeOwned>(part: &str) -> Result<T, ReceiptError> {
    let json = BASE64URL.decode(part).map_err(|_malformed| ReceiptError::NotAReceipt)?;
    serde_json::from_slice(&json).map_err(|_malformed| ReceiptError::NotAReceipt)
}
