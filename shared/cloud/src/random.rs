//! Random bits from the operating system, for ids, lease tokens and salts.

use domain::LeaseToken;
use domain::receipt::Salt;

use crate::CloudError;

/// 128 random bits.
///
/// # Errors
/// When the operating system has none to give.
pub fn random_bits() -> Result<u128, CloudError> {
    random_bytes().map(u128::from_be_bytes)
}

/// A token for one claim on a work.
///
/// # Errors
/// As [`random_bits`].
pub fn lease_token() -> Result<LeaseToken, CloudError> {
    random_bits().map(LeaseToken::from_random)
}

/// A salt for whoever asks for an erasure.
///
/// # Errors
/// As [`random_bits`].
pub fn salt() -> Result<Salt, CloudError> {
    random_bytes().map(Salt::from_random)
}

fn random_bytes<const N: usize>() -> Result<[u8; N], CloudError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_unavailable| CloudError::Random)?;
    Ok(bytes)
}
