//! The federal holidays of the United States, computed by rule: 5 U.S.C. 6103, with Juneteenth since 2021.
//!
//! Two kinds are left out. Inauguration day is a holiday only in and around the District of Columbia. Days off that a
//! President grants once by executive order are not known in advance. Both count as working days, which makes a
//! deadline earlier. Before 1986 the law was different.

use jiff::civil::{Date, Weekday};

/// Tells whether federal offices are closed for a holiday on this weekday. A holiday with a fixed date that falls on
/// a Saturday is observed on the Friday before (5 U.S.C. 6103(b)). One that falls on a Sunday is observed on the
/// Monday after (Executive Order 11582). So New Year's Day may be observed on the last day of the old year.
pub(super) fn is_holiday(day: Date) -> bool {
    let observed_for = match day.weekday() {
        Weekday::Friday => day.tomorrow().ok(),
        Weekday::Monday => day.yesterday().ok(),
        _ => None,
    };
    is_fixed(day) || observed_for.is_some_and(is_fixed) || is_floating(day)
}

fn is_fixed(date: Date) -> bool {
    match (date.month(), date.day()) {
        (1, 1)   // New Year's Day
        | (7, 4) // Independence Day
        | (11, 11) // Veterans Day
        | (12, 25) => true, // Christmas Day
        (6, 19) => date.year() >= 2021, // Juneteenth National Independence Day
        _ => false,
    }
}

fn is_floating(date: Date) -> bool {
    // The first of a weekday in a month falls on the days 1 to 7, the second on the days 8 to 14, and so on.
    let which = (date.day() + 6) / 7;
    let is_last = date.day() + 7 > date.days_in_month();
    match (date.month(), date.weekday()) {
        (1 | 2, Weekday::Monday) => which == 3, // Martin Luther King, Jr.; Washington's Birthday
        (5, Weekday::Monday) => is_last,        // Memorial Day
        (9, Weekday::Monday) => which == 1,     // Labor Day
        (10, Weekday::Monday) => which == 2,    // Columbus Day
        (11, Weekday::Thursday) => which == 4,  // Thanksgiving Day
        _ => false,
    }
}
