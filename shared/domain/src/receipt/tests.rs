//! Tests that sign and verify receipts, and one for every way to be refused. In the acceptance crate an independent
//! implementation reads and writes receipts.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::verify::is_signed_by;
use super::*;
use crate::salt::Salt;

fn signing_key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).expect("a scalar")
}

fn jwk(key: &SigningKey) -> Jwk {
    let der = key.verifying_key().to_public_key_der().expect("DER");
    Jwk::from_spki(der.as_bytes()).expect("a key")
}

fn keys() -> Jwks {
    Jwks { keys: vec![jwk(&signing_key(1)), jwk(&signing_key(2))] }
}

fn salt() -> Salt {
    Salt::from_bits([9; 32])
}

fn receipt() -> Receipt {
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

fn signed(receipt: &Receipt, key: &SigningKey) -> String {
    let unsigned = receipt.unsigned(&jwk(key));
    let signature: Signature = key.sign(unsigned.input.as_bytes());
    unsigned.signed(signature.to_der().as_bytes()).expect("a receipt")
}

/// Creates a JWS of these parts, signed by the first key.
fn forged(header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", part(header), part(claims));
    let signature: Signature = signing_key(1).sign(input.as_bytes());
    format!("{input}.{}", BASE64URL.encode(signature.to_bytes()))
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": jwk(&signing_key(1)).id(), "typ": "erasure-receipt+jwt" })
}

fn refusal(jws: &str) -> ReceiptError {
    verify(jws, &keys(), Some(&salt())).expect_err("refused")
}

#[test]
fn a_receipt_signed_by_any_key_of_the_set_is_verified() {
    for byte in [1, 2] {
        let jws = signed(&receipt(), &signing_key(byte));
        assert_eq!(verify(&jws, &keys(), Some(&salt())), Ok(receipt()));
        assert_eq!(verify(&jws, &keys(), None), Ok(receipt()));
    }
}

#[test]
fn a_receipt_has_exactly_these_claims() {
    let jws = signed(&receipt(), &signing_key(1));
    let parts: Vec<_> = jws.split('.').map(|part| BASE64URL.decode(part).expect("base64url")).collect();
    assert_eq!(serde_json::from_slice::<Value>(&parts[0]).expect("JSON"), header());
    let claims = json!({
        "iss": "AI Fitting",
        "iat": 1_795_000_901,
        "request_id": "00000000000000000000000005",
        "scope": "account",
        "requester": String::from(receipt().requester),
        "received_at": "2026-11-18T11:06:40Z",
        "hidden_at": "2026-11-18T11:06:41Z",
        "erased_at": "2026-11-18T11:07:40Z",
        "verified_at": "2026-11-18T11:21:40Z",
        "unrecoverable_at": "2026-11-25T11:21:40Z",
    });
    assert_eq!(serde_json::from_slice::<Value>(&parts[1]).expect("JSON"), claims);
    assert_eq!(parts[2].len(), 64);
}

#[test]
fn the_signature_is_made_over_the_digest() {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    let unsigned = receipt().unsigned(&jwk(&signing_key(1)));
    let signature: Signature = signing_key(1).sign_prehash(&unsigned.digest()).expect("a signature");
    let jws = unsigned.signed(signature.to_der().as_bytes()).expect("a receipt");
    assert_eq!(verify(&jws, &keys(), None), Ok(receipt()));
}

#[test]
fn a_signature_that_is_not_der_is_refused() {
    let unsigned = || receipt().unsigned(&jwk(&signing_key(1)));
    for wrong in
        [&[][..], &[0; 64], b"\x30\x06\x02\x01\x00\x02\x01\x01", b"\x30\x06\x02\x01\x01\x02\x01\x01x"]
    {
        assert_eq!(unsigned().signed(wrong), Err(KeyError::Signature), "{wrong:?}");
    }
    // The smallest signature: r and s have one byte each in DER, and 32 bytes each in a JWS.
    let jws = unsigned().signed(b"\x30\x06\x02\x01\x01\x02\x01\x02").expect("a signature");
    let signature = BASE64URL.decode(jws.rsplit('.').next().expect("a part")).expect("base64url");
    assert_eq!((signature.len(), signature[31], signature[63]), (64, 1, 2));
}

#[test]
fn a_receipt_by_an_unknown_key_or_under_a_known_keys_id_is_refused() {
    let stranger = signing_key(3);
    let jws = signed(&receipt(), &stranger);
    assert_eq!(refusal(&jws), ReceiptError::UnknownKey(jwk(&stranger).id()));
    // A signature by an unknown key, under the id of a known key.
    let unsigned = receipt().unsigned(&jwk(&signing_key(1)));
    let signature: Signature = stranger.sign(unsigned.input.as_bytes());
    let jws = unsigned.signed(signature.to_der().as_bytes()).expect("a receipt");
    assert_eq!(refusal(&jws), ReceiptError::Altered);
}

#[test]
fn the_wrong_salt_is_refused() {
    let jws = signed(&receipt(), &signing_key(1));
    let wrong = Salt::from_bits([8; 32]);
    assert_eq!(verify(&jws, &keys(), Some(&wrong)), Err(ReceiptError::WrongSalt));
}

#[test]
fn another_algorithm_type_or_header_is_refused_even_if_signed() {
    let claims = serde_json::to_value(receipt()).expect("JSON");
    assert_eq!(verify(&forged(&header(), &claims), &keys(), None), Ok(receipt()));
    let with = |member: &str, value: Value| {
        let mut header = header();
        header[member] = value;
        refusal(&forged(&header, &claims))
    };
    for algorithm in ["none", "HS256", "ES384", "es256"] {
        assert_eq!(with("alg", algorithm.into()), ReceiptError::Algorithm, "{algorithm}");
    }
    assert_eq!(with("typ", "JWT".into()), ReceiptError::NotAReceipt);
    assert_eq!(with("crit", json!(["exp"])), ReceiptError::NotAReceipt);
    assert_eq!(with("jwk", json!({})), ReceiptError::NotAReceipt);
    assert_eq!(with("kid", Value::Null), ReceiptError::NotAReceipt);
    assert_eq!(refusal(&forged(&header(), &json!({ "iss": "AI Fitting" }))), ReceiptError::NotAReceipt);
}

#[test]
fn an_unsigned_token_is_refused() {
    let claims = part(&receipt());
    for algorithm in ["none", "ES256"] {
        let mut header = header();
        header["alg"] = algorithm.into();
        let refused = refusal(&format!("{}.{claims}.", part(&header)));
        assert!(matches!(refused, ReceiptError::Algorithm | ReceiptError::Altered), "{algorithm}: {refused}");
    }
    for text in ["", ".", "..", "...", "a.b.c", &claims] {
        assert_eq!(refusal(text), ReceiptError::NotAReceipt, "{text}");
    }
}

/// The example of RFC 7515, appendix A.3.
#[test]
fn the_example_of_rfc_7515_is_verified() {
    let key: Jwk = serde_json::from_value(json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "use": "sig",
        "alg": "ES256",
        "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
    }))
    .expect("a key");
    let input = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert!(is_signed_by(&key, input, signature));
    assert!(!is_signed_by(&key, &input.replace("eyJpc3Mi", "eyJpc3Mj"), signature));
    assert!(!is_signed_by(&jwk(&signing_key(1)), input, signature));
}

proptest! {
    #[test]
    fn any_changed_character_is_refused(position: prop::sample::Index, character in "[A-Za-z0-9_.=-]") {
        let jws = signed(&receipt(), &signing_key(1));
        let position = position.index(jws.len());
        let changed = format!("{}{character}{}", &jws[..position], &jws[position + 1..]);
        prop_assume!(changed != jws);
        prop_assert!(verify(&changed, &keys(), None).is_err(), "{}", changed);
    }

    #[test]
    fn any_missing_or_added_end_is_refused(cut in 1_usize..400, added in "[A-Za-z0-9_.=-]{1,8}") {
        let jws = signed(&receipt(), &signing_key(1));
        let kept = &jws[..jws.len().saturating_sub(cut)];
        prop_assert!(verify(kept, &keys(), None).is_err());
        let longer = format!("{jws}{added}");
        prop_assert!(verify(&longer, &keys(), None).is_err());
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in "\\PC{0,80}") {
        prop_assert!(verify(&text, &keys(), None).is_err());
    }
}
