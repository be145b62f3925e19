//! Whether a text is a receipt that the service signed, and whose.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Verifier as _;
use serde::de::DeserializeOwned;

use super::{ALGORITHM, Header, Jwk, Jwks, Receipt, Salt, TYPE};

/// Why a text is not accepted as a receipt; each says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not a JWS of the right type.
    #[error("this is no receipt of an erasure: give the text exactly as the service sent it")]
    NotAReceipt,
    /// It names another algorithm, or none.
    #[error(
        "this does not name {ALGORITHM}, the only algorithm that receipts are signed by: do not trust it"
    )]
    Algorithm,
    /// No key of that id is in the set.
    #[error(
        "none of the keys has the id {0:?}: fetch the service's keys anew, and do not trust the receipt if it is not \
         among them either"
    )]
    UnknownKey(String),
    /// The signature is not the key's, or not of this content.
    #[error(
        "the signature does not fit: the receipt was altered, or the service never signed it, so do not trust it"
    )]
    Altered,
    /// Signed, and made out to somebody else.
    #[error(
        "the receipt is genuine, but the salt is not its requester's: give the salt that came with this request"
    )]
    WrongSalt,
}

/// The receipt's claims, if one of `keys` has signed them; with a salt, also only if it is the requester's.
///
/// # Errors
/// When it is no receipt, was altered, or is not that requester's.
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
        Some(salt) if !receipt.requester.is_of(salt, receipt.request_id) => Err(ReceiptError::WrongSalt),
        _ => Ok(receipt),
    }
}

/// Whether `signature`, in base64url, is this key's of `input` (RFC 7518, section 3.4).
pub(super) fn is_signed_by(key: &Jwk, input: &str, signature: &str) -> bool {
    let signature = BASE64URL.decode(signature).ok();
    let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
    signature.is_some_and(|signature| key.verifying_key().verify(input.as_bytes(), &signature).is_ok())
}

/// What one part of a JWS says.
fn content<T: DeserializeOwned>(part: &str) -> Result<T, ReceiptError> {
    let json = BASE64URL.decode(part).map_err(|_malformed| ReceiptError::NotAReceipt)?;
    serde_json::from_slice(&json).map_err(|_malformed| ReceiptError::NotAReceipt)
}
