//! Times as the records store them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The length of a day in UTC, in seconds. Unix time has no leap seconds.
const DAY_SECONDS: u32 = 86_400;

/// Whole seconds since 1970-01-01T00:00:00Z. DynamoDB's TTL and the due index need a number, and numbers sort.
/// Fractions of a second are rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(i64);

impl UnixSeconds {
    /// Returns the second that contains `now`.
    pub fn of(now: Timestamp) -> Self {
        Self(now.as_second())
    }

    /// Wraps a stored number of seconds.
    pub const fn from_second(second: i64) -> Self {
        Self(second)
    }

    /// Returns the number of seconds, as stored.
    pub fn as_second(self) -> i64 {
        self.0
    }

    /// Adds a duration. The result saturates at the largest and smallest time.
    #[must_use]
    pub fn plus(self, duration: SignedDuration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// Returns the time from `earlier` to this time. It is negative if this time comes first.
    pub fn since(self, earlier: Self) -> SignedDuration {
        SignedDuration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// Returns the seconds until the next day begins in UTC, from 1 to 86,400.
    pub fn until_next_day(self) -> u32 {
        let passed = u32::try_from(self.0.rem_euclid(i64::from(DAY_SECONDS))).unwrap_or_default();
        DAY_SECONDS - passed
    }

    /// Formats the time as RFC 3339 in UTC, for the API.
    pub fn to_rfc3339(self) -> String {
        let clamped = self.0.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(clamped).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    }
}

/// For `#[serde(with)]`: writes a time as RFC 3339, in documents that people read.
pub(crate) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::UnixSeconds;

    pub(crate) fn serialize<S: Serializer>(time: &UnixSeconds, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixSeconds, D::Error> {
        Timestamp::deserialize(deserializer).map(UnixSeconds::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_in_utc() {
        assert_eq!(UnixSeconds::from_second(1_795_000_000).to_rfc3339(), "2026-11-18T11:06:40Z");
        assert_eq!(UnixSeconds::from_second(i64::MAX).to_rfc3339(), "9999-12-30T22:00:00Z");
    }

    #[test]
    fn a_day_ends_at_midnight_in_utc() {
        for (time, seconds) in [
            ("2026-11-18T23:55:00Z", 300),
            ("2026-11-18T23:59:59Z", 1),
            ("2026-11-19T00:00:00Z", 86_400),
            ("1969-12-31T23:55:00Z", 300),
        ] {
            let time: Timestamp = time.parse().expect("a time");
            assert_eq!(UnixSeconds::of(time).until_next_day(), seconds, "{time}");
        }
    }

    #[test]
    fn adding_saturates() {
        let late = UnixSeconds::from_second(i64::MAX);
        assert_eq!(late.plus(SignedDuration::from_hours(1)), late);
    }
}
