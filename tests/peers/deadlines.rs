//! Compares deadlines with those of the package `holidays`, for random times of receipt.

use domain::WorkingDays;
use jiff::Timestamp;
use serde::Serialize;

use crate::ask_peer;

const ZONES: [&str; 5] =
    ["America/New_York", "America/Los_Angeles", "Asia/Shanghai", "Europe/Berlin", "Pacific/Auckland"];

/// The number of cases for each calendar.
const CASES: usize = 4_000;

/// A case, in the form that `deadlines.py` reads.
#[derive(Clone, Serialize)]
struct Case {
    calendar: &'static str,
    zone: &'static str,
    received: i64,
    working_days: u32,
}

/// Generates cases between two points in time with splitmix64, the same ones in every run.
fn cases(calendar: &'static str, from: &str, until: &str) -> Vec<Case> {
    let second = |text: &str| text.parse::<Timestamp>().expect("a timestamp").as_second();
    let (from, until) = (second(from), second(until));
    let mut state = 0_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    };
    (0..CASES)
        .map(|_| Case {
            calendar,
            zone: ZONES[usize::try_from(below(5)).expect("an index")],
            received: from
                + i64::try_from(below(u64::try_from(until - from).expect("later"))).expect("seconds"),
            working_days: 1 + u32::try_from(below(20)).expect("days"),
        })
        .collect()
}

fn our_deadline(calendars: &str, case: &Case) -> i64 {
    let days = WorkingDays::parse(calendars, case.zone).expect("known names");
    let received = Timestamp::from_second(case.received).expect("a timestamp");
    days.deadline(received, case.working_days).as_second()
}

fn peer_deadlines(cases: &[Case]) -> Vec<i64> {
    ask_peer("deadlines.py", &cases)
}

/// Fails if any deadline differs, and shows the number of differences and the first one.
fn assert_same(calendars: &str, cases: &[Case], theirs: &[i64]) {
    let differ: Vec<_> =
        cases.iter().zip(theirs).filter(|(case, theirs)| our_deadline(calendars, case) != **theirs).collect();
    let first = differ.first().map(|(case, theirs)| {
        let (received, working_days, zone) = (case.received, case.working_days, case.zone);
        format!(
            "{working_days} days from {received} in {zone}: ours is {}, theirs is {theirs}",
            our_deadline(calendars, case)
        )
    });
    assert!(differ.is_empty(), "{} of {} differ; {first:?}", differ.len(), cases.len());
}

#[test]
fn federal_deadlines_match_the_package_holidays() {
    let cases = cases("US", "2021-01-01T00:00Z", "2041-01-01T00:00Z");
    assert_same("us", &cases, &peer_deadlines(&cases));
}

#[test]
fn chinese_deadlines_match_the_package_holidays_within_the_calendar_file() {
    let cases = cases("CN", "2020-01-02T00:00Z", "2026-11-15T00:00Z");
    assert_same("cn", &cases, &peer_deadlines(&cases));
}

#[test]
fn the_earlier_deadline_of_two_calendars_counts() {
    let american = cases("US", "2020-01-02T00:00Z", "2026-11-15T00:00Z");
    let chinese: Vec<_> = american.iter().map(|case| Case { calendar: "CN", ..case.clone() }).collect();
    let earlier: Vec<_> = peer_deadlines(&american)
        .into_iter()
        .zip(peer_deadlines(&chinese))
        .map(|(us, cn)| us.min(cn))
        .collect();
    assert_same("us,cn", &american, &earlier);
}

#[test]
fn past_the_calendar_file_no_chinese_deadline_is_later() {
    let cases = cases("CN", "2026-11-15T00:00Z", "2040-01-01T00:00Z");
    for (case, theirs) in cases.iter().zip(peer_deadlines(&cases)) {
        assert!(our_deadline("cn", case) <= theirs, "{} in {}", case.received, case.zone);
    }
}
