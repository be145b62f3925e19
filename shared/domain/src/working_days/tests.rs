//! Tests of deadlines: cases from real calendars, and properties of all deadlines. The acceptance crate compares them
//! with independent calendars.

use jiff::ToSpan as _;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const NEW_YORK: &str = "America/New_York";
const SHANGHAI: &str = "Asia/Shanghai";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn working_days(calendars: &str, zone: &str) -> WorkingDays {
    WorkingDays::parse(calendars, zone).expect("known names")
}

/// Received, working days, and the first instant that is too late.
type Case = (&'static str, u32, &'static str);

fn check(calendars: &str, zone: &str, cases: &[Case]) {
    let days = working_days(calendars, zone);
    for (received, count, deadline) in cases {
        assert_eq!(days.deadline(at(received), *count), at(deadline), "{count} days from {received}");
    }
}

#[test]
fn federal_holidays_and_weekends_do_not_count() {
    check(
        "us",
        NEW_YORK,
        &[
            ("2026-11-24T12:00-05", 7, "2026-12-05T00:00-05"), // Thanksgiving on the 26th
            ("2026-01-16T12:00-05", 1, "2026-01-21T00:00-05"), // Martin Luther King, Jr., on the 19th
            ("2026-02-13T12:00-05", 1, "2026-02-18T00:00-05"), // Washington's Birthday on the 16th
            ("2026-05-22T12:00-04", 1, "2026-05-27T00:00-04"), // Memorial Day on the 25th
            ("2026-09-04T12:00-04", 1, "2026-09-09T00:00-04"), // Labor Day on the 7th
            ("2026-10-09T12:00-04", 1, "2026-10-14T00:00-04"), // Columbus Day on the 12th
            ("2026-11-10T12:00-05", 1, "2026-11-13T00:00-05"), // Veterans Day on the 11th
            ("2026-12-23T12:00-05", 7, "2027-01-06T00:00-05"), // Christmas and New Year, both on Fridays
            ("2026-11-24T12:00-05", 0, "2026-11-25T00:00-05"), // the end of the day itself
        ],
    );
}

#[test]
fn a_holiday_on_a_saturday_is_observed_on_friday_and_one_on_a_sunday_on_monday() {
    check(
        "us",
        NEW_YORK,
        &[
            ("2026-07-02T12:00-04", 1, "2026-07-07T00:00-04"), // 4 July on a Saturday
            ("2021-07-02T12:00-04", 1, "2021-07-07T00:00-04"), // on a Sunday
            ("2021-12-30T12:00-05", 1, "2022-01-04T00:00-05"), // 1 January 2022 on a Saturday: observed in the old year
            ("2021-06-17T12:00-04", 1, "2021-06-22T00:00-04"), // the first Juneteenth, on a Saturday
            ("2020-06-18T12:00-04", 1, "2020-06-20T00:00-04"), // the year before, without Juneteenth
        ],
    );
}

#[test]
fn a_deadline_is_a_midnight_across_clock_changes() {
    check(
        "us",
        NEW_YORK,
        &[
            ("2026-03-06T12:00-05", 1, "2026-03-10T00:00-04"),
            ("2026-10-30T12:00-04", 1, "2026-11-03T00:00-05"),
        ],
    );
}

#[test]
fn the_time_zone_decides_the_day_of_receipt() {
    check(
        "us",
        NEW_YORK,
        &[
            ("2026-11-24T04:59:59.999999999Z", 1, "2026-11-25T00:00-05"),
            ("2026-11-24T05:00:00Z", 1, "2026-11-26T00:00-05"),
        ],
    );
    check("us", SHANGHAI, &[("2026-11-23T16:00:00Z", 1, "2026-11-26T00:00+08")]);
}

#[test]
fn chinese_breaks_do_not_count_and_worked_weekends_do() {
    check(
        "cn",
        SHANGHAI,
        &[
            ("2026-02-13T12:00+08", 1, "2026-02-15T00:00+08"), // Saturday the 14th is worked
            ("2026-02-13T12:00+08", 2, "2026-02-25T00:00+08"), // Spring Festival until the 23rd
            ("2026-02-26T12:00+08", 2, "2026-03-01T00:00+08"), // Saturday the 28th is worked
            ("2026-09-30T12:00+08", 7, "2026-10-16T00:00+08"), // National Day until the 7th, Saturday the 10th worked
            ("2025-01-27T12:00+08", 1, "2025-02-06T00:00+08"), // Spring Festival until 4 February
        ],
    );
}

#[test]
fn the_earlier_date_of_two_calendars_counts() {
    let cases = [
        ("2026-02-26T12:00-05", 2, "2026-03-01T00:00-05"), // the Chinese calendar: Saturday is worked
        ("2026-09-30T12:00-04", 7, "2026-10-10T00:00-04"), // the American calendar: no holiday in these days
    ];
    check("us,cn", NEW_YORK, &cases);
    check("cn, us", NEW_YORK, &cases);
}

#[test]
fn every_day_outside_a_calendars_file_counts() {
    check(
        "cn",
        SHANGHAI,
        &[
            ("2027-03-01T12:00+08", 7, "2027-03-09T00:00+08"),
            ("2026-12-23T12:00+08", 5, "2026-12-29T00:00+08"), // one day of the file and four beyond
            ("2019-12-01T12:00+08", 7, "2019-12-09T00:00+08"),
        ],
    );
}

#[test]
fn a_deadline_after_the_last_date_is_the_last_instant() {
    for calendars in ["us", "cn"] {
        let days = working_days(calendars, NEW_YORK);
        assert_eq!(days.deadline(Timestamp::MAX, 7), Timestamp::MAX);
        assert_eq!(days.deadline(at("9999-12-01T00:00Z"), u32::MAX), Timestamp::MAX);
    }
}

#[test]
fn settings_that_name_no_calendar_or_zone_are_refused() {
    let refused = |calendars, zone| WorkingDays::parse(calendars, zone).expect_err("refused").to_string();
    for calendars in ["", "us,", "de", "US", "us;cn"] {
        assert!(refused(calendars, NEW_YORK).contains("name one or more of us, cn"), "{calendars}");
    }
    for zone in ["", "New York", "+08:00", "/etc/localtime"] {
        assert!(refused("us", zone).contains("America/New_York"), "{zone}");
    }
}

/// Returns the Chinese calendar as if its file ended on this day.
fn ending(last: Date) -> Calendar {
    let mut file: serde_json::Value =
        serde_json::from_str(include_str!("../../calendars/china.json")).expect("JSON");
    let last = last.to_string();
    file["last"] = last.clone().into();
    let known = |day: &serde_json::Value| day.as_str().expect("a date") <= last.as_str();
    file["breaks"].as_array_mut().expect("breaks").retain(|days| known(&days[1]));
    file["working_weekends"].as_array_mut().expect("weekends").retain(known);
    Calendar::Listed(Listed::parse(&file.to_string()).expect("a calendar"))
}

fn weekdays_between(first: Date, last: Date) -> usize {
    first.series(1.day()).take_while(|day| *day <= last).filter(|day| !is_weekend(*day)).count()
}

prop_compose! {
    fn receipts()(second in 1_546_300_800_i64..1_924_992_000, nanosecond in 0..1_000_000_000) -> Timestamp {
        Timestamp::new(second, nanosecond).expect("between 2019 and 2031")
    }
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        NEW_YORK,
        SHANGHAI,
        "UTC",
        "America/St_Johns",
        "Pacific/Kiritimati",
        "Africa/Cairo",
    ])
}

fn calendars() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["us", "cn", "us,cn"])
}

proptest! {
    #[test]
    fn a_later_receipt_never_has_an_earlier_deadline(
        one in receipts(), other in receipts(), count in 0_u32..40, zone in zones(), calendars in calendars()
    ) {
        let days = working_days(calendars, zone);
        let (first, second) = (one.min(other), one.max(other));
        prop_assert!(days.deadline(first, count) <= days.deadline(second, count));
    }

    #[test]
    fn deadlines_count_whole_days_after_the_day_of_receipt(
        received in receipts(), count in 0_u32..40, zone in zones(), calendars in calendars()
    ) {
        let days = working_days(calendars, zone);
        let deadline = days.deadline(received, count);
        let (from, until) = (days.zone.to_datetime(received).date(), days.zone.to_datetime(deadline).date());
        prop_assert!((until - from).get_days() > i32::try_from(count).expect("small"));
        // The deadline is exactly the end of the day, to the nanosecond.
        prop_assert_eq!(days.zone.to_datetime(deadline - SignedDuration::from_nanos(1)).date(), until.yesterday().expect("a day"));
    }

    #[test]
    fn one_more_day_is_always_later(
        received in receipts(), count in 0_u32..40, zone in zones(), calendars in calendars()
    ) {
        let days = working_days(calendars, zone);
        prop_assert!(days.deadline(received, count) < days.deadline(received, count + 1));
    }

    #[test]
    fn one_more_calendar_never_makes_a_deadline_later(
        received in receipts(), count in 0_u32..40, zone in zones()
    ) {
        let by = |calendars| working_days(calendars, zone).deadline(received, count);
        prop_assert_eq!(by("us,cn"), by("us").min(by("cn")));
    }

    #[test]
    fn a_federal_deadline_spans_at_least_as_many_weekdays(received in receipts(), count in 1_u32..40) {
        let day = received.to_zoned_datetime(TimeZone::UTC).date();
        let last = Calendar::Federal.advance(day, count).expect("a day");
        prop_assert!(weekdays_between(day.tomorrow().expect("a day"), last) >= usize::try_from(count).expect("small"));
        prop_assert!(!is_weekend(last) && !federal::is_holiday(last));
    }

    #[test]
    fn an_unpublished_calendar_makes_no_deadline_later(
        from in 0_i32..2_400, end in 0_i32..2_400, count in 0_u32..40
    ) {
        let day = |offset: i32| date(2020, 1, 1).saturating_add(offset.days());
        let published = Calendar::named("cn").expect("known").advance(day(from), count);
        prop_assert!(ending(day(end)).advance(day(from), count) <= published);
    }
}
