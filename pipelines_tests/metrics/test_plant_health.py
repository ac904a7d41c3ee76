"""Plant health: what is reported of sensors, gaps and yield, and when it is evaluated."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg.rows import dict_row

from pipelines.sources.solar import sandbox as sun
from pipelines.sources.solar.plant_health import refresh
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.solar_rows import add_plant, count_days
from pipelines_tests.stored import Stored

NOW = dt.datetime(2026, 4, 4, 4, 30, tzinfo=dt.UTC)
FIRST, LAST = dt.date(2026, 3, 5), dt.date(2026, 4, 3)
HOUR = dt.timedelta(hours=1)
COLUMNS = (
    "plant_id, read_at, expected_energy_kwh, observed_energy_kwh,"
    " expected_irradiation_wh_per_m2, observed_irradiation_wh_per_m2, delivery_id"
)


class Hour(NamedTuple):
    expected_kwh: float
    observed_kwh: float
    expected_wh_per_m2: float
    observed_wh_per_m2: float


class Plants(Stored):
    """Plants, their readings, and what is computed of them."""

    def register(
        self, plant_id: int, place: tuple[float, float] | None = (0.0, 0.0), zone: str = "UTC"
    ) -> None:
        add_plant(self.owner, plant_id, zone, place)

    def add(
        self,
        plant_id: int,
        at: Iterable[dt.datetime],
        value: Callable[[dt.datetime], Hour | None] | None = None,
        *,
        place: tuple[float, float] | None = (0.0, 0.0),
    ) -> None:
        """Register a plant that has readings."""
        self.register(plant_id, place)
        self.store(plant_id, at, value)

    def store(
        self,
        plant_id: int,
        at: Iterable[dt.datetime],
        value: Callable[[dt.datetime], Hour | None] | None = None,
        *,
        requested_at: dt.datetime = NOW - HOUR,
    ) -> None:
        """Readings of a plant, and its days as a sync would note them; honest ones by default."""
        value = value or honest
        readings = [(plant_id, one, *found, 1) for one in at if (found := value(one)) is not None]
        with self.owner.cursor().copy(f"COPY solar.readings ({COLUMNS}) FROM STDIN") as copy:
            for row in readings:
                copy.write_row(row)
        days = sorted({row[1].date() for row in readings})
        last = days[-1] + dt.timedelta(days=1)
        count_days(self.owner, plant_id, days[0], last, requested_at=requested_at)

    def refresh(self, now: dt.datetime = NOW) -> int:
        return refresh(self.warehouse, now=now)

    def health(self) -> dict[int, dict[str, Any]]:
        cursor = self.owner.cursor(row_factory=dict_row)
        rows = cursor.execute("SELECT * FROM metrics.solar_plant_health").fetchall()
        return {row.pop("plant_id"): row for row in rows}

    def only(self) -> dict[str, Any]:
        (row,) = self.health().values()
        return row


@pytest.fixture
def plants(warehouse: Warehouse, owner: psycopg.Connection) -> Plants:
    return Plants(warehouse, owner)


def hours(first: dt.date = FIRST, last: dt.date = LAST, zone: str = "UTC") -> Iterable[dt.datetime]:
    """Every hour of the days from first to last in the zone."""
    at = dt.datetime.combine(first, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), ZoneInfo(zone))
    while at < end:
        yield at
        at += HOUR


def honest(at: dt.datetime) -> Hour:
    """Like a plant on the equator at Greenwich, 100 kWp: by day from 7 to 17, never the same."""
    if not 7 <= at.hour < 17:
        return Hour(0, 0, 0, 0)
    light = 900 - 30 * abs(12 - at.hour) + at.day + at.hour / 10
    return Hour(light / 10, light / 12, light, light * 0.9)


def spoiled(*at: dt.datetime, **values: float) -> Callable[[dt.datetime], Hour]:
    """Honest but for some hours."""
    return lambda one: honest(one)._replace(**values) if one in at else honest(one)


def of_day(day: dt.date, *clock: int) -> list[dt.datetime]:
    return [dt.datetime.combine(day, dt.time(hour), dt.UTC) for hour in clock]


def reported(ratio: float | None, available: float, **others: Any) -> dict[str, Any]:
    """A row of a plant without sensor issues."""
    same = {"performance_ratio": ratio, "availability": available}
    both = {f"{name}_{days}_days": value for name, value in same.items() for days in (7, 30)}
    counts = dict.fromkeys(("longest_gap", "night", "flat", "over_limit"), 0)
    hours_of = {f"{name}_hours": count for name, count in counts.items()}
    return {"day": LAST, "sensor_issues": [], "computed_at": NOW} | both | hours_of | others


def test_an_honest_plant_is_reported_unchanged(plants: Plants) -> None:
    plants.add(7, hours())
    assert plants.refresh() == 1
    expected = reported(round(10 / 12, 4), 1.0, plant_name="Plant 7", requested_at=NOW - HOUR)
    assert plants.only() == expected


@pytest.mark.parametrize("last", [dt.date(2026, month, 19) for month in (3, 6, 12)])
def test_nothing_speaks_against_the_plants_of_the_sandbox(plants: Plants, last: dt.date) -> None:
    """From 48° south to 58° north, and all around the earth; but for the one with a dead sensor."""
    ids = [1, 2, 3, *range(20, 32)]
    for plant_id in ids:
        plant = sun.plant(plant_id)
        plants.register(plant_id, (plant.latitude, plant.longitude))
        readings = sun.readings(1, plant_id, last - dt.timedelta(days=29), last)
        made = {at: Hour(hoped, got, sky, light) for at, hoped, sky, got, light in readings}
        plants.store(plant_id, made, made.get)
    now = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(1), dt.UTC)
    assert plants.refresh(now) == len(ids)
    found = plants.health()
    (dead,) = found.pop(sun.DEAD_SENSOR_PLANT)["sensor_issues"]
    assert "flat lines" in dead
    assert {tuple(row["sensor_issues"]) for row in found.values()} == {()}
    assert {row["night_hours"] for row in found.values()} == {0}
    assert {row["availability_30_days"] for row in found.values()} == {1.0}
    assert all(0.4 < row["performance_ratio_30_days"] < 1.4 for row in found.values())


def test_hours_that_are_later_or_earlier_than_the_sun_are_reported(plants: Plants) -> None:
    plants.add(1, hours(), lambda at: honest(at - HOUR))
    plants.add(2, hours(), lambda at: honest(at + HOUR))
    plants.refresh()
    found = plants.health()
    for plant_id, words in ((1, "later"), (2, "earlier")):
        [issue] = [one for one in found[plant_id]["sensor_issues"] if one.startswith("hours")]
        assert issue.endswith(f" minutes {words} than the sun")
        assert abs(int(issue.split()[1]) - 60) < 10


def test_values_that_stand_still_by_day_are_flat(plants: Plants) -> None:
    cases: list[tuple[tuple[int, ...], dict[str, float], int]] = [
        ((8, 9, 10, 11), {"observed_kwh": 60.0}, 4),
        ((8, 9, 10, 11, 12, 13), {"observed_wh_per_m2": 500.0}, 6),
        ((8, 9, 10), {"observed_kwh": 60.0}, 0),
        ((8, 9, 11, 12, 13), {"observed_kwh": 60.0}, 0),  # another value at 10
        ((1, 2, 3, 4, 5), {"observed_kwh": 60.0}, 0),  # nothing is expected
        ((8, 9, 10, 11), {"observed_kwh": 0.0}, 0),  # an outage
        ((8, 9, 10, 11), {"observed_wh_per_m2": 0.0}, 4),  # a sensor that is broken off
        ((8, 9, 10, 11), {"observed_kwh": 60.0, "expected_kwh": 65.0}, 0),  # an inverter's limit
        ((8, 9, 10, 11), {"observed_kwh": 60.0, "observed_wh_per_m2": 500.0}, 4),
    ]
    for plant_id, (clock, values, _) in enumerate(cases, start=1):
        plants.add(plant_id, hours(), spoiled(*of_day(LAST, *clock), **values), place=None)
    plants.refresh()
    found = plants.health()
    for plant_id, (_, _, flat) in enumerate(cases, start=1):
        assert found[plant_id]["flat_hours"] == flat, cases[plant_id - 1]
        issues = [f"flat lines in {flat} hours"] if flat else []
        assert found[plant_id]["sensor_issues"] == issues


def test_impossible_irradiation_is_reported(plants: Plants) -> None:
    """Some 2,150 W/m² at noon, 450 in the hour of sunrise; 2,000 are possible before noon."""
    clock = {of_day(LAST, hour)[0]: light for hour, light in ((12, 2300), (6, 700), (11, 2000))}
    plants.add(1, hours(), lambda at: spoiled(*clock, observed_wh_per_m2=clock.get(at, 0))(at))
    plants.refresh()
    assert plants.only()["over_limit_hours"] == 2
    assert plants.only()["sensor_issues"] == ["above the physical limit in 2 hours"]


def test_ratios_cover_stored_hours_of_seven_and_thirty_days(plants: Plants) -> None:
    week = dt.datetime(2026, 3, 28, tzinfo=dt.UTC)

    def value(at: dt.datetime) -> Hour | None:
        return None if at.hour < 12 else Hour(10, 5 if at >= week else 8, 0, 0)

    plants.add(1, hours(FIRST - dt.timedelta(days=5), LAST + dt.timedelta(days=1)), value)
    plants.refresh()
    row = plants.only()
    assert row["performance_ratio_7_days"] == pytest.approx(0.5)
    assert row["performance_ratio_30_days"] == pytest.approx((7 * 5 + 23 * 8) / 300)
    assert row["availability_7_days"] == row["availability_30_days"] == 0.5
    assert row["longest_gap_hours"] == 12


def test_missing_hours_count_whether_requested_or_not(plants: Plants) -> None:
    cases = [
        (of_day(LAST, 5, 6, 7, 9), 164 / 168, 716 / 720, 3),
        (list(hours(LAST, LAST)), 144 / 168, 696 / 720, 24),  # at the end
        (list(hours(FIRST, dt.date(2026, 3, 7))), 1.0, 648 / 720, 72),  # at the beginning
        (list(hours(FIRST, dt.date(2026, 4, 2))), 24 / 168, 24 / 720, 696),  # all but a day
    ]
    for plant_id, (missing, *_) in enumerate(cases, start=1):
        plants.add(plant_id, sorted({*hours()} - {*missing}))
    plants.refresh()
    found = plants.health()
    for plant_id, (_, week, month, gap) in enumerate(cases, start=1):
        row = found[plant_id]
        shares = (row["availability_7_days"], row["availability_30_days"])
        assert (*shares, row["longest_gap_hours"]) == (round(week, 4), round(month, 4), gap)


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Europe/Madrid", "2026-11-01T00:30+01:00", 721),
        ("Europe/Madrid", "2026-04-04T04:30+02:00", 719),
        ("Pacific/Kiritimati", "2026-04-04T04:30+14:00", 720),
    ],
)
def test_days_are_of_the_plants_zone(plants: Plants, zone: str, now: str, expected: int) -> None:
    local = dt.datetime.fromisoformat(now)
    last = local.date() - dt.timedelta(days=1)
    at = list(hours(last - dt.timedelta(days=29), last, zone))
    plants.register(1, (40.4, -3.7), zone)
    plants.store(1, at, lambda _: Hour(1, 0, 1, 0))
    plants.refresh(local)
    row = plants.only()
    assert row["day"] == last
    assert len(at) == expected
    assert row["availability_30_days"] == row["availability_7_days"] == 1.0
    assert row["longest_gap_hours"] == 0
    assert row["sensor_issues"] == [f"flat lines in {len(at)} hours"]  # irradiation at zero


def test_a_plant_without_readings_misses_all_without_sensor_issues(plants: Plants) -> None:
    plants.register(1)
    plants.register(2, None)
    assert plants.refresh() == 2
    nothing = reported(None, 0.0, longest_gap_hours=720, requested_at=None)
    unknown = {"night_hours": None, "over_limit_hours": None}
    assert plants.health() == {
        1: nothing | {"plant_name": "Plant 1"},
        2: nothing | unknown | {"plant_name": "Plant 2"},
    }
    plants.owner.execute("UPDATE solar.plants SET name = 'Sierra Alta' WHERE plant_id = 1")
    assert plants.health()[1]["plant_name"] == "Sierra Alta"
    assert plants.refresh() == 0


def test_only_plants_in_service_requested_again_are_evaluated_again(plants: Plants) -> None:
    for plant_id in (1, 2, 3):
        plants.add(plant_id, (at for at in hours() if at.date() != LAST))
    assert plants.refresh() == 3
    before = plants.health()
    assert plants.refresh(NOW + HOUR) == 0
    assert plants.health() == before
    plants.store(2, hours(LAST, LAST), requested_at=NOW + HOUR)
    assert plants.refresh(NOW + 2 * HOUR) == 1
    found = plants.health()
    assert [found[n]["computed_at"] for n in (1, 2, 3)] == [NOW, NOW + 2 * HOUR, NOW]
    assert [found[n]["longest_gap_hours"] for n in (1, 2, 3)] == [24, 0, 24]
    plants.owner.execute("UPDATE solar.days SET requested_at = now() WHERE day < %s", (FIRST,))
    assert plants.refresh(NOW + 3 * HOUR) == 0  # of older days
    plants.owner.execute("DELETE FROM metrics.solar_plant_health")
    plants.refresh()
    assert plants.health() == {n: row | {"computed_at": NOW} for n, row in found.items()}
    plants.owner.execute("UPDATE solar.plants SET retired_at = now() WHERE plant_id < 3")
    assert plants.refresh(NOW + dt.timedelta(days=1)) == 1
    assert list(plants.health()) == [3]


def test_a_response_stored_during_evaluation_is_not_lost(plants: Plants) -> None:
    """It was requested before the evaluation began, and written after it had ended."""
    plants.add(1, (at for at in hours() if at.date() != LAST))
    plants.refresh()
    plants.store(1, hours(LAST, LAST), requested_at=NOW - dt.timedelta(seconds=1))
    assert plants.refresh(NOW + HOUR) == 1
    assert plants.only()["longest_gap_hours"] == 0
