"""Deadlines by the packages `holidays` and `zoneinfo`: cases in, answers out, both as JSON.

A case is {"calendar": "US" or "CN", "zone", "received", "working_days"}, its answer the first second that is too late;
points in time are seconds since 1970.
"""

import functools
import json
import sys
import zoneinfo
from datetime import datetime, time, timedelta

import holidays

# The packaged time zones alone, so that every machine compares with the same.
zoneinfo.reset_tzpath(())


@functools.cache
def calendar(country: str):
    """The public holidays of that country, and the weekends that are worked for them."""
    # All years at once: the calendar learns of a year's worked weekends only when it makes the year out.
    return holidays.country_holidays(country, years=range(2018, 2046))


def deadline(case: dict) -> int:
    """The midnight after the last of the working days."""
    zone = zoneinfo.ZoneInfo(case["zone"])
    received = datetime.fromtimestamp(case["received"], zone).date()
    last = calendar(case["calendar"]).get_nth_working_day(received, case["working_days"])
    return int(datetime.combine(last + timedelta(days=1), time(), zone).timestamp())


json.dump([deadline(case) for case in json.load(sys.stdin)], sys.stdout)
