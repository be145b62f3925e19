//! `cargo xtask verify-receipt FILE --jwks FILE`: verifies the receipt of an erasure, offline.
//!
//! `domain::receipt` has the rules; this task reads the files and prints the result.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use domain::ErasureScope;
use domain::Salt;
use domain::receipt::{Jwks, Receipt, verify};

use crate::workspace::say;

/// Verify the receipt of an erasure, offline. Exit status: 0 if it is valid; 1 if not, with the reason.
#[derive(clap::Args)]
pub(crate) struct VerifyReceipt {
    /// The receipt file, as the service sent it.
    receipt: PathBuf,
    /// The service's public keys: the answer of `GET /v1/receipts/keys`.
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
    /// The salt from the answer to the deletion request; also checks that its holder is the requester.
    #[arg(long)]
    salt: Option<String>,
}

impl VerifyReceipt {
    /// Prints the content of a valid receipt. An invalid receipt is a result, not a failure of this command: it prints
    /// one sentence, without the backtrace that an error may have.
    #[expect(clippy::print_stdout, reason = "the receipt's content is this command's result")]
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match check(&read(&self.receipt)?, &read(&self.jwks)?, self.salt.as_deref()) {
            Ok(statement) => println!("{statement}"),
            Err(reason) => {
                say(&format!("not valid: {reason}"));
                std::process::exit(1);
            }
        }
        Ok(())
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Verifies the receipt; returns its content as text.
fn check(receipt: &str, jwks: &str, salt: Option<&str>) -> anyhow::Result<String> {
    let keys: Jwks = serde_json::from_str(jwks)
        .map_err(|error| anyhow!("this is not the service's set of receipt keys: {error}"))?;
    let salt = salt.map(str::parse::<Salt>).transpose()?;
    let receipt = verify(receipt.trim_end(), &keys, salt.as_ref())?;
    Ok(statement(&receipt, salt.is_some()))
}

fn statement(receipt: &Receipt, salted: bool) -> String {
    let scope = match receipt.scope {
        ErasureScope::Works => "all works",
        ErasureScope::Favorites => "all favorites",
        ErasureScope::Account => "the account with everything in it",
    };
    let requester = if salted { "the holder of this salt" } else { "not checked, because no salt was given" };
    let rows = [
        ("issued by", receipt.issuer.clone()),
        ("issued at", receipt.issued_at.to_rfc3339()),
        ("request", receipt.request_id.to_string()),
        ("requester", requester.to_owned()),
        ("what", scope.to_owned()),
        ("received", receipt.received_at.to_rfc3339()),
        ("hidden", receipt.hidden_at.to_rfc3339()),
        ("erased", receipt.erased_at.to_rfc3339()),
        ("verified", receipt.verified_at.to_rfc3339()),
        ("unrecoverable", receipt.unrecoverable_at.to_rfc3339()),
    ];
    let lines = rows.map(|(name, value)| format!("{name:14} {value}\n"));
    lines.concat() + "valid"
}

#[cfg(test)]
mod tests {
    use domain::receipt::Jwk;
    use domain::{RequestId, UnixSeconds};
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    use p256::ecdsa::{Signature, SigningKey};
    use p256::pkcs8::EncodePublicKey as _;

    use super::*;

    fn key(byte: u8) -> (SigningKey, Jwk) {
        let key = SigningKey::from_slice(&[byte; 32]).expect("a key");
        let der = key.verifying_key().to_public_key_der().expect("DER");
        let published = Jwk::from_spki(der.as_bytes()).expect("a key");
        (key, published)
    }

    fn jwks(byte: u8) -> String {
        serde_json::to_string(&Jwks { keys: vec![key(byte).1] }).expect("JSON")
    }

    fn salt(byte: u8) -> Salt {
        Salt::from_bits([byte; 32])
    }

    /// A receipt file with its newline, signed by the first key for the holder of the first salt.
    fn signed() -> String {
        let request_id = RequestId::from_bits(42);
        let at = |second: i64| UnixSeconds::from_second(1_795_000_000 + second);
        let receipt = Receipt {
            issuer: "AI Fitting".to_owned(),
            issued_at: at(901),
            request_id,
            scope: ErasureScope::Account,
            requester: salt(1).requester(request_id),
            received_at: at(0),
            hidden_at: at(1),
            erased_at: at(60),
            verified_at: at(900),
            unrecoverable_at: at(605_700),
        };
        let (signing, published) = key(1);
        let unsigned = receipt.unsigned(&published);
        let signature: Signature = signing.sign_prehash(&unsigned.digest()).expect("a signature");
        unsigned.signed(signature.to_der().as_bytes()).expect("a receipt") + "\n"
    }

    /// The sentence with which the receipt is refused.
    fn refusal(receipt: &str, jwks: &str, salt: Option<&str>) -> String {
        let sentence = check(receipt, jwks, salt).expect_err("refused").to_string();
        assert!(!sentence.contains('\n'), "{sentence}");
        sentence
    }

    #[test]
    fn the_content_of_a_valid_receipt_is_printed() {
        let output = check(&signed(), &jwks(1), Some(&salt(1).reveal())).expect("valid");
        assert!(output.contains("requester      the holder of this salt\n"), "{output}");
        assert!(output.contains("what           the account with everything in it\n"), "{output}");
        assert!(output.contains("unrecoverable  2026-11-25T11:21:40Z\n"), "{output}");
        assert!(output.ends_with("\nvalid"), "{output}");
        let without_salt = check(&signed(), &jwks(1), None).expect("valid");
        assert!(without_salt.contains("requester      not checked"), "{without_salt}");
    }

    #[test]
    fn a_receipt_altered_in_any_part_is_refused() {
        let receipt = signed();
        for part in 0..3 {
            let mut parts: Vec<_> = receipt.trim_end().split('.').map(str::to_owned).collect();
            // In the middle of the part every bit counts; base64url ignores some bits of the last character.
            let middle = parts[part].len() / 2;
            let other = if parts[part].as_bytes()[middle] == b'A' { "B" } else { "A" };
            parts[part].replace_range(middle..=middle, other);
            let output = refusal(&parts.join("."), &jwks(1), None);
            let expected: &[&str] = if part == 0 { &["not a receipt", "has the id"] } else { &["altered"] };
            assert!(expected.iter().any(|words| output.contains(words)), "part {part}: {output}");
        }
        assert!(refusal("", &jwks(1), None).contains("not a receipt"));
    }

    #[test]
    fn another_key_or_salt_is_refused() {
        assert!(refusal(&signed(), &jwks(2), None).contains("fetch the service's keys again"));
        assert!(refusal(&signed(), &jwks(1), Some(&salt(2).reveal())).contains("belongs to another request"));
        assert!(refusal(&signed(), &jwks(1), Some("a salt")).contains("not a valid salt"));
        assert!(refusal(&signed(), "{}", None).contains("not the service's set of receipt keys"));
    }
}
