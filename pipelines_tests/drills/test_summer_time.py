"""Days on which clocks change: each half hour around it is sent in local time and found again.

What each path does with the hour that comes twice or not at all is tested beside it; here nothing
may be lost, doubled or moved on the way to what people read.
"""

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from pipelines.sources.flights.times import add_times

HALF_HOUR, DAY = dt.timedelta(minutes=30), dt.timedelta(days=1)
ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # whose clocks change at midnight
    "Africa/Casablanca",  # which goes back for Ramadan
    "Australia/Sydney",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Auckland",
    "Pacific/Chatham",  # 45 minutes beside its neighbours, at a quarter to
)
MINUTES = 600


def changes(zone: str, year: int = 2025) -> list[dt.datetime]:
    """The instants of a year from which on a zone's clocks have another offset."""
    hours = [dt.datetime(year, 1, 1, tzinfo=dt.UTC) + n * HALF_HOUR for n in range(365 * 48)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]


def around(change: dt.datetime, steps: int) -> list[dt.datetime]:
    return [change + n * HALF_HOUR for n in range(-steps, steps)]


def local(instant: dt.datetime, zone: str) -> dt.datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def is_shown_twice(instant: dt.datetime, zone: str) -> bool:
    stated = local(instant, zone).replace(tzinfo=ZoneInfo(zone))
    return stated.utcoffset() != stated.replace(fold=1).utcoffset()


def both(zone: str) -> list[dt.datetime]:
    """Each half hour of the days around both changes."""
    found = changes(zone)
    assert len(found) >= 2, zone
    return [instant for change in found for instant in around(change, 72)]


@pytest.mark.parametrize("zone", ZONES)
def test_legs_across_each_half_hour_keep_their_flown_times(zone: str) -> None:
    flown = [(at - dt.timedelta(minutes=MINUTES), at, "UTC", zone) for at in both(zone)]
    flown += [(at, at + dt.timedelta(minutes=MINUTES), zone, "UTC") for at in both(zone)]
    flown += [(at, at + HALF_HOUR, zone, zone) for at in both(zone)]
    legs = pd.DataFrame(
        {
            "departure_local": pd.to_datetime([local(one[0], one[2]) for one in flown]),
            "arrival_local": pd.to_datetime([local(one[1], one[3]) for one in flown]),
            "departure_time_zone": [one[2] for one in flown],
            "arrival_time_zone": [one[3] for one in flown],
            "duration_minutes": [round((one[1] - one[0]).total_seconds() / 60) for one in flown],
            "stops": 0,
        }
    )
    read = add_times(legs)
    wrong = Counter[str]()
    for row, (departure, arrival, from_zone, to_zone) in zip(read.itertuples(), flown, strict=True):
        assert row.time_verdict == "consistent", row
        if (row.departure_at, row.arrival_at) != (departure, arrival):
            assert row.clock_change == "ambiguous", row
            assert is_shown_twice(departure, from_zone), row
            assert is_shown_twice(arrival, to_zone), row
            wrong[to_zone] += 1
    assert wrong["UTC"] == 0
    assert wrong[zone] <= 2, "only within the hour that comes twice"
