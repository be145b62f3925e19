"""Computes deadlines with the packages `holidays` and `zoneinfo`: reads cases, writes answers, both as JSON.

A case is {"calendar": "US" or "CN", "zone", "received", "working_days"}. Its answer is the first second that is too
late. Points in time are seconds since 1970.
"""

import functools
import json
import sys
import zoneinfo
from datetime import datetime, time, timedelta

import holidays

# Uses only the packaged time zones, so that every machine computes the same.
zoneinfo.reset_tzpath(())


@functools.cache
def calendar(country: str):
    """Loads the public holidays of a country, and the weekend days worked in exchange for them."""
    # Loads all years at once: the calendar knows a year's worked weekend days only after it has loaded that year.
    return holidays.country_holidays(country, years=range(2018, 2046))


def deadline(case: dict) -> int:
    """Returns the midnight after the last of the working days."""
    zone = zoneinfo.ZoneInfo(case["zone"])
    received = datetime.fromtimestamp(case["received"], zone).date()
    last = calendar(case["calendar"]).get_nth_working_day(received, case["working_days"])
    return int(datetime.combine(last + timedelta(days=1), time(), zone).timestamp())


json.dump([deadline(case) for case in json.load(sys.stdin)], sys.stdout)
