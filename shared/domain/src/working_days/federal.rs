//! The federal holidays of the United States by rule: 5 U.S.C. 6103, with Juneteenth, which is one since 2021.
//!
//! Left out: inauguration day, which is a holiday in the District of Columbia and around it only, and days off that
//! a President grants once by executive order, which nobody can know in advance. Both stay working days, which makes
//! a deadline earlier. Before 1986 the law was another one.

use jiff::civil::{Date, Weekday};

/// Whether federal offices are closed for a holiday on that weekday. A holiday on a fixed date that falls on a
/// Saturday is kept on the Friday before (5 U.S.C. 6103(b)), and one that falls on a Sunday on the Monday after
/// (Executive Order 11582); the new year's may so fall on the last day of the old.
pub(super) fn is_holiday(day: Date) -> bool {
    let kept_for = match day.weekday() {
        Weekday::Friday => day.tomorrow().ok(),
        Weekday::Monday => day.yesterday().ok(),
        _ => None,
    };
    is_fixed(day) || kept_for.is_some_and(is_fixed) || is_floating(day)
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
    // The first of its weekday in the month falls on the days 1 to 7, the second on 8 to 14, and so on.
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
