//! A genuine receipt and the key set that verifies it.

use domain::Salt;
use domain::receipt::{Jwk, Jwks, Receipt};
use domain::{ErasureScope, RequestId, UnixSeconds};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;

/// The salt of the receipt's requester.
#[must_use]
pub fn salt() -> Salt {
    Salt::from_bits([9; 32])
}

/// The published keys.
#[must_use]
pub fn keys() -> Jwks {
    Jwks { keys: vec![jwk(&signing_key())] }
}

/// The receipt's content.
#[must_use]
pub fn receipt() -> Receipt {
    let request_id = RequestId::from_bits(5);
    let at = |second: i64| UnixSeconds::from_second(1_795_000_000 + second);
    Receipt {
        issuer: "AI Fitting".to_owned(),
        issued_at: at(901),
        request_id,
        scope: ErasureScope::Account,
        requester: salt().requester(request_id),
        received_at: at(0),
        hidden_at: at(1),
        erased_at: at(60),
        verified_at: at(900),
        unrecoverable_at: at(605_700),
    }
}

/// The signed receipt, as the service returns it.
#[must_use]
pub fn signed() -> String {
    let key = signing_key();
    let unsigned = receipt().unsigned(&jwk(&key));
    let signature: Signature = key.sign_prehash(&unsigned.digest()).expect("a digest of 32 bytes");
    unsigned.signed(signature.to_der().as_bytes()).expect("the signature is in DER")
}

fn signing_key() -> SigningKey {
    SigningKey::from_slice(&[1; 32]).expect("a scalar of the curve")
}

fn jwk(key: &SigningKey) -> Jwk {
    let der = key.verifying_key().to_public_key_der().expect("a public key has a DER form");
    Jwk::from_spki(der.as_bytes()).expect("a key on P-256")
}
