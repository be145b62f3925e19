//! Identifiers. Each has its own type and is parsed once, at the edge. None reveals who a person is. But `SubjectId`
//! and `IdentityHash` single out one person, so their `Debug` prints no value and logs cannot hold them by accident.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use ulid::Ulid;

use crate::UnixSeconds;

/// The error of a text that is not a valid identifier. It never repeats the text, which may come from anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: expected {expected}")]
pub struct IdError {
    pub(crate) what: &'static str,
    pub(crate) expected: &'static str,
}

/// The id of a user in the records: 128 random bits (Crockford base32, 26 characters).
///
/// Only a row of the `identities` table links it to a person. Without that row nothing in the records leads to
/// anybody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectId(Ulid);

/// The id of a work: a ULID, so that works sort by the time of their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkId(Ulid);

/// The id of a request for an erasure: 128 bits that only its requester receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(Ulid);

/// The token of one claim on a work (128 random bits). A worker that publishes must still hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeaseToken(Ulid);

impl SubjectId {
    /// Creates an id from 128 random bits.
    pub fn from_random(bits: u128) -> Self {
        Self(Ulid::from_bytes(bits.to_be_bytes()))
    }

    /// Returns the bits. They are random, so any of them divide subjects evenly.
    pub fn to_bits(self) -> u128 {
        self.0.0
    }
}

impl WorkId {
    /// Creates the id of a work that is requested at `now`. The 80 low bits of `random` make it unguessable.
    pub fn new(now: jiff::Timestamp, random: u128) -> Self {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(Ulid::from_parts(milliseconds, random))
    }

    /// Returns the bits.
    pub fn to_bits(self) -> u128 {
        self.0.0
    }

    /// Returns when the work was requested.
    pub fn created_at(self) -> UnixSeconds {
        UnixSeconds::from_second(i64::try_from(self.0.timestamp_ms() / 1_000).unwrap_or(i64::MAX))
    }
}

impl RequestId {
    /// Creates an id from 128 unguessable bits.
    pub fn from_bits(bits: u128) -> Self {
        Self(Ulid::from_bytes(bits.to_be_bytes()))
    }
}

impl LeaseToken {
    /// Creates a token from 128 random bits.
    pub fn from_random(bits: u128) -> Self {
        Self(Ulid::from_bytes(bits.to_be_bytes()))
    }
}

/// Implements parsing and printing for identifiers of 128 bits in Crockford base32.
macro_rules! base32_id {
    ($type:ident, $what:literal) => {
        impl FromStr for $type {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { what: $what, expected: "26 characters of Crockford base32" };
                let id = Ulid::from_string(text).map_err(|_malformed| error)?;
                // An id has only one spelling. Otherwise lower case or ambiguous letters would give it a second
                // object key.
                if id.to_string() == text { Ok(Self(id)) } else { Err(error) }
            }
        }

        impl TryFrom<String> for $type {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.0.to_string()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

base32_id!(SubjectId, "subject id");
base32_id!(WorkId, "work id");
base32_id!(RequestId, "request id");
base32_id!(LeaseToken, "lease token");

impl fmt::Debug for SubjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SubjectId(…)")
    }
}

/// The key of a signed-in user in the `identities` table: SHA-256 over issuer and `sub`, in hexadecimal.
///
/// A `sub` is unique only per issuer (OpenID Connect Core 1.0, section 2), so both are hashed. The issuer's length
/// comes first, so that no two pairs have the same input.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityHash(String);

impl IdentityHash {
    /// Hashes the issuer and `subject`, the token's `sub`.
    pub fn new(issuer: &str, subject: &str) -> Self {
        let mut hash = sha2::Sha256::new();
        hash.update((issuer.len() as u64).to_be_bytes());
        hash.update(issuer.as_bytes());
        hash.update(subject.as_bytes());
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdentityHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IdentityHash(…)")
    }
}

/// The id of a template of the catalogue: lower-case letters, digits and hyphens, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateId(String);

impl TemplateId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TemplateId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let valid = (1..=64).contains(&text.len()) && text.chars().all(slug) && !text.starts_with('-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            let expected = "1 to 64 lower-case letters, digits and hyphens, not starting with a hyphen";
            Err(IdError { what: "template id", expected })
        }
    }
}

impl TryFrom<String> for TemplateId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<TemplateId> for String {
    fn from(id: TemplateId) -> Self {
        id.0
    }
}

impl fmt::Display for TemplateId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A SHA-256 digest, in standard base64 as in S3's checksum headers.
///
/// A photo's digest identifies the photo of a face, so `Debug` prints no value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

impl Sha256 {
    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(BASE64.encode(sha2::Sha256::digest(bytes)))
    }

    /// Returns 44 characters of padded base64.
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sha256 {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        let digest = BASE64.decode(&text).unwrap_or_default();
        let error = IdError { what: "SHA-256 digest", expected: "32 bytes in padded standard base64" };
        if digest.len() == 32 { Ok(Self(text)) } else { Err(error) }
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> Self {
        digest.0
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sha256(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identity_hash_depends_on_where_the_issuer_ends() {
        assert_ne!(IdentityHash::new("https://a", "bc"), IdentityHash::new("https://ab", "c"));
        assert_eq!(IdentityHash::new("https://a", "b").as_str().len(), 64);
    }

    #[test]
    fn ids_that_single_out_a_person_print_no_value() {
        let subject = SubjectId::from_random(7);
        assert_eq!(format!("{subject:?}"), "SubjectId(…)");
        assert_eq!(format!("{:?}", IdentityHash::new("i", "s")), "IdentityHash(…)");
        assert_eq!(format!("{:?}", Sha256::of(b"photo")), "Sha256(…)");
    }

    #[test]
    fn works_sort_by_the_time_of_their_request() {
        let at = |second| jiff::Timestamp::from_second(second).expect("in range");
        assert!(WorkId::new(at(1_000), u128::MAX) < WorkId::new(at(1_001), 0));
        assert_eq!(WorkId::new(at(1_000), u128::MAX).created_at(), UnixSeconds::from_second(1_000));
    }

    #[test]
    fn template_ids_are_slugs() {
        for good in ["a", "astronaut", "mona-lisa-2"] {
            assert!(good.parse::<TemplateId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a/b", "a b", "..", &"a".repeat(65)] {
            assert!(bad.parse::<TemplateId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_thirty_two_bytes() {
        assert!(Sha256::try_from(Sha256::of(b"x").as_base64().to_owned()).is_ok());
        assert!(Sha256::try_from("aGk=".to_owned()).is_err());
        assert!(Sha256::try_from(String::new()).is_err());
    }

    proptest! {
        #[test]
        fn an_id_has_one_spelling(bits: u128) {
            let id = SubjectId::from_random(bits);
            let text = id.to_string();
            prop_assert_eq!(text.parse::<SubjectId>(), Ok(id));
            let lower = text.to_lowercase();
            prop_assert!(lower == text || lower.parse::<SubjectId>().is_err());
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _outcome = (text.parse::<WorkId>(), text.parse::<TemplateId>());
        }
    }
}
