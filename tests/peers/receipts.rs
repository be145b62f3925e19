//! The package `joserfc` verifies our receipts, and we verify receipts that it signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::ErasureScope;
use domain::Salt;
use domain::receipt::{Jwk, Jwks, Receipt, ReceiptError, verify};
use domain::{RequestId, UnixSeconds};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};

use crate::ask_peer;

fn salt() -> Salt {
    Salt::from_bits([0x5a; 32])
}

fn receipt() -> Receipt {
    let request_id = RequestId::from_bits(12_345);
    let at = |second: i64| UnixSeconds::from_second(1_795_000_000 + second);
    Receipt {
        issuer: "AI Fitting".to_owned(),
        issued_at: at(901),
        request_id,
        scope: ErasureScope::Works,
        requester: salt().requester(request_id),
        received_at: at(0),
        hidden_at: at(1),
        erased_at: at(60),
        verified_at: at(900),
        unrecoverable_at: at(605_700),
    }
}

#[test]
fn joserfc_verifies_our_receipt() {
    let keys = [11, 12].map(|byte| SigningKey::from_slice(&[byte; 32]).expect("a key"));
    let published = keys.each_ref().map(|key| {
        let der = key.verifying_key().to_public_key_der().expect("DER");
        Jwk::from_spki(der.as_bytes()).expect("a key")
    });
    let unsigned = receipt().unsigned(&published[1]);
    let signature: Signature = keys[1].sign_prehash(&unsigned.digest()).expect("a signature");
    let jws = unsigned.signed(signature.to_der().as_bytes()).expect("a receipt");
    let ids: Vec<_> = published.iter().map(Jwk::id).collect();
    let set = Jwks { keys: published.to_vec() };

    let answer: Value =
        ask_peer("receipts.py", &json!({ "verify": jws, "keys": set, "salt": salt().reveal() }));
    assert_eq!(answer["thumbprints"], json!(ids));
    assert_eq!(answer["header"], json!({ "alg": "ES256", "kid": ids[1], "typ": "erasure-receipt+jwt" }));
    assert_eq!(answer["claims"], serde_json::to_value(receipt()).expect("JSON"));
    assert_eq!(answer["requester"], answer["claims"]["requester"]);
}

#[test]
fn we_verify_a_receipt_signed_by_joserfc() {
    let sign = |typ: &str| -> (String, Jwks, Value) {
        let header = json!({ "alg": "ES256", "typ": typ });
        let answer: Value = ask_peer("receipts.py", &json!({ "sign": receipt(), "header": header }));
        let keys = serde_json::from_value(answer["keys"].clone()).expect("keys");
        (answer["jws"].as_str().expect("a JWS").to_owned(), keys, answer)
    };
    let (jws, keys, answer) = sign("erasure-receipt+jwt");
    assert_eq!(verify(&jws, &keys, Some(&salt())), Ok(receipt()));
    let spki = BASE64.decode(answer["spki"].as_str().expect("text")).expect("base64");
    assert_eq!(Jwk::from_spki(&spki).as_ref(), Ok(&keys.keys[0]));

    let (_, others, _) = sign("erasure-receipt+jwt");
    assert!(matches!(verify(&jws, &others, None), Err(ReceiptError::UnknownKey(_))));
    let (token, its_keys, _) = sign("JWT");
    assert_eq!(verify(&token, &its_keys, None), Err(ReceiptError::NotAReceipt));
}
