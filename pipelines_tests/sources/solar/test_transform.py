"""Items to readings: what is good is kept, what is bad is rejected with its reasons."""

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.http.json_documents import parse_json
from pipelines.sources.solar.transform import ParsedResponse, read_response
from pipelines.sources.solar.windows import Window
from pipelines_tests.sources.solar.made_up import DAY, ONE_DAY, day_of_items, item

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def read(items: list[Any], zone: str = "UTC", window: Window = ONE_DAY) -> ParsedResponse:
    sent = parse_json(json.dumps(items).encode())
    return read_response(sent, plant_id=7, zone=zone, window=window, now=NOW)


def reasons(parsed: ParsedResponse) -> list[str]:
    return [reason for reject in parsed.rejects for reason in reject.words]


def hours(parsed: ParsedResponse) -> list[str]:
    return [f"{at:%Y-%m-%dT%H:%MZ}" for at in parsed.readings.read_at]


def test_p22_nested_values_become_flat_columns() -> None:
    parsed = read(day_of_items())
    assert len(parsed.readings) == parsed.read == 24
    assert parsed.readings.iloc[3].to_dict() == {
        "read_at": dt.datetime(2019, 1, 1, 3, tzinfo=dt.UTC),
        "expected_energy_kwh": 13.0,
        "observed_energy_kwh": 13.0 * 0.8,
        "expected_irradiation_wh_per_m2": 6.5,
        "observed_irradiation_wh_per_m2": 3.25,
    }
    assert not parsed.rejects
    assert not parsed.drift


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
        ({"expected": {"energy": math.inf, "irradiation": 1.0}}, "expected.energy is out of range"),
        ({"observed": {"energy": -5.0, "irradiation": 1.0}}, "observed.energy is out of range"),
        ({"observed": {"energy": 10**400, "irradiation": 1}}, "observed.energy is out of range"),
        ({"observed": {"energy": 1, "irradiation": 2001}}, "observed.irradiation is out of range"),
        ({"datetime": None}, "datetime is missing or invalid"),
        ({"datetime": "yesterday at noon, more or less"}, "datetime is missing or invalid"),
        ({"datetime": "2019-01-01"}, "datetime is missing or invalid"),
        ({"datetime": "0001-01-01T00:00:00+14:00"}, "datetime is missing or invalid"),
        ({"datetime": "9999-12-31T23:00:00-14:00"}, "datetime is missing or invalid"),
        ({"datetime": "2019-01-01T05:30:00"}, "datetime is not on the hour"),
        ({"datetime": "2019-01-01T05:00:00.5"}, "datetime is not on the hour"),
    ],
)
def test_p30_p60_one_bad_point_does_not_cost_the_batch(spoilt: dict[str, Any], reason: str) -> None:
    items = day_of_items()
    items[5] |= spoilt
    parsed = read(items)
    assert len(parsed.readings) == 23
    assert len(parsed.rejects) == 1
    assert parsed.rejects[0].position == "[5]"
    assert any(one.startswith(reason) for one in reasons(parsed)), reasons(parsed)
    assert (
        json.loads(parsed.rejects[0].raw)["expected"] == items[5]["expected"]
        or "expected" in spoilt
    )
    assert parsed.spoiled_days == [DAY]


def test_a_rejected_items_key_is_its_exact_or_approximate_hour() -> None:
    items = day_of_items()
    items[5] |= {"observed": None}
    items[9] |= {"datetime": "?"}
    keys = [reject.key for reject in read(items).rejects]
    assert keys == [("7", "2019-01-01T05:00:00Z"), ("7", "2019-01-01T08:00:00Z?")]


def test_repeats_are_harmless_and_contradictions_are_rejected() -> None:
    items = [*day_of_items(), item("2019-01-01T00:00:00"), item("2019-01-01T01:00:00", 99.0)]
    parsed = read(items)
    assert (parsed.repeated, len(parsed.rejects)) == (1, 1)
    assert reasons(parsed) == ["datetime repeats an hour with other values"]
    assert parsed.readings.expected_energy_kwh[1] == 11.0


def test_p55_items_outside_the_requested_days_are_ignored() -> None:
    parsed = read([*day_of_items(), *day_of_items(dt.date(2019, 1, 2))[:1]])
    assert (len(parsed.readings), parsed.elsewhere) == (24, 1)


def test_future_readings_are_rejected() -> None:
    window = Window(NOW.date(), NOW.date() + dt.timedelta(days=1))
    parsed = read(day_of_items(NOW.date()), window=window)
    assert len(parsed.readings) == 13
    assert set(reasons(parsed)) == {"datetime is in the future"}


def test_p57_naive_times_are_read_in_the_plants_zone() -> None:
    parsed = read(day_of_items(), "Asia/Tashkent")
    assert hours(parsed)[0] == "2018-12-31T19:00Z"
    parsed = read(day_of_items(), "Asia/Kolkata")
    assert hours(parsed)[0] == "2018-12-31T18:30Z"


def test_times_with_an_offset_are_accepted_unchanged() -> None:
    parsed = read([item("2019-01-01T02:00:00+01:00"), item("2019-01-01T05:00:00Z")])
    assert hours(parsed) == ["2019-01-01T01:00Z", "2019-01-01T05:00Z"]
    parsed = read([item("2018-12-31T20:00:00Z")], "Asia/Tashkent")
    assert hours(parsed) == ["2018-12-31T20:00Z"]


def test_the_day_of_23_hours() -> None:
    day = dt.date(2019, 3, 31)
    parsed = read(day_of_items(day), "Europe/Madrid", Window(day, day + dt.timedelta(days=1)))
    assert len(parsed.readings) == 23
    assert reasons(parsed) == ["datetime is skipped by a clock change in the plant's time zone"]
    assert parsed.rejects[0].position == "[2]"


def test_the_day_of_25_hours() -> None:
    day = dt.date(2019, 10, 27)
    items = day_of_items(day)
    items.insert(3, item("2019-10-27T02:00:00", 77.0))
    parsed = read(items, "Europe/Madrid", Window(day, day + dt.timedelta(days=1)))
    assert len(parsed.readings) == 25
    assert hours(parsed)[2:4] == ["2019-10-27T00:00Z", "2019-10-27T01:00Z"]
    assert list(parsed.readings.expected_energy_kwh[2:4]) == [12.0, 77.0]


@pytest.mark.parametrize(
    ("values", "stored", "repeated", "rejected"),
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
    values: list[float], stored: list[float], repeated: int, rejected: int
) -> None:
    day = dt.date(2019, 10, 27)
    window = Window(day, day + dt.timedelta(days=1))
    parsed = read([item("2019-10-27T02:00:00", one) for one in values], "Europe/Madrid", window)
    assert list(parsed.readings.expected_energy_kwh) == stored
    assert (parsed.repeated, len(parsed.rejects)) == (repeated, rejected)


numbers = st.one_of(
    st.floats(), st.integers(-(10**6), 10**12), st.none(), st.booleans(), st.text(max_size=3)
)
sides = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(["energy", "irradiation", "x"]), numbers)
)
times = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.datetimes().map(dt.datetime.isoformat),
    st.integers(0, 47).map(lambda n: f"2019-03-{30 + n // 24}T{n % 24:02}:00:00"),
    st.integers(0, 23).map(lambda n: f"2019-03-31T{n:02}:00:00+02:00"),
)
things = st.one_of(
    st.fixed_dictionaries({"datetime": times, "expected": sides, "observed": sides}),
    st.builds(item, times.map(str)),
    st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=3),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(things, max_size=12), st.sampled_from(["UTC", "Europe/Madrid", "Asia/Kolkata"]))
def test_whatever_comes_each_item_is_counted_once(items: list[Any], zone: str) -> None:
    parsed = read(items, zone, Window(dt.date(2019, 3, 31), dt.date(2019, 4, 1)))
    counted = len(parsed.readings) + parsed.repeated + parsed.elsewhere + len(parsed.rejects)
    assert counted == parsed.read == len(items)
    assert parsed.readings.read_at.is_unique
    assert all(reject.words and reject.key for reject in parsed.rejects)
