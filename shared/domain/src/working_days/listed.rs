//! A calendar from a data file. It lists holiday breaks, and weekend days that are worked to make up for them.
//!
//! Such calendars are published a year at a time, so a file has an end. After it every day counts as a working day,
//! even Saturdays and Sundays, because any of them may become a worked weekend day. So a deadline beyond the file's
//! end may be too early, but is never later than the published calendar will make it.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::civil::Date;
use serde::Deserialize;

use super::is_weekend;

/// A calendar read from its file.
pub(super) struct Listed {
    /// The days that the file covers.
    known: RangeInclusive<Date>,
    breaks: Vec<RangeInclusive<Date>>,
    working_weekends: BTreeSet<Date>,
}

/// The file's JSON. It has more members for human readers, such as the source.
#[derive(Deserialize)]
struct File {
    first: Date,
    last: Date,
    /// The first and last day of each break.
    breaks: Vec<(Date, Date)>,
    working_weekends: BTreeSet<Date>,
}

impl Listed {
    /// Parses a file. `None` when it is malformed or contradicts itself.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let file: File = serde_json::from_str(text).ok()?;
        let breaks: Vec<_> = file.breaks.into_iter().map(|(first, last)| first..=last).collect();
        let calendar =
            Self { known: file.first..=file.last, breaks, working_weekends: file.working_weekends };
        calendar.is_consistent().then_some(calendar)
    }

    pub(super) fn is_working_day(&self, day: Date) -> bool {
        !self.known.contains(&day)
            || self.working_weekends.contains(&day)
            || !is_weekend(day) && !self.is_off(day)
    }

    fn is_off(&self, day: Date) -> bool {
        self.breaks.iter().any(|days| days.contains(&day))
    }

    fn is_consistent(&self) -> bool {
        let within = |day| self.known.contains(day);
        !self.known.is_empty()
            && self.breaks.iter().all(|days| !days.is_empty() && within(days.start()) && within(days.end()))
            && self.working_weekends.iter().all(|day| within(day) && is_weekend(*day) && !self.is_off(*day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_contradicts_itself_is_refused() {
        let file = |breaks: &str, weekends: &str| {
            format!(
                r#"{{"first": "2026-01-01", "last": "2026-12-31", "breaks": {breaks}, "working_weekends": {weekends}}}"#
            )
        };
        assert!(Listed::parse(&file(r#"[["2026-01-01", "2026-01-03"]]"#, r#"["2026-01-04"]"#)).is_some());
        let wrong = [
            (r#"[["2026-01-03", "2026-01-01"]]"#, "[]"), // ends before it begins
            (r#"[["2026-12-31", "2027-01-01"]]"#, "[]"), // reaches beyond the file
            ("[]", r#"["2026-01-05"]"#),                 // a Monday is no weekend
            ("[]", r#"["2027-01-03"]"#),                 // beyond the file
            (r#"[["2026-01-01", "2026-01-04"]]"#, r#"["2026-01-04"]"#), // both off and worked
        ];
        for (breaks, weekends) in wrong {
            assert!(Listed::parse(&file(breaks, weekends)).is_none(), "{breaks} {weekends}");
        }
        assert!(Listed::parse("[]").is_none());
    }
}
