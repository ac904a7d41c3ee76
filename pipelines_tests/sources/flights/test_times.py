"""Times of legs: what they mean, and whether they can be true."""

from typing import Any

import pandas as pd
import pytest

from pipelines.sources.flights.times import add_times


def one(
    departure: str,
    arrival: str,
    minutes: int,
    *,
    stops: int = 0,
    zones: tuple[str | None, str | None] = ("Europe/Budapest", "Europe/London"),
) -> dict[str, Any]:
    legs = pd.DataFrame(
        {
            "departure_local": pd.to_datetime([departure]),
            "arrival_local": pd.to_datetime([arrival]),
            "departure_time_zone": [zones[0]],
            "arrival_time_zone": [zones[1]],
            "duration_minutes": [minutes],
            "stops": [stops],
        }
    )
    row = add_times(legs).iloc[0].to_dict()
    return {str(key): None if pd.isna(value) else value for key, value in row.items()}


@pytest.mark.parametrize(
    ("departure", "arrival", "minutes", "stops", "expected"),
    [
        ("2020-10-31T15:35", "2020-10-31T17:00", 145, 0, (145, None, "consistent")),
        ("2020-10-31T12:05", "2020-10-31T17:00", 190, 1, (355, 165, "includes_layover")),
        ("2020-10-31T22:35", "2020-11-01T00:10", 155, 0, (155, None, "consistent")),
        ("2020-10-31T12:05", "2020-10-31T14:15", 190, 1, (190, 0, "consistent")),
        ("2020-10-31T12:05", "2020-10-31T17:00", 190, 0, (355, None, "impossible")),
        ("2020-10-31T12:05", "2020-10-31T13:00", 190, 1, (115, None, "impossible")),
        ("2020-10-31T12:05", "2020-10-31T10:00", 60, 0, (-65, None, "impossible")),
    ],
)
def test_elapsed_time_is_compared_with_the_stated_duration(
    departure: str, arrival: str, minutes: int, stops: int, expected: tuple[Any, ...]
) -> None:
    found = one(departure, arrival, minutes, stops=stops)
    read = (found["elapsed_minutes"], found["layover_minutes"], found["time_verdict"])
    assert read == expected
    assert found["clock_change"] is None


TWICE, SKIPPED = "2026-10-25", "2026-03-29"


@pytest.mark.parametrize(
    ("day", "minutes", "stops", "instant", "verdict", "remark"),
    [
        (TWICE, 150, 0, "00:30", "consistent", None),
        (TWICE, 210, 0, "01:30", "consistent", None),
        (TWICE, 77, 0, "00:30", "impossible", "ambiguous"),
        (TWICE, 77, 1, "00:30", "includes_layover", "ambiguous"),
        (SKIPPED, 150, 0, "01:30", "consistent", None),
        (SKIPPED, 90, 0, "00:30", "consistent", None),
        (SKIPPED, 77, 0, "01:30", "impossible", "skipped"),
    ],
)
def test_the_duration_resolves_an_hour_in_which_clocks_change_or_it_is_flagged(
    day: str, minutes: int, stops: int, instant: str, verdict: str, remark: str | None
) -> None:
    found = one(f"{day}T00:00", f"{day}T01:30", minutes, stops=stops)
    assert found["arrival_at"] == pd.Timestamp(f"{day}T{instant}", tz="UTC")
    assert (found["time_verdict"], found["clock_change"]) == (verdict, remark)


@pytest.mark.parametrize(("minutes", "stops", "hour"), [(210, 0, 0), (150, 0, 1), (210, 1, 0)])
def test_the_duration_resolves_an_ambiguous_hour_of_departure(
    minutes: int, stops: int, hour: int
) -> None:
    zones = ("Europe/London", "Europe/Budapest")
    found = one("2026-10-25T01:30", "2026-10-25T05:00", minutes, stops=stops, zones=zones)
    assert found["departure_at"] == pd.Timestamp(f"2026-10-25T{hour:02}:30", tz="UTC")
    assert (found["time_verdict"], found["clock_change"]) == ("consistent", None)


def test_without_a_zone_there_is_no_instant_and_no_verdict() -> None:
    found = one("2026-06-01T12:00", "2026-06-01T14:00", 60, zones=(None, "Europe/London"))
    assert found["departure_at"] is None
    assert found["arrival_at"] == pd.Timestamp("2026-06-01T13:00", tz="UTC")
    assert (found["time_verdict"], found["elapsed_minutes"]) == (None, None)
