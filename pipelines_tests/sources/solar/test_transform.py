"""Items to readings: what is good is kept, what is bad is rejected with its reasons."""

import datetime as dt
import json
import math
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.failures import PermanentFailure
from pipelines.ingest.feeds import Parsed
from pipelines.sources.solar.transform import ENDS_OF_HOURS
from pipelines.sources.solar.windows import Window
from pipelines_tests.sources.solar.made_up import (
    DAY,
    NOW,
    Item,
    day_of_items,
    item,
    parsed_of,
)

HOUR = dt.timedelta(hours=1)


def of(day: dt.date) -> Window:
    return Window(day, day + dt.timedelta(days=1))


def reasons(parsed: Parsed) -> list[str]:
    return [reason for reject in parsed.rejects for reason in reject.words]


def hours(parsed: Parsed) -> list[str]:
    return [f"{at:%Y-%m-%dT%H:%MZ}" for at in parsed.rows["stage_readings"].read_at]


def energy(parsed: Parsed) -> list[float]:
    return [*parsed.rows["stage_readings"].expected_energy_kwh]


def test_a_key_in_the_place_of_another_is_drift() -> None:
    first, *items = day_of_items()
    first["expected"]["irr"] = first["expected"].pop("irradiation")
    first["observd"] = first.pop("observed")
    assert parsed_of([first, *items]).drift == [
        'the answer: unknown key "expected.irr" in 1 of 24 items',
        'the answer: unknown key "observd" in 1 of 24 items',
    ]


def test_p22_nested_values_become_flat_columns() -> None:
    parsed = parsed_of(day_of_items())
    assert (parsed.read, parsed.skipped, parsed.rejects, parsed.drift) == (24, 0, [], [])
    assert len(parsed.rows["stage_readings"]) == 24
    assert parsed.rows["stage_readings"].iloc[3].to_dict() == {
        "read_at": dt.datetime(2019, 1, 1, 3, tzinfo=dt.UTC),
        "expected_energy_kwh": 13.0,
        "observed_energy_kwh": 13.0 * 0.8,
        "expected_irradiation_wh_per_m2": 6.5,
        "observed_irradiation_wh_per_m2": 3.25,
    }


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"expected": None}, "expected is not an object"),
        ({"observed": 3}, "observed is not an object"),
        ({"observed": {"irradiation": 1.0}}, "observed.energy is missing"),
        ({"expected": {"energy": None, "irradiation": 1.0}}, "expected.energy is not a number"),
        ({"expected": {"energy": "5", "irradiation": 1.0}}, "expected.energy is not a number"),
        ({"expected": {"energy": True, "irradiation": 1.0}}, "expected.energy is not a number"),
        ({"expected": {"energy": math.nan, "irradiation": 1.0}}, "expected.energy is out of range"),
        ({"observed": {"energy": -5.0, "irradiation": 1.0}}, "observed.energy is out of range"),
        ({"observed": {"energy": 10**400, "irradiation": 1}}, "observed.energy is out of range"),
        ({"observed": {"energy": 1, "irradiation": 2001}}, "observed.irradiation is out of range"),
        ({"datetime": None}, "datetime is missing or invalid"),
        ({"datetime": "yesterday at noon, more or less"}, "datetime is missing or invalid"),
        ({"datetime": "2019-01-01"}, "datetime is missing or invalid"),
        ({"datetime": "0001-01-01T00:00:00+14:00"}, "datetime is missing or invalid"),
        ({"datetime": "2019-01-01T05:30:00"}, "datetime is not on the hour"),
    ],
)
def test_p30_p60_one_bad_point_does_not_cost_the_batch(spoilt: dict[str, Any], reason: str) -> None:
    """Its key is its hour, or that of the item before it."""
    items = day_of_items()
    items[5] |= spoilt
    parsed = parsed_of(items)
    assert len(hours(parsed)) == 23
    [reject] = parsed.rejects
    hour = "04:00:00Z?" if "missing or invalid" in reason else "05"
    assert reject.position == "[5]"
    assert reject.key is not None
    assert reject.key[0] == "7"
    assert reject.key[1].startswith(f"2019-01-01T{hour}")
    assert any(one.startswith(reason) for one in reject.words), reject.words
    assert json.loads(reject.raw).keys() == items[5].keys()
    assert parsed.parameters["spoiled_days"] == [DAY]


def test_repeats_are_harmless_and_contradictions_are_rejected() -> None:
    items = [*day_of_items(), item("2019-01-01T00:00:00"), item("2019-01-01T01:00:00", 99.0)]
    parsed = parsed_of(items)
    assert (parsed.skipped, reasons(parsed)) == (1, ["datetime repeats an hour with other values"])
    assert energy(parsed)[1] == 11.0


def test_p55_items_outside_the_requested_days_are_ignored() -> None:
    parsed = parsed_of([*day_of_items(), *day_of_items(dt.date(2019, 1, 2))[:1]])
    assert (len(hours(parsed)), parsed.skipped) == (24, 1)


def test_future_readings_are_rejected() -> None:
    parsed = parsed_of(day_of_items(NOW.date()), window=of(NOW.date()))
    assert len(hours(parsed)) == 13
    assert set(reasons(parsed)) == {"datetime is in the future"}


def test_p57_naive_times_are_read_in_the_plants_zone() -> None:
    assert hours(parsed_of(day_of_items(), "Asia/Tashkent"))[0] == "2018-12-31T19:00Z"
    assert hours(parsed_of(day_of_items(), "Asia/Kolkata"))[0] == "2018-12-31T18:30Z"


def test_times_with_an_offset_are_accepted_unchanged() -> None:
    parsed = parsed_of([item("2019-01-01T02:00:00+01:00"), item("2019-01-01T05:00:00Z")])
    assert hours(parsed) == ["2019-01-01T01:00Z", "2019-01-01T05:00Z"]
    parsed = parsed_of([item("2018-12-31T20:00:00Z")], "Asia/Tashkent")
    assert hours(parsed) == ["2018-12-31T20:00Z"]
    window = of(dt.date(2026, 6, 1))
    ended = [item("2026-06-02T00:00:00+02:00")]
    parsed = parsed_of(ended, "Europe/Paris", window, names_end=True)
    assert hours(parsed) == ["2026-06-01T21:00Z"]


def test_the_day_of_23_hours() -> None:
    day = dt.date(2019, 3, 31)
    parsed = parsed_of(day_of_items(day), "Europe/Madrid", of(day))
    assert len(hours(parsed)) == 23
    assert reasons(parsed) == ["datetime is skipped by a clock change in the plant's time zone"]
    assert parsed.rejects[0].position == "[2]"


@pytest.mark.parametrize(
    ("values", "stored", "skipped", "rejected"),
    [
        ([12.0, 77.0], [12.0, 77.0], 0, 0),
        ([12.0, 12.0], [12.0, 12.0], 0, 0),  # as at night
        ([12.0, 12.0, 77.0], [12.0, 77.0], 1, 0),
        ([12.0, 77.0, 77.0], [12.0, 77.0], 1, 0),
        ([12.0, 77.0, 12.0], [12.0, 77.0], 1, 0),
        ([12.0, 77.0, 99.0], [12.0, 77.0], 0, 1),
    ],
)
def test_an_ambiguous_hour_is_resolved_however_often_it_is_sent(
    values: list[float], stored: list[float], skipped: int, rejected: int
) -> None:
    items = [item("2019-10-27T02:00:00", one) for one in values]
    parsed = parsed_of(items, "Europe/Madrid", of(dt.date(2019, 10, 27)))
    assert hours(parsed) == ["2019-10-27T00:00Z", "2019-10-27T01:00Z"]
    assert energy(parsed) == stored
    assert (parsed.skipped, len(parsed.rejects)) == (skipped, rejected)


def ended(day: dt.date, zone: str) -> list[Item]:
    """The hours of a day by their end, as local clocks show it."""
    first, end = (dt.datetime.combine(one, dt.time(), ZoneInfo(zone)) for one in of(day))
    count = int((end.astimezone(dt.UTC) - first.astimezone(dt.UTC)) / HOUR)
    ends = [first.astimezone(dt.UTC) + n * HOUR for n in range(1, count + 1)]
    local = [one.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for one in ends]
    return [item(one, n) for n, one in enumerate(local)]


@pytest.mark.parametrize(
    ("zone", "day", "first", "count"),
    [
        ("UTC", dt.date(2026, 6, 1), "2026-06-01T00:00Z", 24),
        ("Europe/Paris", dt.date(2026, 6, 1), "2026-05-31T22:00Z", 24),
        ("Asia/Kolkata", dt.date(2026, 6, 1), "2026-05-31T18:30Z", 24),
        ("Europe/Paris", dt.date(2026, 3, 29), "2026-03-28T23:00Z", 23),
        ("Europe/Paris", dt.date(2026, 10, 25), "2026-10-24T22:00Z", 25),
    ],
)
def test_hours_by_their_end_are_stored_by_their_begin(
    zone: str, day: dt.date, first: str, count: int
) -> None:
    parsed = parsed_of(ended(day, zone), zone, of(day), names_end=True)
    assert (hours(parsed)[0], energy(parsed)) == (first, [*range(count)])
    assert (parsed.rejects, parsed.drift) == ([], [])
    if count == 24:
        (line,) = parsed_of(ended(day, zone), zone, of(day)).drift
        assert line.endswith(ENDS_OF_HOURS)


def test_quarters_stand_for_no_hour_and_24_is_the_next_midnight() -> None:
    items = day_of_items() + [item(f"{DAY}T10:{minute}:00") for minute in (15, 30, 45)]
    parsed = parsed_of(items)
    assert (len(hours(parsed)), len(parsed.rejects)) == (23, 4)
    midnight = [item("2018-12-31T24:00:00")]
    assert hours(parsed_of(midnight)) == ["2019-01-01T00:00Z"]


@pytest.mark.parametrize("minutes", [15, 30])
def test_parts_of_hours_are_no_hours(minutes: int) -> None:
    """Incident: that of the full hour was taken for the hour, and the day was complete."""
    starts = [divmod(n, 60) for n in range(0, 24 * 60, minutes)]
    parsed = parsed_of([item(f"{DAY}T{hour:02}:{minute:02}", 2.5) for hour, minute in starts])
    assert (hours(parsed), len(parsed.rejects)) == ([], len(starts))


def test_a_response_about_other_days_is_rejected_as_a_whole() -> None:
    with pytest.raises(PermanentFailure, match="for days that were not requested"):
        parsed_of(day_of_items(dt.date(2020, 5, 5)))
