//! Deadlines in working days, as the privacy policy promises them. Days are counted from the day after receipt, in a
//! named time zone, by each configured calendar. The earliest resulting date is the deadline.
//!
//! Anything uncertain makes a deadline earlier, never later. Escalation before a deadline is not the job of this
//! module.

mod federal;
mod listed;

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use listed::Listed;

/// A deletion request is carried out within this many working days (privacy policy, article Seven 3(2)).
pub const ERASURE_WORKING_DAYS: u32 = 7;

/// A complaint is answered within this many working days (privacy policy, article Seven 4).
pub const COMPLAINT_WORKING_DAYS: u32 = 15;

/// An erasure that is open for this long is escalated. An erasure normally takes minutes, so by then something is
/// broken, and the people on call still have days.
pub const ESCALATION_AFTER: SignedDuration = SignedDuration::from_hours(48);

/// The calendars and the time zone that decide which days count.
#[derive(Debug)]
pub struct WorkingDays {
    zone: TimeZone,
    /// The calendars; there is at least one.
    calendars: Vec<Calendar>,
}

/// Why deadlines cannot be computed with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkingDaysError {
    /// No calendar is named, or an unknown one.
    #[error("no calendar {0:?}: name one or more of {known}, separated by commas", known = Calendar::NAMES.join(", "))]
    Calendar(String),
    /// The file of a calendar, which is part of the program, is malformed.
    #[error(
        "the built-in calendar {0} is malformed; correct its file in shared/domain/calendars and deploy again"
    )]
    Malformed(&'static str),
    /// The IANA database has no zone of this name.
    #[error("no time zone {0:?}: give a name of the IANA database, such as America/New_York")]
    TimeZone(String),
}

/// A calendar that decides for every day whether it is a working day.
enum Calendar {
    /// Weekdays, except the federal holidays of the United States.
    Federal,
    /// A calendar that is published year by year.
    Listed(Listed),
}

impl WorkingDays {
    /// Parses the deployment's settings: `calendars` such as `us,cn`, and the name of a time zone such as
    /// `America/New_York`. The time zone database in this program must have that zone.
    ///
    /// # Errors
    /// When a calendar or the time zone is not known.
    pub fn parse(calendars: &str, time_zone: &str) -> Result<Self, WorkingDaysError> {
        let calendars = calendars.split(',').map(|name| Calendar::named(name.trim()));
        let calendars = calendars.collect::<Result<_, _>>()?;
        // Use only the built-in database. Lambda's machines have none, and another one would not be the tested one.
        let zone = TimeZoneDatabase::bundled().get(time_zone);
        let zone = zone.map_err(|_unknown| WorkingDaysError::TimeZone(time_zone.to_owned()))?;
        Ok(Self { zone, calendars })
    }

    /// Returns the first instant that is too late: the midnight at the end of the last working day after the day of
    /// receipt. With several calendars, the earliest date counts.
    pub fn deadline(&self, received: Timestamp, working_days: u32) -> Timestamp {
        let day = self.zone.to_datetime(received).date();
        let last = self.calendars.iter().filter_map(|calendar| calendar.advance(day, working_days)).min();
        let after = last.and_then(|last| last.tomorrow().ok());
        let midnight = after.and_then(|after| self.zone.to_timestamp(after.into()).ok());
        // No calendar reaches beyond the year 9999.
        midnight.unwrap_or(Timestamp::MAX)
    }
}

impl Calendar {
    /// The names of the calendars in the settings.
    const NAMES: [&'static str; 2] = ["us", "cn"];

    fn named(name: &str) -> Result<Self, WorkingDaysError> {
        match name {
            "us" => Ok(Self::Federal),
            "cn" => Listed::parse(include_str!("../calendars/china.json"))
                .map(Self::Listed)
                .ok_or(WorkingDaysError::Malformed("cn")),
            other => Err(WorkingDaysError::Calendar(other.to_owned())),
        }
    }

    /// Returns the last of this many working days after `day`. `None` beyond the last date that can be represented.
    fn advance(&self, day: Date, working_days: u32) -> Option<Date> {
        let mut day = day;
        for _ in 0..working_days {
            day = day.tomorrow().ok()?;
            while !self.is_working_day(day) {
                day = day.tomorrow().ok()?;
            }
        }
        Some(day)
    }

    fn is_working_day(&self, day: Date) -> bool {
        match self {
            Self::Federal => !is_weekend(day) && !federal::is_holiday(day),
            Self::Listed(listed) => listed.is_working_day(day),
        }
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Federal => "us",
            Self::Listed(_) => "cn",
        })
    }
}

fn is_weekend(day: Date) -> bool {
    use jiff::civil::Weekday::{Saturday, Sunday};
    matches!(day.weekday(), Saturday | Sunday)
}

#[cfg(test)]
mod tests;
