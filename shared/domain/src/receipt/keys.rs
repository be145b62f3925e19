//! The public keys for checking receipts, as a JSON Web Key Set (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use p256::ecdsa::VerifyingKey;
use p256::pkcs8::DecodePublicKey as _;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::ALGORITHM;

/// A public key on the curve P-256 for ES256. Its id is its RFC 7638 thumbprint. So a key has exactly one id and an
/// id exactly one key, whoever publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct Jwk(VerifyingKey);

/// The service's keys: the one that signs now, and earlier ones, whose receipts remain valid.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Jwks {
    /// Every key that has signed a receipt.
    pub keys: Vec<Jwk>,
}

/// Why bytes or JSON members are not a key or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a public key on P-256, or not for ES256.
    #[error("not a public key for ES256")]
    Key,
    /// The key is valid, but its id is not its thumbprint.
    #[error("the key's id is not its thumbprint")]
    Id,
    /// Not an ECDSA signature in DER.
    #[error("not an ECDSA signature in DER")]
    Signature,
}

/// The members of the key's JSON (RFC 7518, section 6.2.1).
#[derive(Serialize, Deserialize)]
struct Members {
    kty: String,
    crv: String,
    x: String,
    y: String,
    #[serde(rename = "use")]
    usage: String,
    alg: String,
    kid: String,
}

impl Jwk {
    /// Parses a DER SubjectPublicKeyInfo, the form in which KMS publishes a key.
    ///
    /// # Errors
    /// When the bytes are not such a key, or a key of another kind.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        VerifyingKey::from_public_key_der(der).map(Self).map_err(|_other| KeyError::Key)
    }

    /// Returns the key's id, `kid`: its SHA-256 thumbprint (RFC 7638) in base64url.
    pub fn id(&self) -> String {
        let (x, y) = self.coordinates();
        // RFC 7638: the required members, sorted by name, without spaces.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64URL.encode(sha2::Sha256::digest(members))
    }

    pub(super) fn verifying_key(&self) -> &VerifyingKey {
        &self.0
    }

    fn coordinates(&self) -> (String, String) {
        // SEC 1, uncompressed: the tag 4, then x and y with 32 bytes each.
        let point = self.0.to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        (BASE64URL.encode(x), BASE64URL.encode(y))
    }
}

impl Jwks {
    /// Finds the key with this id.
    pub(super) fn find(&self, id: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.id() == id)
    }
}

impl TryFrom<Members> for Jwk {
    type Error = KeyError;

    fn try_from(members: Members) -> Result<Self, KeyError> {
        let kind = [&*members.kty, &members.crv, &members.usage, &members.alg];
        if kind != ["EC", "P-256", "sig", ALGORITHM] {
            return Err(KeyError::Key);
        }
        let coordinate = |text: &str| BASE64URL.decode(text).ok().filter(|bytes| bytes.len() == 32);
        let (x, y) = coordinate(&members.x).zip(coordinate(&members.y)).ok_or(KeyError::Key)?;
        let point = [&[4], &x[..], &y[..]].concat();
        // This refuses a point that is not on the curve.
        let key = VerifyingKey::from_sec1_bytes(&point).map(Self).map_err(|_off_the_curve| KeyError::Key)?;
        if key.id() == members.kid { Ok(key) } else { Err(KeyError::Id) }
    }
}

impl From<Jwk> for Members {
    fn from(key: Jwk) -> Self {
        let (x, y) = key.coordinates();
        let [kty, crv, usage, alg] = ["EC", "P-256", "sig", ALGORITHM].map(str::to_owned);
        Self { kty, crv, x, y, usage, alg, kid: key.id() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The key of RFC 7515, appendix A.3. The Python package joserfc computed its thumbprint.
    fn rfc_key() -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            "use": "sig",
            "alg": "ES256",
            "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
        })
    }

    fn refusal(changed: &str, to: &str) -> bool {
        let mut members = rfc_key();
        members[changed] = to.into();
        serde_json::from_value::<Jwk>(members).is_err()
    }

    #[test]
    fn a_key_survives_reading_and_writing_its_json() {
        let key: Jwk = serde_json::from_value(rfc_key()).expect("a key");
        assert_eq!(serde_json::to_value(&key).expect("JSON"), rfc_key());
    }

    #[test]
    fn another_kind_of_key_is_refused() {
        assert!(refusal("kty", "RSA"));
        assert!(refusal("crv", "P-384"));
        assert!(refusal("alg", "HS256"));
        assert!(refusal("use", "enc"));
        assert!(refusal("kid", "another"));
        // A point off the curve, and a coordinate that is too short.
        assert!(refusal("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"));
        assert!(refusal("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR"));
        assert_eq!(Jwk::from_spki(b"no key"), Err(KeyError::Key));
    }
}
