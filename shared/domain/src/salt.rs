//! The salt that links a receipt to its requester. After an erasure it is the only link, and only the requester has
//! it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{IdError, RequestId};

/// 256 unguessable bits that only the requester receives, in base64url. The service stores only an HMAC of the
/// request's id under the salt ([`Requester`]).
///
/// Salt and request id together give access to status and receipt without sign-in, so `Debug` prints no value.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 32]);

/// The HMAC-SHA256 of the request's id under the salt. It links a receipt to its requester, and differs for every
/// request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Requester([u8; 32]);

impl Salt {
    /// Creates a salt from 256 unguessable bits.
    pub fn from_bits(bits: [u8; 32]) -> Self {
        Self(bits)
    }

    /// Returns the salt as text for its requester: 43 characters of base64url.
    pub fn reveal(&self) -> String {
        BASE64URL.encode(self.0)
    }

    /// Computes the value that the receipt of this request holds for its requester.
    pub fn requester(&self, request: RequestId) -> Requester {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length (RFC 2104, section 3)")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of 32 bytes");
        mac.update(request.to_string().as_bytes());
        Requester(mac.finalize().into_bytes().into())
    }
}

impl Requester {
    /// Tells whether this value was computed from this salt and this request.
    pub fn belongs_to(&self, salt: &Salt, request: RequestId) -> bool {
        salt.requester(request).0.ct_eq(&self.0).into()
    }
}

impl FromStr for Salt {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        bytes(text, "salt").map(Self)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Salt(…)")
    }
}

impl TryFrom<String> for Requester {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        bytes(&text, "requester").map(Self)
    }
}

impl From<Requester> for String {
    fn from(requester: Requester) -> Self {
        BASE64URL.encode(requester.0)
    }
}

impl fmt::Debug for Requester {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Requester(…)")
    }
}

fn bytes(text: &str, what: &'static str) -> Result<[u8; 32], IdError> {
    let error = IdError { what, expected: "43 characters of base64url" };
    let bytes = BASE64URL.decode(text).map_err(|_malformed| error)?;
    bytes.try_into().map_err(|_wrong_length| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salt(byte: u8) -> Salt {
        Salt::from_bits([byte; 32])
    }

    fn request(random: u128) -> RequestId {
        RequestId::from_bits(random)
    }

    #[test]
    fn a_requester_belongs_to_one_salt_and_one_request() {
        let requester = salt(7).requester(request(1));
        assert!(requester.belongs_to(&salt(7), request(1)));
        assert!(!requester.belongs_to(&salt(8), request(1)));
        assert!(!requester.belongs_to(&salt(7), request(2)));
    }

    #[test]
    fn a_salt_parses_from_its_own_text_only() {
        let text = salt(7).reveal();
        assert_eq!(text.len(), 43);
        assert!(text.parse::<Salt>().is_ok_and(|parsed| parsed.reveal() == text));
        let padded = format!("{text}=");
        let other_spelling = format!("{}x", &text[..42]);
        for wrong in ["", "short", &text[1..], &padded, &other_spelling, &text.replace('c', "+")] {
            assert!(wrong.parse::<Salt>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_prints_no_salt_or_requester() {
        let requester = salt(7).requester(request(1));
        assert_eq!(format!("{:?} {requester:?}", salt(7)), "Salt(…) Requester(…)");
    }
}
