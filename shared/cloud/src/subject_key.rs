//! A subject's own key. Its wrapped form is in the `identities` table, which has no backups. When that row is
//! deleted, nobody can read what the key encrypted.

use std::fmt;

use domain::Salt;
use domain::{RequestId, SubjectId};
use ring::{aead, hmac};
use zeroize::Zeroizing;

use crate::{CloudError, random_bits};

/// A subject's key in plaintext, kept for one request and wiped when dropped.
pub struct SubjectKey {
    subject: SubjectId,
    bytes: Zeroizing<[u8; 32]>,
}

/// Text encrypted with a subject's key: nonce (12 bytes), ciphertext and tag of AES-256-GCM. Subject and purpose are
/// authenticated too, so the text decrypts only for the same subject and purpose.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// The purpose of a sealed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// How to reach the requester of an erasure.
    Contact,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
        }
    }
}

impl Sealed {
    /// Returns the stored form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Wraps stored bytes, without checking them.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sealed(…)")
    }
}

impl SubjectKey {
    pub(crate) fn of(subject: SubjectId, bytes: &[u8]) -> Result<Self, CloudError> {
        let bytes = bytes.try_into().map_err(CloudError::malformed("a subject's key"))?;
        Ok(Self { subject, bytes: Zeroizing::new(bytes) })
    }

    /// Encrypts a text.
    ///
    /// # Errors
    /// When the operating system gives no random bits.
    pub fn seal(&self, purpose: Purpose, text: &str) -> Result<Sealed, CloudError> {
        let mut nonce = [0; aead::NONCE_LEN];
        nonce.copy_from_slice(&random_bits()?.to_be_bytes()[..aead::NONCE_LEN]);
        let mut sealed = text.as_bytes().to_vec();
        let sealing = self.aead()?.seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            self.bound_to(purpose),
            &mut sealed,
        );
        sealing.map_err(CloudError::malformed("a text to be encrypted"))?;
        Ok(Sealed([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts a text that this key has encrypted for this purpose.
    ///
    /// # Errors
    /// When another key encrypted the text, for another purpose, or when the text was altered.
    pub fn open(&self, purpose: Purpose, sealed: &Sealed) -> Result<String, CloudError> {
        let unreadable = CloudError::Malformed { what: "an encrypted text" };
        let Some((nonce, rest)) = sealed.0.split_first_chunk::<{ aead::NONCE_LEN }>() else {
            return Err(unreadable);
        };
        let mut rest = rest.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let opened = self.aead()?.open_in_place(nonce, self.bound_to(purpose), &mut rest);
        let opened = opened.map_err(CloudError::malformed("an encrypted text"))?;
        String::from_utf8(opened.to_vec()).map_err(CloudError::malformed("an encrypted text"))
    }

    /// Derives the id of the request that has this `Idempotency-Key`. A repeated request has the same id, and nobody
    /// without the subject's key can compute it.
    pub fn request(&self, idempotency_key: &str) -> RequestId {
        let [first, ..] = self.derived("request", idempotency_key.as_bytes());
        RequestId::from_bits(first)
    }

    /// Derives the salt of a request of this subject. The salt is stored nowhere. A repeated request gets it again
    /// for as long as the subject's key exists.
    pub fn salt(&self, request: RequestId) -> Salt {
        let [first, second] = self.derived("salt", request.to_string().as_bytes());
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&first.to_be_bytes());
        bytes[16..].copy_from_slice(&second.to_be_bytes());
        Salt::from_bits(bytes)
    }

    /// Returns an HMAC-SHA-256 under the key, in two halves. `label` separates the uses of the key.
    fn derived(&self, label: &str, message: &[u8]) -> [u128; 2] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.bytes));
        context.update(label.as_bytes());
        context.update(&[0]);
        context.update(message);
        let tag = context.sign();
        let half = |bytes: &[u8]| bytes.iter().fold(0_u128, |value, byte| (value << 8) | u128::from(*byte));
        let (first, second) = tag.as_ref().split_at(16);
        [half(first), half(second)]
    }

    fn aead(&self) -> Result<aead::LessSafeKey, CloudError> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &*self.bytes);
        key.map(aead::LessSafeKey::new).map_err(CloudError::malformed("a subject's key"))
    }

    fn bound_to(&self, purpose: Purpose) -> aead::Aad<String> {
        aead::Aad::from(format!("{}/{}", self.subject, purpose.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u128, byte: u8) -> SubjectKey {
        SubjectKey::of(SubjectId::from_random(subject), &[byte; 32]).expect("32 bytes")
    }

    #[test]
    fn only_the_subjects_own_key_decrypts_a_text() {
        let sealed = key(1, 7).seal(Purpose::Contact, "ada@example.com").expect("sealed");
        assert!(!sealed.as_bytes().windows(3).any(|part| part == b"ada"));
        assert_eq!(key(1, 7).open(Purpose::Contact, &sealed).as_deref(), Ok("ada@example.com"));
        assert!(key(1, 8).open(Purpose::Contact, &sealed).is_err(), "another key");
        assert!(key(2, 7).open(Purpose::Contact, &sealed).is_err(), "another subject");
        let mut altered = sealed.as_bytes().to_vec();
        *altered.last_mut().expect("a tag") ^= 1;
        for bytes in [altered, Vec::new(), vec![0; 12]] {
            assert!(key(1, 7).open(Purpose::Contact, &Sealed::from_bytes(bytes)).is_err());
        }
    }

    #[test]
    fn encrypting_a_text_twice_gives_different_results() {
        let seal = || key(1, 7).seal(Purpose::Contact, "ada@example.com").expect("sealed");
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_repeated_request_has_the_same_id_and_salt() {
        let (one, other) = (key(1, 7), key(2, 8));
        let request = one.request("key");
        assert_eq!(request, one.request("key"));
        assert_ne!(request, one.request("another key"));
        assert_ne!(request, other.request("key"));
        assert_eq!(one.salt(request).reveal(), one.salt(request).reveal());
        assert_ne!(one.salt(request).reveal(), other.salt(request).reveal());
    }
}
