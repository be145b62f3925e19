//! Receipts signed by the key of the deployed template, which KMS keeps.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::receipt::{ErasureScope, Jwk, Jwks, Receipt, Salt, verify};
use domain::{RequestId, UnixSeconds};
use serde_json::{Value, json};

use crate::app::App;

fn bytes(value: &Value) -> Result<Vec<u8>> {
    Ok(BASE64.decode(value["base64"].as_str().context("no bytes")?)?)
}

#[test]
fn what_kms_signs_is_a_receipt_that_its_public_key_verifies() -> Result<()> {
    let stack = &App::live().stack;
    let key_id = stack.output("ReceiptKey")?;
    let published = stack.account().call("kms", "get_public_key", &json!({ "KeyId": key_id }))?;
    assert_eq!(published["SigningAlgorithms"], json!(["ECDSA_SHA_256"]));
    let key = Jwk::from_spki(&bytes(&published["PublicKey"])?)?;

    let request_id = RequestId::new(jiff::Timestamp::UNIX_EPOCH, 77);
    let salt = Salt::from_random([3; 32]);
    let at = UnixSeconds::from_second(1_795_000_000);
    let receipt = Receipt {
        issuer: "acceptance".to_owned(),
        issued_at: at,
        request_id,
        scope: ErasureScope::Favorites,
        requester: salt.requester(request_id),
        received_at: at,
        hidden_at: at,
        erased_at: at,
        verified_at: at,
        unrecoverable_at: at,
    };
    // As `cloud::ReceiptKeys` asks for it: the digest goes in, a signature in DER comes out.
    let unsigned = receipt.unsigned(&key);
    let request = json!({
        "KeyId": key_id,
        "Message": { "base64": BASE64.encode(unsigned.digest()) },
        "MessageType": "DIGEST",
        "SigningAlgorithm": "ECDSA_SHA_256",
    });
    let answer = stack.account().call("kms", "sign", &request)?;
    let jws = unsigned.signed(&bytes(&answer["Signature"])?)?;
    assert_eq!(verify(&jws, &Jwks { keys: vec![key] }, Some(&salt))?, receipt);
    Ok(())
}
