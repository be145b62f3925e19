//! Random bits from the operating system, for ids and lease tokens.

use domain::LeaseToken;

use crate::CloudError;

/// Returns 128 random bits.
///
/// # Errors
/// When the operating system gives no random bits.
pub fn random_bits() -> Result<u128, CloudError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_unavailable| CloudError::Random)?;
    Ok(u128::from_be_bytes(bytes))
}

/// Creates a random token for one claim on a work.
///
/// # Errors
/// As [`random_bits`].
pub fn lease_token() -> Result<LeaseToken, CloudError> {
    random_bits().map(LeaseToken::from_random)
}
